import { randomBytes } from 'node:crypto';
import type { Context, Middleware } from 'koa';
import { clientAddress, createTrustedProxies, normalizeAddress } from './client-address.ts';

export interface FrontDoorOptions {
  /** Hosts of all public URLs, as `URL.host` gives them: small letters, port only if it is not the scheme's own. */
  readonly hostsAllowed: () => ReadonlySet<string>;
  readonly trustedProxies: readonly string[];
}

const anyHost: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

const singleHost = (ctx: Context): string => {
  const hosts = ctx.req.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  return hosts.length === 1 ? (ctx.req.headers.host ?? '').toLowerCase() : '';
};

const readable = (host: string): string => JSON.stringify(host.slice(0, 100)).replace(/[^\x20-\x7e]/g, '?');

const requestId = (inbound: string | undefined): string =>
  inbound !== undefined && /^[A-Za-z0-9._-]{8,64}$/.test(inbound)
    ? inbound
    : randomBytes(9).toString('base64url');

/**
 * The first thing every request meets. URLs, cookies and links of the provider follow the request's host and
 * target, so only those that are ours pass; what a proxy says about host and scheme is never asked.
 * Throws koa's HTTP errors 400 and 421.
 */
export const createFrontDoor = ({ hostsAllowed, trustedProxies }: FrontDoorOptions): Middleware => {
  const isTrusted = createTrustedProxies(trustedProxies);
  return async (ctx, next) => {
    const peer = ctx.req.socket.remoteAddress ?? '';
    const forwardedFor = ctx.get('X-Forwarded-For') || undefined;
    ctx.state.address = clientAddress(peer, forwardedFor, isTrusted);
    ctx.state.requestId = requestId(isTrusted(normalizeAddress(peer)) ? ctx.get('X-Request-Id') : undefined);
    ctx.state.host = singleHost(ctx);
    ctx.set('X-Request-Id', ctx.state.requestId);

    const target = ctx.req.url ?? '';
    if (!/^\/(?![/\\])[^\s\\#]*$/.test(target)) {
      ctx.throw(400, 'The request target must be a path that begins with exactly one slash');
    }
    const [path = ''] = target.split('?');
    if (!anyHost.has(path) && !hostsAllowed().has(ctx.state.host)) {
      // Only the first, the server's own: the others would tell who its tenants are.
      const [expected] = hostsAllowed();
      ctx.throw(421, `This server answers as ${expected}, not as ${readable(ctx.state.host)}`);
    }
    await next();
  };
};
