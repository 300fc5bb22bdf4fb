import type { Context } from 'koa';
import type { SignedIn } from '../../accounts/account-types.ts';
import { mayHoldTokensSince } from '../../accounts/standing.ts';
import type { CurrentSession } from '../../oidc/provider/current-session.ts';
import { type Csrf, type CsrfBinding, isCrossSite } from '../../web/csrf.ts';
import { FormOutOfDate } from '../interaction-form.ts';
import type { LoginTenant } from '../login-tenant.ts';

/** A person who is signed in, at their own account. */
export interface AccountVisit {
  readonly ctx: Context;
  readonly tenant: LoginTenant;
  readonly session: CurrentSession;
  readonly account: SignedIn['account'];
}

/**
 * Undefined when no person is signed in in this browser, or the person no longer may be.
 * @throws AppError `unavailable`
 */
export const findAccountVisit = async (
  ctx: Context,
  tenant: LoginTenant,
): Promise<AccountVisit | undefined> => {
  const session = await tenant.provider.findSession(ctx);
  const account = session === undefined ? undefined : await tenant.accounts.findBySub(session.sub);
  if (session === undefined || !mayHoldTokensSince(account, session.signedInAt)) return undefined;
  return { ctx, tenant, session, account };
};

const bindingOf = ({ ctx, tenant }: AccountVisit): CsrfBinding => ({
  tenant: tenant.definition.id,
  uid: 'account',
  cookie: tenant.provider.readCookie(ctx, 'session'),
});

export const accountCsrfToken = (csrf: Csrf, visit: AccountVisit): string => csrf.token(bindingOf(visit));

/** @throws FormOutOfDate unless the form is ours, from this site, tenant and session */
export const refuseForeignForm = (csrf: Csrf, visit: AccountVisit, token: string): void => {
  if (isCrossSite(visit.ctx.headers) || !csrf.verify(bindingOf(visit), token)) throw new FormOutOfDate(token);
};

export const accountUrl = ({ provider }: LoginTenant): string => `${provider.issuer}/account`;
