// Logout notices from a source when a person signs out there, and the return from our own sign-out through the source.
import type { Context } from 'koa';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { readForm } from '../../web/body.ts';
import { findRedirectConnector, type LoginTenant } from '../login-tenant.ts';

interface AtSource {
  readonly tenant: LoginTenant;
  readonly source: string;
}

const fields = z.object({ logout_token: z.string().max(16_384) });

/** OpenID Connect Back-Channel Logout 1.0 section 2.8. */
export const receiveBackchannelLogout = async (ctx: Context, { tenant, source }: AtSource): Promise<void> => {
  const connector = findRedirectConnector(tenant, source);
  if (connector === undefined) throw new AppError('not_found', 'There is no such source');
  const { logout_token: token } = await readForm(ctx, fields);
  const logout = await connector.redirect.verifyLogoutToken(token);
  if (logout === undefined || !(await tenant.upstreamSessions.endByToken(source, logout)))
    throw new AppError('invalid_request', 'The logout token is not valid, or was used before');
  ctx.status = 200;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = '';
};

/**
 * OpenID Connect Front-Channel Logout 1.0 section 2, in a frame of the upstream. Our cookies are not sent there, so
 * the upstream's `sid`, which cannot be guessed, names the session.
 */
export const receiveFrontchannelLogout = async (
  ctx: Context,
  { tenant, source }: AtSource,
): Promise<void> => {
  const connector = findRedirectConnector(tenant, source);
  if (connector?.definition.type !== 'oidc' || connector.definition.issuer === undefined)
    throw new AppError('not_found', 'There is no such source');
  const { iss, sid } = ctx.query;
  if (typeof iss !== 'string' || typeof sid !== 'string' || sid === '')
    throw new AppError('invalid_request', 'iss and sid must be given, once each');
  await tenant.upstreamSessions.endBySid(source, { issuer: iss, sid });
  ctx.status = 200;
  ctx.type = 'html';
  ctx.set('Cache-Control', 'no-store');
  ctx.remove('X-Frame-Options'); // it cannot name one foreign origin
  ctx.set(
    'Content-Security-Policy',
    `default-src 'none'; base-uri 'none'; frame-ancestors ${new URL(connector.definition.issuer).origin}`,
  );
  ctx.body = '<!doctype html><title>-</title>';
};

/** The return from the end-session endpoint of the upstream: redirects to the next URL of our own sign-out. */
export const returnFromSignOut = async (ctx: Context, { tenant, source }: AtSource): Promise<void> => {
  const { state } = ctx.query;
  const target =
    typeof state === 'string' ? await tenant.upstreamSignOut.returnFrom(source, state) : undefined;
  ctx.status = 303;
  ctx.redirect(target ?? `${tenant.provider.issuer}/session/end/success`);
};
