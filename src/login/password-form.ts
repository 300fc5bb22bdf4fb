import type { Context } from 'koa';
import { z } from 'zod';
import type { PasswordChangeAttempt, PasswordChangeOutcome, SignedIn } from '../accounts/account-types.ts';
import { definedOnly } from '../defined-only.ts';
import { isAppError } from '../errors.ts';
import type { PasswordProblem } from '../web/page-problems.ts';
import { requestFacts } from '../web/request-facts.ts';
import { sendPage } from '../web/send-page.ts';
import { readKnownBrowserCookie } from './cookies.ts';
import { csrfField } from './interaction-form.ts';
import { rememberBrowser } from './known-browser.ts';
import type { LoginPageParts } from './login-form.ts';
import { announce, problemOfSource, type ShownProblem } from './login-problems.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';

/** The notice above the form after an attempt. */
export interface PasswordNews extends ShownProblem<PasswordProblem> {
  readonly rule?: string;
}

export interface PasswordForm extends PasswordNews {
  readonly action: string;
  readonly csrf: string;
  readonly cancelUrl: string;
  readonly login: string;
}

/** The visit in which the password is changed. */
export interface PasswordPlace {
  readonly ctx: Context;
  readonly tenant: LoginTenant;
  readonly uiLocales?: string | undefined;
  readonly clientId?: string;
  /** See `PasswordChangeAttempt`. */
  readonly whose: Pick<PasswordChangeAttempt, 'sub' | 'isDemanded'>;
}

export const passwordFields = z.object({
  csrf: csrfField,
  login: z.string().default(''),
  password: z.string().default(''),
  new_password: z.string().default(''),
  repeated: z.string().default(''),
});

export const showPasswordForm = (
  parts: LoginPageParts,
  { ctx, tenant, uiLocales }: Omit<PasswordPlace, 'whose'>,
  form: PasswordForm,
): void =>
  sendPage(ctx, parts.pages, {
    name: 'change-password',
    status: announce(parts.log, ctx, form),
    model: form,
    look: lookOf(ctx, tenant, { uiLocales }),
  });

/** The person with the new password, or the notice to show instead. */
export const changePassword = async (
  parts: LoginPageParts,
  { ctx, tenant, clientId, whose }: PasswordPlace,
  sent: z.output<typeof passwordFields>,
): Promise<SignedIn | ({ readonly ok: false } & PasswordNews)> => {
  const { login, password, new_password: newPassword, repeated } = sent;
  if (login.trim() === '' || [password, newPassword, repeated].includes(''))
    return { ok: false, problem: 'missing' };
  if (newPassword !== repeated) return { ok: false, problem: 'different' };
  const { address, requestId } = requestFacts(ctx);
  const browser = readKnownBrowserCookie(ctx, tenant.provider.issuer);
  const attempt = {
    login,
    password,
    address,
    requestId,
    via: 'page',
    ...whose,
    ...definedOnly({ clientId, browser }),
  } as const;
  try {
    const outcome = await tenant.accounts.changePassword({ ...attempt, newPassword });
    if (!outcome.ok) return newsOf(outcome);
    rememberBrowser({ ctx, tenant }, outcome, login);
    return outcome;
  } catch (err) {
    if (!isAppError(err, 'unavailable')) throw err;
    parts.log.error({ err, requestId, tenant: tenant.definition.id }, 'a password could not be changed');
    return { ok: false, ...problemOfSource(err) };
  }
};

const newsOf = (refused: Exclude<PasswordChangeOutcome, SignedIn>): { readonly ok: false } & PasswordNews => {
  const { reason } = refused;
  if (reason === 'throttled')
    return { ok: false, problem: reason, retryAfterSeconds: refused.retryAfterSeconds };
  if (reason === 'policy' && refused.message !== undefined)
    return { ok: false, problem: reason, rule: refused.message };
  return { ok: false, problem: reason };
};
