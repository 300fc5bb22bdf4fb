import { registerUrl } from '../accounts/registration-link.ts';
import { isRegistrationOpen } from '../accounts/registration-rules.ts';
import { isForClient } from '../accounts/source-choice.ts';
import type { LoginTenant } from './login-tenant.ts';

/** The page on which everybody may begin to make an account; undefined where there is none. */
export const openRegistrationUrl = ({ definition, provider }: LoginTenant): string | undefined =>
  isRegistrationOpen(definition) ? registerUrl(provider.issuer) : undefined;

/** The same from a sign-in, which goes on afterwards; undefined where the app is not for local users. */
export const registrationUrlIn = (
  tenant: LoginTenant,
  { uid, clientId }: { readonly uid: string; readonly clientId: string },
): string | undefined => {
  const url = openRegistrationUrl(tenant);
  const isOffered = tenant.definition.sources.some(
    (source) => source.type === 'local' && isForClient(source, clientId),
  );
  return url === undefined || !isOffered ? undefined : `${url}?interaction=${uid}`;
};
