// A forgotten password: the name, then the mail, then its code or link, then the new password.
import type { Context } from 'koa';
import { z } from 'zod';
import { newBrowser } from '../accounts/verifications.ts';
import { definedOnly } from '../defined-only.ts';
import { readForm } from '../web/body.ts';
import { localeOf } from '../web/locale.ts';
import type { PageModels } from '../web/pages.ts';
import { nothingHere } from '../web/problem.ts';
import { sendPage } from '../web/send-page.ts';
import { readRecoveryCookie, setRecoveryCookie } from './cookies.ts';
import { demoMailUrl } from './demo-mail.ts';
import type { LoginPageParts } from './login-form.ts';
import { announce } from './login-problems.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';
import { factsOf, redirect, refuseOtherSites, tokenOf } from './mailed-form.ts';
import { recoverUrl } from './recovery-url.ts';

type Model = PageModels['recover'];
type Parts = Pick<LoginPageParts, 'pages' | 'log'>;

const placesOf = (tenant: LoginTenant) => {
  const start = recoverUrl(tenant);
  if (start === undefined) throw nothingHere();
  return { start, code: `${start}/code`, password: `${start}/password`, done: `${start}/done` };
};

const show = (
  parts: Parts,
  { ctx, tenant }: { readonly ctx: Context; readonly tenant: LoginTenant },
  model: Omit<Model, 'startUrl' | 'signInUrl'>,
): void =>
  sendPage(ctx, parts.pages, {
    name: 'recover',
    status: announce(parts.log, ctx, definedOnly(model)),
    model: { ...model, startUrl: placesOf(tenant).start, signInUrl: tenant.provider.issuer },
    look: lookOf(ctx, tenant),
  });

export const askForName = (parts: Parts, ctx: Context, tenant: LoginTenant): void =>
  show(parts, { ctx, tenant }, { step: 'name', action: placesOf(tenant).start });

const nameForm = z.object({ login: z.string().max(256).default('') });

/** The answer is the same whether anybody has this name. */
export const submitName = async (parts: Parts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const places = placesOf(tenant);
  refuseOtherSites(ctx);
  const { login } = await readForm(ctx, nameForm);
  const form = { step: 'name', action: places.start, login } as const;
  if (login.trim() === '') return show(parts, { ctx, tenant }, { ...form, problem: 'missing_name' });
  const browser = newBrowser();
  const locale = localeOf(ctx, tenant.definition.locale);
  const begun = await tenant.recovery.begin({ login, browser, locale, ...factsOf(ctx) });
  if (!begun.ok) {
    const { reason, retryAfterSeconds } = begun;
    return show(parts, { ctx, tenant }, { ...form, problem: reason, retryAfterSeconds });
  }
  setRecoveryCookie(ctx, tenant.provider.issuer, browser);
  redirect(ctx, places.code);
};

export const askForCode = (parts: Parts, ctx: Context, tenant: LoginTenant): void =>
  show(parts, { ctx, tenant }, codeStep(tenant));

const codeStep = (tenant: LoginTenant) => ({
  step: 'code' as const,
  action: placesOf(tenant).code,
  ...definedOnly({ demoMailUrl: demoMailUrl(tenant) }),
});

const codeForm = z.object({ code: z.string().max(64).default('') });

export const submitCode = async (parts: Parts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const places = placesOf(tenant);
  refuseOtherSites(ctx);
  const { code } = await readForm(ctx, codeForm);
  if (code.trim() === '')
    return show(parts, { ctx, tenant }, { ...codeStep(tenant), problem: 'missing_code' });
  const browser = readRecoveryCookie(ctx, tenant.provider.issuer);
  const link = browser === undefined ? undefined : await tenant.recovery.exchangeCode({ browser, code });
  if (link === undefined) return show(parts, { ctx, tenant }, { ...codeStep(tenant), problem: 'code' });
  setRecoveryCookie(ctx, tenant.provider.issuer, '');
  redirect(ctx, `${places.password}?token=${link}`);
};

/** Opening the link changes nothing: programs that look into mails open links too. */
export const askForRecoveredPassword = async (
  parts: Parts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const token = tokenOf(ctx);
  const account = await tenant.recovery.find(token);
  if (account === undefined) return showGone(parts, ctx, tenant);
  showPassword(parts, { ctx, tenant, token }, { login: account.username });
};

const passwordForm = z.object({ new_password: z.string().default(''), repeated: z.string().default('') });

export const submitRecoveredPassword = async (
  parts: Parts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const places = placesOf(tenant);
  refuseOtherSites(ctx);
  const token = tokenOf(ctx);
  const { new_password: password, repeated } = await readForm(ctx, passwordForm);
  const account = await tenant.recovery.find(token);
  if (account === undefined) return showGone(parts, ctx, tenant);
  const again = (problem: NonNullable<Model['problem']>, rule?: string): void =>
    showPassword(
      parts,
      { ctx, tenant, token },
      { login: account.username, problem, ...definedOnly({ rule }) },
    );
  if (password === '' || repeated === '') return again('missing');
  if (password !== repeated) return again('different');
  const locale = localeOf(ctx, tenant.definition.locale);
  const outcome = await tenant.recovery.reset({ link: token, password, locale, ...factsOf(ctx) });
  if (outcome.ok) return redirect(ctx, places.done);
  if (outcome.reason === 'policy') return again('policy', outcome.message);
  showGone(parts, ctx, tenant);
};

export const showRecovered = ({ pages }: Parts, ctx: Context, tenant: LoginTenant): void => {
  placesOf(tenant);
  sendPage(ctx, pages, {
    name: 'password-changed',
    model: { signInUrl: tenant.provider.issuer },
    look: lookOf(ctx, tenant),
  });
};

const showPassword = (
  parts: Parts,
  { ctx, tenant, token }: { readonly ctx: Context; readonly tenant: LoginTenant; readonly token: string },
  form: Pick<Model, 'login' | 'problem' | 'rule'>,
): void =>
  show(
    parts,
    { ctx, tenant },
    { step: 'password', action: `${placesOf(tenant).password}?token=${token}`, ...form },
  );

const showGone = (parts: Parts, ctx: Context, tenant: LoginTenant): void =>
  show(parts, { ctx, tenant }, { step: 'name', action: placesOf(tenant).start, problem: 'link' });
