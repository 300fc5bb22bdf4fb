// What the pages of this step share: the first factor of this browser, and what a form shows after it was sent.
import {
  type FactorDemand,
  isFactorMissing,
  isPasskeyDemanded,
} from '../../accounts/factors/factor-demand.ts';
import { definedOnly } from '../../defined-only.ts';
import type { ProvenLogin } from '../../oidc/provider/first-factor.ts';
import type { OpenInteraction } from '../../oidc/provider/interactions.ts';
import type { FactorProblem } from '../../web/page-problems.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { type InteractionVisit, interactionUrl, redirectTo, refuseForgery } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import type { TimedNotice } from '../login-problems.ts';
import {
  demandOf,
  type FactorQuestionShown,
  type FirstFactorVisit,
  findFirstFactor,
  questionUrl,
} from './complete-sign-in.ts';
import { concludeSignIn } from './conclude-sign-in.ts';

export interface FactorNotice extends TimedNotice {
  readonly problem?: FactorProblem;
  readonly question?: FactorQuestionShown;
  /** A code was mailed. */
  readonly isMailed?: boolean;
  /** After a factor was set up: to be shown once. */
  readonly recoveryCodes?: readonly string[];
  /** The secret that is being set up is shown again after a wrong code. */
  readonly sealed?: string;
}

export interface Asked {
  readonly interaction: OpenInteraction;
  readonly first: FirstFactorVisit;
}

/** Undefined, and a redirect to the page that fits, when no first factor is proven any more. */
export const openFirstFactor = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
): Promise<Asked | undefined> => {
  const { ctx, tenant, uid } = visit;
  const interaction = await tenant.interactions.open({ ctx, uid });
  const first = await findFirstFactor(visit, interaction, parts.clock.now());
  if (first !== undefined) return { interaction, first };
  redirectTo(visit, interactionUrl(visit));
  return undefined;
};

/** Undefined, and a redirect to the page that fits, when something else is asked for. @throws FormOutOfDate */
export const openQuestion = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { csrf, demands }: { readonly csrf: string; readonly demands: readonly FactorDemand[] },
): Promise<Asked | undefined> => {
  refuseForgery(parts.csrf, visit, csrf);
  const asked = await openFirstFactor(parts, visit);
  if (asked === undefined || demands.includes(demandOf(visit, asked.interaction, asked.first))) return asked;
  redirectTo(visit, interactionUrl(visit));
  return undefined;
};

export const showAgain = (parts: LoginPageParts, visit: InteractionVisit, notice: FactorNotice): void =>
  parts.notices.show({ ctx: visit.ctx, url: questionUrl(visit) }, notice);

/** To the app; or to the next question, where the request asks for more than was proven. */
export const goOn = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, proven }: { readonly interaction: OpenInteraction; readonly proven: FirstFactorVisit },
): Promise<void> => {
  const { login } = proven;
  if (!isFactorMissing(demandOf(visit, interaction, proven)))
    return redirectTo(visit, await concludeSignIn(parts, visit, { interaction, login }));
  await interaction.keepFirstFactor(proven.login);
  redirectTo(visit, interactionUrl(visit));
};

/** Is a passkey all that is missing? */
export const isPasskeyMissing = (
  { tenant }: InteractionVisit,
  { pending: { acrValues } }: OpenInteraction,
  { acr }: Pick<ProvenLogin, 'acr'>,
): boolean =>
  isPasskeyDemanded(tenant.definition.secondFactor, {
    acr,
    ...definedOnly({ acrValues: acrValues?.split(' ') }),
  });

export const originOf = ({ ctx }: InteractionVisit, { pending: { clientId } }: OpenInteraction) => {
  const { address, requestId } = requestFacts(ctx);
  return { address, requestId, clientId };
};
