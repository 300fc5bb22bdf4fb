// Every sign-in on our pages ends here, so that none begins a session without the second factor that it needs.
import type { SignedIn } from '../../accounts/account-types.ts';
import { type FactorDemand, hasPasskey } from '../../accounts/factors/factor-demand.ts';
import { isRecentSignIn, mayCompleteSignIn } from '../../accounts/standing.ts';
import { definedOnly } from '../../defined-only.ts';
import { readRememberedBrowser } from '../../oidc/cookies.ts';
import type { ProvenLogin } from '../../oidc/provider/first-factor.ts';
import type { OpenInteraction } from '../../oidc/provider/interactions.ts';
import { type InteractionVisit, interactionUrl, withLanguage } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { concludeSignIn } from './conclude-sign-in.ts';
import { sendEmailCode } from './send-email-code.ts';

/** @returns the next URL: of the flow, or of the page that asks for the second factor */
export const completeSignIn = async (
  parts: Pick<LoginPageParts, 'notices' | 'clock'>,
  visit: InteractionVisit,
  interaction: OpenInteraction,
  login: ProvenLogin,
): Promise<string> => {
  if (visit.tenant.definition.secondFactor.methods.length === 0)
    return concludeSignIn(parts, visit, { interaction, login });
  const account = await visit.tenant.accounts.findBySub(login.sub);
  const demand = account === undefined ? 'none' : demandOf(visit, interaction, { account, login });
  if (account === undefined || demand === 'none') return concludeSignIn(parts, visit, { interaction, login });
  await interaction.keepFirstFactor(login);
  if (demand === 'email_code') return sendEmailCode(parts, visit, { interaction, account });
  return demand === 'factor' && !hasPasskey(visit.tenant.definition.secondFactor, account)
    ? parts.notices.leave(
        { ctx: visit.ctx, url: questionUrl(visit) },
        { question: questionOf(interaction, account) },
      )
    : interactionUrl(visit);
};

/** What the page shows that asks for a second factor: with it the page is shown without a look at the interaction. */
export interface FactorQuestionShown {
  readonly username: string;
  readonly uiLocales?: string;
}

export const questionOf = (
  { pending: { uiLocales } }: OpenInteraction,
  { username }: SignedIn['account'],
): FactorQuestionShown => ({ username, ...definedOnly({ uiLocales }) });

export const questionUrl = (visit: InteractionVisit): string => withLanguage(visit, interactionUrl(visit));

/** A person whose first factor is proven, in this browser. */
export interface FirstFactorVisit {
  readonly account: SignedIn['account'];
  readonly login: ProvenLogin;
}

/** What the sign-in still needs. */
export const demandOf = (
  { ctx, tenant }: InteractionVisit,
  { pending: { clientId, acrValues } }: OpenInteraction,
  { account, login: { acr, amr } }: FirstFactorVisit,
): FactorDemand =>
  tenant.accounts.factors.demandOf({
    account,
    clientId,
    acr,
    amr,
    browser: readRememberedBrowser(tenant.provider.issuer, ctx),
    ...definedOnly({ acrValues: acrValues?.split(' ') }),
  });

/**
 * The first factor of this sign-in; or the session of a person who lacks nothing but the second one. A session is enough
 * to be asked for a factor, and to set one up only if it has just begun. Undefined after a new password or a forced sign-out:
 * whoever had the old password sets up no factor with it.
 */
export const findFirstFactor = async (
  visit: InteractionVisit,
  interaction: OpenInteraction,
  nowMs: number,
): Promise<FirstFactorVisit | undefined> => {
  const { firstFactor, pending } = interaction;
  const login =
    firstFactor ?? (pending.isFactorDemanded ? await loginOfSession(visit, pending.sub) : undefined);
  const account = login === undefined ? undefined : await visit.tenant.accounts.findBySub(login.sub);
  if (login === undefined || !mayCompleteSignIn(account, login.signedInAt)) return undefined;
  const found = { account, login };
  const isOld = firstFactor === undefined && !isRecentSignIn(login.signedInAt, nowMs);
  if (!isOld) return found;
  const demand = demandOf(visit, interaction, found);
  return demand === 'factor' || demand === 'email_code' ? found : undefined;
};

const loginOfSession = async (
  { ctx, tenant }: InteractionVisit,
  sub: string | undefined,
): Promise<ProvenLogin | undefined> => {
  const session = await tenant.provider.findSession(ctx);
  if (session === undefined || session.sub !== sub) return undefined;
  const { amr, acr, signedInAt, provenBy } = session;
  return { sub, amr, signedInAt, ...definedOnly({ acr, source: provenBy?.at(-1) }) };
};
