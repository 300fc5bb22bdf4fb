// The second factor in the middle of a sign-in: the page that asks for it. factor-set-up.ts has one set up first.
import { z } from 'zod';
import { hasPasskey } from '../../accounts/factors/factor-demand.ts';
import type { PasskeyOutcome } from '../../accounts/factors/passkeys.ts';
import { type FactorOutcome, withFactor } from '../../accounts/factors/proven-factor.ts';
import { definedOnly } from '../../defined-only.ts';
import { setRememberedBrowser } from '../../oidc/cookies.ts';
import type { OpenInteraction } from '../../oidc/provider/interactions.ts';
import { readForm } from '../../web/body.ts';
import type { PageModels } from '../../web/pages.ts';
import { sendPage } from '../../web/send-page.ts';
import {
  browserOf,
  choiceUrl,
  csrfField,
  csrfToken,
  formAction,
  type InteractionVisit,
  interactionUrl,
} from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce, endOf, restOf } from '../login-problems.ts';
import { lookOf } from '../login-tenant.ts';
import { demandOf, type FactorQuestionShown, findFirstFactor, questionOf } from './complete-sign-in.ts';
import { showEmailQuestion } from './email-code-page.ts';
import { showDone, showSetUp } from './factor-set-up.ts';
import {
  type Asked,
  type FactorNotice,
  goOn,
  isPasskeyMissing,
  openQuestion,
  originOf,
  showAgain,
} from './factor-step.ts';
import { passkeyFields, readPasskeyAnswer } from './passkey-form.ts';

/** False unless the browser was just redirected here to be asked: nothing has to be looked up then. */
export const showQuestionAsked = (parts: LoginPageParts, visit: InteractionVisit): boolean => {
  const last = parts.notices.last<FactorNotice>({ ctx: visit.ctx, url: interactionUrl(visit) });
  if (last?.isNew !== true || last.notice.question === undefined) return false;
  showQuestion(parts, visit, {
    notice: last.notice,
    question: last.notice.question,
    methods: { isCodeAsked: true },
  });
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
  else if (demand === 'factor') {
    const question = questionOf(interaction, first.account);
    showQuestion(parts, visit, { notice, question, methods: await methodsFor(visit, asked) });
  } else if (demand === 'email_code') {
    const isMailed = last?.notice.isMailed === true; // also when the page is reloaded
    showEmailQuestion(parts, visit, { ...asked, notice: { ...notice, isMailed } });
  } else await showSetUp(parts, visit, { ...asked, notice, isOptional: demand === 'enrolment_advised' });
  return true;
};

type Methods = Pick<PageModels['second-factor'], 'passkey' | 'isCodeAsked'>;

/** By which factors the person of the sign-in may go on. */
const methodsFor = async (visit: InteractionVisit, { interaction, first }: Asked): Promise<Methods> => {
  const { passkeys } = visit.tenant.accounts.factors;
  const options = await passkeys.askFor(first.account, browserOf(visit));
  if (options === undefined) return { isCodeAsked: true };
  return {
    passkey: { action: formAction(visit, 'factor/passkey'), options },
    isCodeAsked: !isPasskeyMissing(visit, interaction, first.login),
  };
};

interface ShownQuestion {
  readonly notice: FactorNotice;
  readonly question: FactorQuestionShown;
  readonly methods: Methods;
}

const showQuestion = (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { notice, question, methods }: ShownQuestion,
): void => {
  const { ctx, tenant } = visit;
  const shown = { ...definedOnly({ problem: notice.problem }), ...restOf(parts, notice) };
  sendPage(ctx, parts.pages, {
    name: 'second-factor',
    status: announce(parts.log, ctx, shown),
    model: {
      ...shown,
      ...methods,
      username: question.username,
      action: formAction(visit, 'factor'),
      csrf: csrfToken(parts.csrf, visit),
      otherUrl: choiceUrl(visit),
      ...definedOnly({ rememberSeconds: tenant.definition.secondFactor.rememberBrowser }),
    },
    look: lookOf(ctx, tenant, { uiLocales: question.uiLocales }),
  });
};

const remember = z.string().default('');
const codeFields = z.object({ csrf: csrfField, code: z.string().default(''), remember });
const passkeyAnswerFields = passkeyFields.extend({ remember });

export const submitFactor = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { csrf, code, ...choice } = await readForm(visit.ctx, codeFields);
  const asked = await openQuestion(parts, visit, { csrf, demands: ['factor'] });
  if (asked === undefined) return;
  const { interaction, first } = asked;
  if (code.trim() === '') return askAgain(parts, visit, asked, { problem: 'missing_code' });
  const { factors } = visit.tenant.accounts;
  const outcome = await factors.verify(first.account, code, originOf(visit, interaction));
  await answer(parts, visit, { asked, outcome, choice });
};

export const submitPasskey = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { csrf, credential, ...choice } = await readForm(visit.ctx, passkeyAnswerFields);
  const asked = await openQuestion(parts, visit, { csrf, demands: ['factor'] });
  if (asked === undefined) return;
  const { interaction, first } = asked;
  const shown = readPasskeyAnswer(credential);
  if (shown === undefined) return askAgain(parts, visit, asked, { problem: 'passkey' });
  const { passkeys } = visit.tenant.accounts.factors;
  const presented = { answer: shown, browser: browserOf(visit) };
  const outcome = await passkeys.verify(first.account, presented, originOf(visit, interaction));
  await answer(parts, visit, { asked, outcome, choice });
};

interface Answered {
  readonly asked: Asked;
  readonly outcome: FactorOutcome | PasskeyOutcome;
  readonly choice: { readonly remember: string };
}

const answer = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { asked, outcome, choice }: Answered,
): Promise<void> => {
  const { interaction, first } = asked;
  if (outcome.ok) {
    rememberIfChosen(visit, outcome.account, choice);
    const proven = { ...outcome, login: withFactor(first.login, outcome) };
    return goOn(parts, visit, { interaction, proven });
  }
  askAgain(parts, visit, asked, {
    problem: outcome.reason,
    ...(outcome.reason === 'throttled' ? endOf(parts, outcome.retryAfterSeconds) : {}),
  });
};

const rememberIfChosen = (
  { ctx, tenant }: InteractionVisit,
  account: Asked['first']['account'],
  choice: { readonly remember: string },
): void => {
  const maxAgeSeconds = tenant.definition.secondFactor.rememberBrowser;
  const value = choice.remember === '' ? undefined : tenant.accounts.factors.rememberBrowser(account);
  if (value === undefined || maxAgeSeconds === undefined) return;
  setRememberedBrowser(ctx, tenant.provider.issuer, { value, maxAgeSeconds });
};

/** With what the page shows, where it needs no look-up. */
const askAgain = (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, first: { account } }: Asked,
  notice: FactorNotice,
): void => {
  const question = hasPasskey(visit.tenant.definition.secondFactor, account)
    ? undefined
    : questionOf(interaction, account);
  showAgain(parts, visit, { ...notice, ...definedOnly({ question }) });
};
