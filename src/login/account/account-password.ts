import type { Context } from 'koa';
import { AppError } from '../../errors.ts';
import { readForm } from '../../web/body.ts';
import { sendPage } from '../../web/send-page.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { changePassword, type PasswordNews, passwordFields, showPasswordForm } from '../password-form.ts';
import { startSignIn } from '../start-sign-in.ts';
import { canChangePassword } from './account-pages.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  findAccountVisit,
  refuseForeignForm,
} from './account-visit.ts';

/** The page for people of a source that supports password changes. */
export const askForNewPassword = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant, { target: placeOf(tenant) });
  show(parts, visit, { login: visit.account.username });
};

export const submitNewPassword = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const sent = await readForm(ctx, passwordFields);
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant, { target: placeOf(tenant) });
  refuseForeignForm(parts.csrf, visit, sent.csrf);
  const outcome = await changePassword(parts, { ctx, tenant, url: placeOf(tenant) }, sent);
  if (!outcome.ok) {
    const { ok: _ok, ...news } = outcome;
    return show(parts, visit, { ...news, login: sent.login });
  }
  // this session was begun with the old password, and has ended like all others
  sendPage(ctx, parts.pages, {
    name: 'password-changed',
    model: { signInUrl: tenant.provider.issuer },
    look: lookOf(ctx, tenant, { url: new URL(placeOf(tenant)).pathname }),
  });
};

const placeOf = (tenant: LoginTenant): string => `${accountUrl(tenant)}/password`;

const show = (
  parts: LoginPageParts,
  visit: AccountVisit,
  form: PasswordNews & { readonly login: string },
): void => {
  const { ctx, tenant } = visit;
  if (!canChangePassword(visit))
    throw new AppError('not_found', 'Your password cannot be changed here, but where it is kept');
  const url = placeOf(tenant);
  showPasswordForm(
    parts,
    { ctx, tenant, url },
    {
      ...form,
      action: url,
      csrf: accountCsrfToken(parts.csrf, visit),
      cancelUrl: accountUrl(tenant),
    },
  );
};
