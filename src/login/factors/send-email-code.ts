// A mail with a code, for people whose second factor is their e-mail address.
import type { SignedIn } from '../../accounts/account-types.ts';
import type { OpenInteraction } from '../../oidc/provider/interactions.ts';
import { localeOf } from '../../web/locale.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { browserOf, type InteractionVisit, interactionUrl, withLanguage } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { endOf } from '../login-problems.ts';

interface Addressee {
  readonly interaction: OpenInteraction;
  readonly account: SignedIn['account'];
}

/** The mail leaves after the answer. @returns the URL of the page that asks for its code */
export const sendEmailCode = async (
  parts: Pick<LoginPageParts, 'notices' | 'clock'>,
  visit: InteractionVisit,
  { interaction, account }: Addressee,
): Promise<string> => {
  const { ctx, tenant } = visit;
  const sent = await tenant.emailCodes.send(account, {
    place: browserOf(visit),
    locale: localeOf(ctx, tenant.definition.locale, interaction.pending.uiLocales),
    requestId: requestFacts(ctx).requestId,
  });
  const notice = sent.ok
    ? { isMailed: true }
    : { problem: 'too_many_mails', ...endOf(parts, sent.retryAfterSeconds) };
  return parts.notices.leave({ ctx, url: withLanguage(visit, interactionUrl(visit)) }, notice);
};
