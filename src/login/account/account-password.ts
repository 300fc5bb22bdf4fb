import type { Context } from 'koa';
import { canChangePassword } from '../../accounts/managed-elsewhere.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { readForm } from '../../web/body.ts';
import { sendPage } from '../../web/send-page.ts';
import type { LoginPageParts } from '../login-form.ts';
import { endOf, restOf, type TimedNotice } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { changePassword, type PasswordNews, passwordFields, showPasswordForm } from '../password-form.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  refuseForeignForm,
  visitWithFactor,
} from './account-visit.ts';

/** The page for people of a source that supports password changes. */
export const askForNewPassword = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const last = parts.notices.last<PasswordNotice>({ ctx, url: placeOf(tenant) });
  if (last?.isNew === true && last.notice.isChanged === true) return showDone(parts, ctx, tenant);
  const visit = await visitWithFactor(ctx, { tenant, url: placeOf(tenant) });
  if (visit === undefined) return;
  const { username } = visit.account;
  if (last?.isNew !== true) return show(parts, visit, { login: username });
  const { until, login = username, isChanged: _, ...news } = last.notice;
  show(parts, visit, { ...news, login, ...restOf(parts, definedOnly({ until })) });
};

interface PasswordNotice extends Omit<PasswordNews, 'retryAfterSeconds'>, TimedNotice {
  readonly login: string;
  /** The attempt succeeded. */
  readonly isChanged?: boolean;
}

export const submitNewPassword = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const sent = await readForm(ctx, passwordFields);
  const visit = await visitWithFactor(ctx, { tenant, url: placeOf(tenant) });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, sent.csrf);
  const outcome = await changePassword(parts, { ctx, tenant, whose: { sub: visit.session.sub } }, sent);
  if (!outcome.ok) {
    const { ok: _ok, retryAfterSeconds, ...news } = outcome;
    const notice: PasswordNotice = { ...news, login: sent.login, ...endOf(parts, retryAfterSeconds) };
    return parts.notices.show({ ctx, url: placeOf(tenant) }, notice);
  }
  const done: PasswordNotice = { login: sent.login, isChanged: true };
  return parts.notices.show({ ctx, url: placeOf(tenant) }, done);
};

/** Nobody is signed in: the session was begun with the old password, and has ended like all others. */
const showDone = (parts: LoginPageParts, ctx: Context, tenant: LoginTenant): void =>
  sendPage(ctx, parts.pages, {
    name: 'password-changed',
    model: { signInUrl: tenant.provider.issuer },
    look: lookOf(ctx, tenant),
  });

const placeOf = (tenant: LoginTenant): string => `${accountUrl(tenant)}/password`;

const show = (
  parts: LoginPageParts,
  visit: AccountVisit,
  form: PasswordNews & { readonly login: string },
): void => {
  const { ctx, tenant } = visit;
  if (
    !canChangePassword(visit.account, { sources: tenant.definition.sources, connectors: tenant.connectors })
  )
    throw new AppError('not_found', 'Your password cannot be changed here, but where it is kept');
  const url = placeOf(tenant);
  showPasswordForm(
    parts,
    { ctx, tenant },
    {
      ...form,
      action: url,
      csrf: accountCsrfToken(parts.csrf, visit),
      cancelUrl: accountUrl(tenant),
    },
  );
};
