// An account of one's own: the e-mail address, then the mail, then its code; new-account-page.ts goes on.
import type { Context } from 'koa';
import { z } from 'zod';
import type { RegistrationBegun } from '../accounts/registration.ts';
import { newBrowser } from '../accounts/verifications.ts';
import { definedOnly } from '../defined-only.ts';
import { readForm } from '../web/body.ts';
import { readRegistrationCookie, setRegistrationCookie } from './cookies.ts';
import { demoMailUrl } from './demo-mail.ts';
import type { LoginPageParts } from './login-form.ts';
import type { LoginTenant } from './login-tenant.ts';
import { factsOf, redirect, refuseOtherSites } from './mailed-form.ts';
import {
  accountFormUrl,
  goToSignIn,
  localeIn,
  openPlacesOf,
  type RegistrationModel,
  type RegistrationVisit,
  showRegistration,
  visitOf,
} from './registration-page.ts';

type Parts = Pick<LoginPageParts, 'pages' | 'log' | 'notices'>;

export const askForAddress = (parts: Parts, ctx: Context, tenant: LoginTenant): void => {
  const visit = visitOf(ctx, tenant);
  showRegistration(parts, visit, { step: 'address', action: openPlacesOf(visit).start });
};

const addressForm = z.object({
  email: z.string().max(256).default(''),
  /** People do not see it. */
  homepage: z.string().default(''),
  /** People of another source go to the sign-in. */
  next: z.literal('sign-in').optional().catch(undefined),
});

/** The answer is the same whether there is an account with this address. */
export const submitAddress = async (parts: Parts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const visit = visitOf(ctx, tenant);
  const places = openPlacesOf(visit);
  refuseOtherSites(ctx);
  const { email, homepage, next } = await readForm(ctx, addressForm);
  if (next !== undefined) return goToSignIn(parts, visit, { login: email });
  const browser = newBrowser();
  const begun = await tenant.registration.begin({
    ...{ email, browser, isHiddenFieldFilled: homepage !== '' },
    ...{ locale: localeIn(visit), userAgent: ctx.get('User-Agent') },
    ...definedOnly({ interaction: visit.interaction }),
    ...factsOf(ctx),
  });
  if (!begun.ok)
    return showRegistration(parts, visit, {
      ...{ step: 'address', action: places.start, email },
      ...problemOf(begun),
    });
  setRegistrationCookie(ctx, tenant.provider.issuer, browser);
  redirect(ctx, places.code);
};

const problemOf = (
  refused: Extract<RegistrationBegun, { readonly ok: false }>,
): Pick<RegistrationModel, 'problem' | 'source' | 'retryAfterSeconds'> => {
  switch (refused.reason) {
    case 'throttled':
      return { problem: 'throttled', retryAfterSeconds: refused.retryAfterSeconds };
    case 'elsewhere':
      return { problem: 'elsewhere', source: refused.source };
    case 'unavailable':
      return { problem: 'not_checked', retryAfterSeconds: refused.retryAfterSeconds };
    default:
      return { problem: refused.reason };
  }
};

export const askForRegistrationCode = (parts: Parts, ctx: Context, tenant: LoginTenant): void => {
  const visit = visitOf(ctx, tenant);
  showRegistration(parts, visit, codeStep(visit));
};

const codeStep = (visit: RegistrationVisit) => ({
  step: 'code' as const,
  action: openPlacesOf(visit).code,
  ...definedOnly({ demoMailUrl: demoMailUrl(visit.tenant) }),
});

const codeForm = z.object({ code: z.string().max(64).default('') });

export const submitRegistrationCode = async (
  parts: Parts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = visitOf(ctx, tenant);
  const form = codeStep(visit);
  refuseOtherSites(ctx);
  const { code } = await readForm(ctx, codeForm);
  if (code.trim() === '') return showRegistration(parts, visit, { ...form, problem: 'missing_code' });
  const { issuer } = tenant.provider;
  const browser = readRegistrationCookie(ctx, issuer);
  const link = browser === undefined ? undefined : await tenant.registration.exchangeCode({ browser, code });
  if (link === undefined) return showRegistration(parts, visit, { ...form, problem: 'code' });
  setRegistrationCookie(ctx, issuer, '');
  redirect(ctx, accountFormUrl(visit, link));
};
