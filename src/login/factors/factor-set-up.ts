// A second factor that is set up in the middle of a sign-in, because one is demanded.
import { z } from 'zod';
import type { FactorAdded } from '../../accounts/factors/added-factor.ts';
import { isFactorMissing } from '../../accounts/factors/factor-demand.ts';
import { byCode, type FactorProof, withFactor } from '../../accounts/factors/proven-factor.ts';
import { definedOnly } from '../../defined-only.ts';
import { readForm } from '../../web/body.ts';
import { sendPage } from '../../web/send-page.ts';
import {
  browserOf,
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
import { announce } from '../login-problems.ts';
import { lookOf } from '../login-tenant.ts';
import { demandOf } from './complete-sign-in.ts';
import { concludeSignIn } from './conclude-sign-in.ts';
import {
  type Asked,
  type FactorNotice,
  isPasskeyMissing,
  openFirstFactor,
  openQuestion,
  originOf,
  showAgain,
} from './factor-step.ts';
import { newPasskeyFields, readNewPasskeyAnswer } from './passkey-form.ts';
import { totpFields, totpPicture, totpProblem } from './totp-form.ts';

interface Shown extends Asked {
  readonly notice: FactorNotice;
}

/** An app or a passkey, as the tenant allows; a passkey alone where the request demands it. */
export const showSetUp = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, first, notice, isOptional }: Shown & { readonly isOptional: boolean },
): Promise<void> => {
  const { ctx, tenant } = visit;
  const { factors } = tenant.accounts;
  const { methods } = tenant.definition.secondFactor;
  const shown = definedOnly({ problem: notice.problem });
  const page = { status: announce(parts.log, ctx, shown), look: lookOf(ctx, tenant, interaction.pending) };
  const model = {
    ...shown,
    csrf: csrfToken(parts.csrf, visit),
    isDemanded: true,
    cancelUrl: choiceUrl(visit),
    ...(isOptional ? { laterAction: formAction(visit, 'factor/later') } : {}),
  };
  const passkey = methods.includes('passkey')
    ? {
        action: formAction(visit, 'factor/set-up-passkey'),
        options: await factors.passkeys.askForNew(first.account, browserOf(visit)),
      }
    : undefined;
  const isPasskeyOnly = !methods.includes('totp') || isPasskeyMissing(visit, interaction, first.login);
  if (passkey !== undefined && isPasskeyOnly)
    return sendPage(ctx, parts.pages, { ...page, name: 'set-up-passkey', model: { ...model, passkey } });
  const { secret, uri, sealed } = factors.newTotp(first.account, notice.sealed);
  sendPage(ctx, parts.pages, {
    ...page,
    name: 'set-up-totp',
    model: {
      ...model,
      secret,
      picture: await totpPicture(uri),
      sealed,
      action: formAction(visit, 'factor/set-up'),
      ...definedOnly({ passkey }),
    },
  });
};

/** All factors are proven; only the recovery codes of a new factor keep the person from going on. */
export const showDone = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, first, notice }: Shown,
): Promise<void> => {
  const { ctx, tenant } = visit;
  if (notice.recoveryCodes === undefined)
    return redirectTo(visit, await concludeSignIn(parts, visit, { interaction, login: first.login }));
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

const setUpDemands = ['enrolment', 'enrolment_advised'] as const;

export const submitFactorSetUp = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { csrf, ...setUp } = await readForm(visit.ctx, totpFields);
  const asked = await openQuestion(parts, visit, { csrf, demands: setUpDemands });
  if (asked === undefined) return;
  const { interaction, first } = asked;
  const { factors } = visit.tenant.accounts;
  const added = await factors.addTotp(first.account, setUp, originOf(visit, interaction));
  if (added.ok) return showAdded(parts, visit, { asked, added, proof: byCode });
  showAgain(parts, visit, { problem: totpProblem(added.reason), sealed: setUp.sealed });
};

export const submitPasskeySetUp = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { csrf, credential, name } = await readForm(visit.ctx, newPasskeyFields);
  const asked = await openQuestion(parts, visit, { csrf, demands: setUpDemands });
  if (asked === undefined) return;
  const { interaction, first } = asked;
  const answer = readNewPasskeyAnswer(credential);
  if (answer === undefined) return showAgain(parts, visit, { problem: 'passkey' });
  const shown = { answer, browser: browserOf(visit), name };
  const { passkeys } = visit.tenant.accounts.factors;
  const added = await passkeys.add(first.account, shown, originOf(visit, interaction));
  if (added.ok) return showAdded(parts, visit, { asked, added, proof: added.proof });
  showAgain(parts, visit, { problem: added.reason === 'expired' ? 'passkey' : added.reason });
};

interface AddedNow {
  readonly asked: Asked;
  readonly added: Extract<FactorAdded, { ok: true }>;
  readonly proof: FactorProof;
}

/** The factor counts at once. */
const showAdded = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { asked: { interaction, first }, added: { recoveryCodes }, proof }: AddedNow,
): Promise<void> => {
  await interaction.keepFirstFactor(withFactor(first.login, proof));
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
  const isMissing = isFactorMissing(demandOf(visit, interaction, first));
  redirectTo(
    visit,
    isMissing
      ? interactionUrl(visit)
      : await concludeSignIn(parts, visit, { interaction, login: first.login }),
  );
};
