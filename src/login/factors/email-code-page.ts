// The page that asks for the code of a mail, in the middle of a sign-in.
import { z } from 'zod';
import { byEmail, withFactor } from '../../accounts/factors/proven-factor.ts';
import { definedOnly } from '../../defined-only.ts';
import { readForm } from '../../web/body.ts';
import { sendPage } from '../../web/send-page.ts';
import { demoMailUrl } from '../demo-mail.ts';
import {
  browserOf,
  choiceUrl,
  csrfField,
  csrfToken,
  formAction,
  type InteractionVisit,
  redirectTo,
} from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce, endOf, restOf } from '../login-problems.ts';
import { lookOf } from '../login-tenant.ts';
import { type Asked, type FactorNotice, goOn, openQuestion, originOf, showAgain } from './factor-step.ts';
import { sendEmailCode } from './send-email-code.ts';

export const showEmailQuestion = (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, first, notice }: Asked & { readonly notice: FactorNotice },
): void => {
  const { ctx, tenant } = visit;
  const shown = { ...definedOnly({ problem: notice.problem }), ...restOf(parts, notice) };
  sendPage(ctx, parts.pages, {
    name: 'email-code',
    status: announce(parts.log, ctx, shown),
    model: {
      ...shown,
      username: first.account.username,
      address: tenant.emailCodes.addressOf(first.account),
      isMailed: notice.isMailed === true,
      action: formAction(visit, 'factor/email'),
      mailAction: formAction(visit, 'factor/mail'),
      csrf: csrfToken(parts.csrf, visit),
      otherUrl: choiceUrl(visit),
      ...definedOnly({ demoMailUrl: demoMailUrl(tenant) }),
    },
    look: lookOf(ctx, tenant, { uiLocales: interaction.pending.uiLocales }),
  });
};

const codeFields = z.object({ csrf: csrfField, code: z.string().default('') });

export const submitMailedCode = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { csrf, code } = await readForm(visit.ctx, codeFields);
  const asked = await openQuestion(parts, visit, { csrf, demands: ['email_code'] });
  if (asked === undefined) return;
  const { interaction, first } = asked;
  const isMailed = true;
  if (code.trim() === '') return showAgain(parts, visit, { isMailed, problem: 'missing_code' });
  const typed = { place: browserOf(visit), code };
  const outcome = await visit.tenant.emailCodes.verify(first.account, typed, originOf(visit, interaction));
  if (outcome.ok) {
    const login = withFactor(first.login, byEmail);
    return goOn(parts, visit, { interaction, proven: { account: outcome.account, login } });
  }
  showAgain(parts, visit, {
    isMailed,
    ...(outcome.reason === 'throttled'
      ? { problem: 'throttled', ...endOf(parts, outcome.retryAfterSeconds) }
      : { problem: 'email_code' }),
  });
};

const mailFields = z.object({ csrf: csrfField });

export const submitMailRequest = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { csrf } = await readForm(visit.ctx, mailFields);
  const asked = await openQuestion(parts, visit, { csrf, demands: ['email_code'] });
  if (asked === undefined) return;
  const { interaction, first } = asked;
  redirectTo(visit, await sendEmailCode(parts, visit, { interaction, account: first.account }));
};
