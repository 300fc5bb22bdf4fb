// The page after a sign-in that has called off the deletion of the account.
import type { Context } from 'koa';
import { sendPage } from '../../web/send-page.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { accountUrl, goTo } from './account-visit.ts';

export interface AccountKept {
  /** Where the sign-in goes on. */
  readonly nextUrl: string;
  readonly username: string;
  /** Epoch milliseconds; the account was to be deleted then. */
  readonly deleteAt: number;
}

export const accountKeptUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/kept`;

export const showAccountKept = (
  parts: Pick<LoginPageParts, 'pages' | 'notices'>,
  ctx: Context,
  tenant: LoginTenant,
): void => {
  const { nextUrl, username, deleteAt } =
    parts.notices.last<AccountKept>({ ctx, url: accountKeptUrl(tenant) })?.notice ?? {};
  if (nextUrl === undefined || username === undefined || deleteAt === undefined)
    goTo(ctx, accountUrl(tenant));
  else
    sendPage(ctx, parts.pages, {
      name: 'account-kept',
      model: { nextUrl, username, deleteAt },
      look: lookOf(ctx, tenant),
    });
};
