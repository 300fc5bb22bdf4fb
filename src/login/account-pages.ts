import { createHash, randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import { isSessionCurrent, mayHoldTokens } from '../accounts/standing.ts';
import { AppError } from '../errors.ts';
import { accountClientId } from '../oidc/clients.ts';
import { findCurrentSession } from '../oidc/current-session.ts';
import type { Pages } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';

/**
 * The sign-in that no app asked for: an authorization request of the built-in client, so that the session it
 * makes serves all apps. Its code is never redeemed; the verifier is forgotten at once.
 */
export const startSignIn = (ctx: Context, { provider }: LoginTenant): void => {
  const { issuer } = provider;
  const request = new URLSearchParams({
    client_id: accountClientId,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: `${issuer}/account/callback`,
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const locales = ctx.query.ui_locales;
  if (typeof locales === 'string') request.set('ui_locales', locales);
  ctx.status = 303;
  ctx.redirect(`${issuer}/auth?${request}`);
};

/** Where that request returns to. */
export const finishSignIn = (ctx: Context, { provider }: LoginTenant): void => {
  if (ctx.query.error !== undefined) {
    throw new AppError('forbidden', 'The sign-in was not finished. Start again to sign in.');
  }
  ctx.status = 303;
  ctx.redirect(`${provider.issuer}/account`);
};

/** "Signed in as …". Someone who is not signed in is sent to the sign-in. */
export const showAccount = async (ctx: Context, tenant: LoginTenant, pages: Pages): Promise<void> => {
  const { provider, accounts } = tenant;
  const session = await findCurrentSession(provider.provider, ctx);
  const account = session === undefined ? undefined : await accounts.findBySub(session.sub);
  if (session === undefined || !mayHoldTokens(account) || !isSessionCurrent(account, session.signedInAt)) {
    ctx.status = 303;
    ctx.redirect(provider.issuer);
    return;
  }
  const { name } = account.claims;
  sendPage(ctx, pages, {
    name: 'account',
    model: {
      name: typeof name === 'string' ? name : account.username,
      username: account.username,
      signOutUrl: `${provider.issuer}/session/end?client_id=${accountClientId}`,
      signedInAt: session.signedInAt * 1000,
      ...(account.email === undefined ? {} : { email: account.email }),
    },
    look: lookOf(ctx, tenant),
  });
};
