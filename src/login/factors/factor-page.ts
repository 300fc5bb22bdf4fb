// The second factor in the middle of a sign-in: asked for, or set up first.
import { z } from 'zod';
import { byCode, withFactor } from '../../accounts/factors/factors.ts';
import { definedOnly } from '../../defined-only.ts';
import type { OpenInteraction } from '../../oidc/provider/interactions.ts';
import { readForm } from '../../web/body.ts';
import type { FactorProblem } from '../../web/page-problems.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { sendPage } from '../../web/send-page.ts';
import {
  choiceUrl,
  csrfField,
  csrfToken,
  formAction,
  type InteractionVisit,
  interactionUrl,
  redirectTo,
  refuseForgery,
} from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce, endOf, restOf, type TimedNotice } from '../login-problems.ts';
import { lookOf } from '../login-tenant.ts';
import {
  demandOf,
  type FactorQuestionShown,
  type FirstFactorVisit,
  findFirstFactor,
  questionOf,
  questionUrl,
} from './complete-sign-in.ts';
import { totpPicture } from './totp-picture.ts';

interface FactorNotice extends TimedNotice {
  readonly problem?: FactorProblem;
  readonly question?: FactorQuestionShown;
  /** After a factor was set up: to be shown once. */
  readonly recoveryCodes?: readonly string[];
  /** The secret that is being set up is shown again after a wrong code. */
  readonly sealed?: string;
}

interface Asked {
  readonly interaction: OpenInteraction;
  readonly first: FirstFactorVisit;
}

/** False unless the browser was just redirected here to be asked: nothing has to be looked up then. */
export const showQuestionAsked = (parts: LoginPageParts, visit: InteractionVisit): boolean => {
  const last = parts.notices.last<FactorNotice>({ ctx: visit.ctx, url: interactionUrl(visit) });
  if (last?.isNew !== true || last.notice.question === undefined) return false;
  showQuestion(parts, visit, { notice: last.notice, question: last.notice.question });
  return true;
};

/** False when no first factor is proven, or when another sign-in is wanted: then the login page is shown. */
export const showFactorStep = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  interaction: OpenInteraction,
): Promise<boolean> => {
  if (visit.ctx.query.choose !== undefined) return false;
  const first = await findFirstFactor(visit, interaction, parts.clock.now());
  if (first === undefined) return false;
  const last = parts.notices.last<FactorNotice>({ ctx: visit.ctx, url: interactionUrl(visit) });
  const notice = last?.isNew === true ? last.notice : {};
  const asked = { interaction, first };
  const demand = demandOf(visit, interaction, first);
  if (demand === 'none') await showDone(parts, visit, { ...asked, notice });
  else if (demand === 'factor')
    showQuestion(parts, visit, { notice, question: questionOf(interaction, first.account) });
  else await showSetUp(parts, visit, { ...asked, notice, isOptional: demand === 'enrolment_advised' });
  return true;
};

interface Shown extends Asked {
  readonly notice: FactorNotice;
}

interface ShownQuestion {
  readonly notice: FactorNotice;
  readonly question: FactorQuestionShown;
}

const showQuestion = (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { notice, question }: ShownQuestion,
): void => {
  const { ctx, tenant } = visit;
  const shown = { ...definedOnly({ problem: notice.problem }), ...restOf(parts, notice) };
  sendPage(ctx, parts.pages, {
    name: 'second-factor',
    status: announce(parts.log, ctx, shown),
    model: {
      ...shown,
      username: question.username,
      action: formAction(visit, 'factor'),
      csrf: csrfToken(parts.csrf, visit),
      otherUrl: choiceUrl(visit),
    },
    look: lookOf(ctx, tenant, { uiLocales: question.uiLocales }),
  });
};

const showSetUp = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, first, notice, isOptional }: Shown & { readonly isOptional: boolean },
): Promise<void> => {
  const { ctx, tenant } = visit;
  const shown = definedOnly({ problem: notice.problem });
  const { secret, uri, sealed } = tenant.accounts.factors.newTotp(first.account, notice.sealed);
  sendPage(ctx, parts.pages, {
    name: 'set-up-totp',
    status: announce(parts.log, ctx, shown),
    model: {
      ...shown,
      secret,
      picture: await totpPicture(uri),
      sealed,
      action: formAction(visit, 'factor/set-up'),
      csrf: csrfToken(parts.csrf, visit),
      isDemanded: true,
      cancelUrl: choiceUrl(visit),
      ...(isOptional ? { laterAction: formAction(visit, 'factor/later') } : {}),
    },
    look: lookOf(ctx, tenant, { uiLocales: interaction.pending.uiLocales }),
  });
};

/** All factors are proven; only the recovery codes of a new factor keep the person from going on. */
const showDone = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, first, notice }: Shown,
): Promise<void> => {
  const { ctx, tenant } = visit;
  if (notice.recoveryCodes === undefined)
    return redirectTo(visit, await interaction.finishLogin(first.login));
  sendPage(ctx, parts.pages, {
    name: 'recovery-codes',
    model: {
      codes: notice.recoveryCodes,
      nextAction: formAction(visit, 'factor/done'),
      csrf: csrfToken(parts.csrf, visit),
    },
    look: lookOf(ctx, tenant, { uiLocales: interaction.pending.uiLocales }),
  });
};

const codeFields = z.object({ csrf: csrfField, code: z.string().default('') });

export const submitFactor = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant } = visit;
  const { csrf, code } = await readForm(ctx, codeFields);
  refuseForgery(parts.csrf, visit, csrf);
  const asked = await openFirstFactor(parts, visit);
  if (asked === undefined) return;
  const { interaction, first } = asked;
  if (demandOf(visit, interaction, first) !== 'factor') return redirectTo(visit, interactionUrl(visit));
  const question = questionOf(interaction, first.account);
  if (code.trim() === '') return showAgain(parts, visit, { question, problem: 'missing_code' });
  const outcome = await tenant.accounts.factors.verify(first.account, code, originOf(visit, interaction));
  if (outcome.ok) return redirectTo(visit, await interaction.finishLogin(withFactor(first.login, outcome)));
  if (outcome.reason === 'code') return showAgain(parts, visit, { question, problem: 'code' });
  showAgain(parts, visit, { question, problem: 'throttled', ...endOf(parts, outcome.retryAfterSeconds) });
};

const setUpFields = codeFields.extend({ sealed: z.string().default(''), name: z.string().default('') });

export const submitFactorSetUp = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant } = visit;
  const { csrf, code, sealed, name } = await readForm(ctx, setUpFields);
  refuseForgery(parts.csrf, visit, csrf);
  const asked = await openFirstFactor(parts, visit);
  if (asked === undefined) return;
  const { interaction, first } = asked;
  const demand = demandOf(visit, interaction, first);
  if (demand === 'none' || demand === 'factor') return redirectTo(visit, interactionUrl(visit));
  const added = await tenant.accounts.factors.addTotp(
    first.account,
    { sealed, code, name },
    originOf(visit, interaction),
  );
  if (!added.ok)
    return showAgain(parts, visit, {
      problem: added.reason === 'code' ? 'code' : 'set_up_expired',
      sealed,
    });
  const { recoveryCodes } = added;
  await interaction.keepFirstFactor(withFactor(first.login, byCode));
  showAgain(parts, visit, definedOnly({ recoveryCodes }));
};

const continueFields = z.object({ csrf: csrfField });

/** The person has seen the recovery codes, or sets a factor up later, while the tenant still allows that. */
export const continueWithoutQuestion = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
): Promise<void> => {
  const { csrf } = await readForm(visit.ctx, continueFields);
  refuseForgery(parts.csrf, visit, csrf);
  const asked = await openFirstFactor(parts, visit);
  if (asked === undefined) return;
  const { interaction, first } = asked;
  const demand = demandOf(visit, interaction, first);
  const mayGoOn = demand === 'none' || demand === 'enrolment_advised';
  redirectTo(visit, mayGoOn ? await interaction.finishLogin(first.login) : interactionUrl(visit));
};

/** Undefined, and a redirect to the page that fits, when no first factor is proven any more. */
const openFirstFactor = async (
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

const showAgain = (parts: LoginPageParts, visit: InteractionVisit, notice: FactorNotice): void =>
  parts.notices.show({ ctx: visit.ctx, url: questionUrl(visit) }, notice);

const originOf = ({ ctx }: InteractionVisit, { pending: { clientId } }: OpenInteraction) => {
  const { address, requestId } = requestFacts(ctx);
  return { address, requestId, clientId };
};
