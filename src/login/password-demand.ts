import { definedOnly } from '../defined-only.ts';
import type { OpenInteraction } from '../oidc/provider/interactions.ts';
import { readForm } from '../web/body.ts';
import { completeSignIn } from './factors/complete-sign-in.ts';
import {
  choiceUrl,
  csrfToken,
  formAction,
  type InteractionVisit,
  interactionUrl,
  redirectTo,
  refuseForgery,
  withLanguage,
} from './interaction-form.ts';
import type { LoginNotice, LoginPageParts } from './login-form.ts';
import { endOf } from './login-problems.ts';
import {
  changePassword,
  type PasswordNews,
  type PasswordPlace,
  passwordFields,
  showPasswordForm,
} from './password-form.ts';

interface Demand extends PasswordNews {
  readonly login: string;
}

/** In the middle of a sign-in: the source demands a new password first. Redirects to its form. */
export const demandPasswordChange = (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { retryAfterSeconds, ...form }: Demand,
): void =>
  parts.notices.show({ ctx: visit.ctx, url: withLanguage(visit, choiceUrl(visit)) }, {
    ...form,
    ...endOf(parts, retryAfterSeconds),
    page: 'change-password',
  } satisfies LoginNotice);

export const showDemandedPasswordChange = (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, form }: { readonly interaction: OpenInteraction; readonly form: Demand },
): void =>
  showPasswordForm(parts, placeOf(visit, interaction), {
    ...form,
    action: formAction(visit, 'password'),
    csrf: csrfToken(parts.csrf, visit),
    cancelUrl: choiceUrl(visit),
  });

/** Signs the person in with the new password, and continues the flow. */
export const submitDemandedPasswordChange = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const sent = await readForm(ctx, passwordFields);
  refuseForgery(parts.csrf, visit, sent.csrf);
  const interaction = await tenant.interactions.open({ ctx, uid });
  if (interaction.pending.prompt !== 'login') return redirectTo(visit, interactionUrl(visit));
  const outcome = await changePassword(parts, placeOf(visit, interaction), sent);
  if (!outcome.ok) {
    const { ok: _ok, ...news } = outcome;
    return demandPasswordChange(parts, visit, { ...news, login: sent.login });
  }
  const { account, amr, acr, source, signedInAt } = outcome;
  const login = {
    sub: account.sub,
    amr,
    source,
    signedInAt,
    ...definedOnly({ acr, deleteAt: account.deleteAt }),
  };
  return redirectTo(visit, await completeSignIn(parts, visit, interaction, login));
};

const placeOf = (
  visit: InteractionVisit,
  { pending: { uiLocales, clientId } }: OpenInteraction,
): PasswordPlace => ({
  ctx: visit.ctx,
  tenant: visit.tenant,
  uiLocales,
  clientId,
  whose: { isDemanded: true },
});
