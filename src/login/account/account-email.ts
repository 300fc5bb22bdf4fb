// Another e-mail address of the person who is signed in: the address, then the code or link of the mail to it.
import type { Context } from 'koa';
import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { readForm } from '../../web/body.ts';
import { localeOf } from '../../web/locale.ts';
import type { PageModels } from '../../web/pages.ts';
import { sendPage } from '../../web/send-page.ts';
import { demoMailUrl } from '../demo-mail.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce, endOf, restOf, type TimedNotice } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { tokenOf } from '../mailed-form.ts';
import { goToAccount } from './account-pages.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  browserAtAccount,
  emailUrl,
  findAccountVisit,
  personOf,
  refuseForeignForm,
  visitOrSignIn,
  visitWithFactorRecently,
} from './account-visit.ts';

type Model = PageModels['account-email'];
type Step = Omit<Model, 'accountUrl' | 'emailUrl'>;

const codeUrl = (tenant: LoginTenant): string => `${emailUrl(tenant)}/code`;

interface EmailNotice extends TimedNotice {
  readonly problem: NonNullable<Model['problem']>;
  readonly email?: string;
  readonly source?: string;
}

const show = (
  parts: LoginPageParts,
  { ctx, tenant }: Pick<AccountVisit, 'ctx' | 'tenant'>,
  step: Step,
): void =>
  sendPage(ctx, parts.pages, {
    name: 'account-email',
    status: announce(parts.log, ctx, definedOnly(step)),
    model: { ...step, accountUrl: accountUrl(tenant), emailUrl: emailUrl(tenant) },
    look: lookOf(ctx, tenant),
  });

/** @throws AppError `not_found` */
const refuseForeignEmail = ({ tenant, account }: AccountVisit): void => {
  if (!tenant.emailChanges.isOffered(account))
    throw new AppError(
      'not_found',
      'Your e-mail address is not changed here, but where your profile is kept',
    );
};

const lastNotice = (parts: LoginPageParts, ctx: Context, url: string) => {
  const last = parts.notices.last<EmailNotice>({ ctx, url });
  const { until, ...notice } = last?.isNew === true ? last.notice : {};
  return { ...notice, ...restOf(parts, definedOnly({ until })) };
};

export const askForEmail = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = emailUrl(tenant);
  const visit = await visitWithFactorRecently(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  refuseForeignEmail(visit);
  const csrf = accountCsrfToken(parts.csrf, visit);
  const { email: current } = visit.account;
  const shown = lastNotice(parts, ctx, url);
  show(parts, visit, { step: 'address', action: url, csrf, ...definedOnly({ current }), ...shown });
};

const addressForm = z.object({ csrf: csrfField, email: z.string().max(1000).default('') });

/** The next page is the same whether somebody has the address. */
export const submitEmail = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf, email } = await readForm(ctx, addressForm);
  const url = emailUrl(tenant);
  const visit = await visitWithFactorRecently(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  refuseForeignEmail(visit);
  const locale = localeOf(ctx, tenant.definition.locale);
  const asked = { email, browser: browserAtAccount(visit), locale };
  const begun = await tenant.emailChanges.begin(visit.account, asked, personOf(visit));
  if (begun.ok) {
    ctx.status = 303;
    return ctx.redirect(codeUrl(tenant));
  }
  const notice: EmailNotice = {
    problem: begun.reason,
    email: email.slice(0, 256),
    ...(begun.reason === 'elsewhere' ? { source: begun.source } : {}),
    ...endOf(parts, begun.reason === 'throttled' ? begun.retryAfterSeconds : undefined),
  };
  parts.notices.show({ ctx, url }, notice);
};

export const askForEmailCode = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = codeUrl(tenant);
  const visit = await visitOrSignIn(ctx, tenant, emailUrl(tenant));
  if (visit === undefined) return;
  const { problem, retryAfterSeconds } = lastNotice(parts, ctx, url);
  show(parts, visit, {
    ...{ step: 'code', action: url, csrf: accountCsrfToken(parts.csrf, visit) },
    ...definedOnly({ problem, retryAfterSeconds, demoMailUrl: demoMailUrl(tenant) }),
  });
};

const codeForm = z.object({ csrf: csrfField, code: z.string().max(64).default('') });

export const submitEmailCode = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf, code } = await readForm(ctx, codeForm);
  const visit = await visitOrSignIn(ctx, tenant, emailUrl(tenant));
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const again = (problem: EmailNotice['problem']): void =>
    parts.notices.show({ ctx, url: codeUrl(tenant) }, { problem } satisfies EmailNotice);
  if (code.trim() === '') return again('missing_code');
  const proof = { browser: browserAtAccount(visit), code };
  const outcome = await tenant.emailChanges.confirm(visit.account, proof, personOf(visit));
  if (outcome.ok) return goToAccount(ctx, tenant, { outcome: 'email_changed' });
  again(outcome.reason === 'taken' ? 'email_taken' : 'code');
};

/** Opening the link changes nothing, and only the person of the account goes on: it may be somebody else's mail. */
export const askToConfirmEmail = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const token = tokenOf(ctx);
  const found = await tenant.emailChanges.find(token);
  if (found === undefined) return show(parts, { ctx, tenant }, { step: 'gone', problem: 'link' });
  const { username } = found.account;
  const visit = await findAccountVisit(ctx, tenant);
  if (visit?.account.sub !== found.account.sub)
    return show(parts, { ctx, tenant }, { step: 'sign_in', username });
  show(parts, visit, {
    ...{ step: 'confirm', username, email: found.email },
    ...{ action: `${emailUrl(tenant)}/confirm?token=${token}`, csrf: accountCsrfToken(parts.csrf, visit) },
  });
};

const confirmForm = z.object({ csrf: csrfField });

export const submitEmailConfirmation = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf } = await readForm(ctx, confirmForm);
  const visit = await visitOrSignIn(ctx, tenant, emailUrl(tenant));
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const proof = { link: tokenOf(ctx) };
  const outcome = await tenant.emailChanges.confirm(visit.account, proof, personOf(visit));
  if (outcome.ok) return goToAccount(ctx, tenant, { outcome: 'email_changed' });
  show(parts, visit, { step: 'gone', problem: outcome.reason === 'taken' ? 'email_taken' : 'link' });
};
