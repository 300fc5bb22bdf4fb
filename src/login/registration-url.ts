import { registerUrl } from '../accounts/registration-link.ts';
import { isRegistrationOpen } from '../accounts/registration-rules.ts';
import { isForClient } from '../accounts/source-choice.ts';
import type { Locale } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import type { PendingInteraction } from '../oidc/provider/interactions.ts';
import { localeAskedFor } from '../web/locale.ts';
import type { LoginTenant } from './login-tenant.ts';

/** The page on which everybody may begin to make an account; undefined where there is none. */
export const openRegistrationUrl = ({ definition, provider }: LoginTenant): string | undefined =>
  isRegistrationOpen(definition) ? registerUrl(provider.issuer) : undefined;

/** What goes with the person from page to page of a registration. */
export const registrationQuery = (from: {
  /** The sign-in that the person came from. */
  readonly interaction?: string | undefined;
  /** Of its app. */
  readonly language?: Locale | undefined;
}): string => {
  const query = new URLSearchParams(definedOnly(from)).toString();
  return query === '' ? '' : `?${query}`;
};

/**
 * The page from a sign-in, which goes on afterwards, in the language that the app asks for; undefined where the app is not
 * for local users.
 */
export const registrationUrlIn = (
  tenant: LoginTenant,
  { uid, clientId, uiLocales = '' }: Pick<PendingInteraction, 'uid' | 'clientId' | 'uiLocales'>,
): string | undefined => {
  const url = openRegistrationUrl(tenant);
  const isOffered = tenant.definition.sources.some(
    (source) => source.type === 'local' && isForClient(source, clientId),
  );
  if (url === undefined || !isOffered) return undefined;
  return `${url}${registrationQuery({ interaction: uid, language: localeAskedFor(uiLocales) })}`;
};
