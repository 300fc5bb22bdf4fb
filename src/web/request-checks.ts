// Plumbing for koa that the rooms with pages and endpoints share. Requests meet, in this order (see `server/app.ts`):
//   request-log.ts, security-headers.ts, error-boundary.ts   around everything; problem.ts: an error as an answer
//   authorization-headers.ts                   two credentials in one request are none
//   request-checks.ts    target and host of a request, and its origin; client-address.ts: trusted proxies
//   locale.ts, language-switch.ts, texts.ts    the language of a page
//   open-pages.ts, pages.ts, send-page.ts      templates and what each needs; serve-assets.ts, asset-urls.ts
//   body.ts, csrf.ts, cookies.ts               forms and cookies of our own pages
//   tenant-path.ts, safe-url.ts                URLs that come from outside
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import { noteOfRequest } from '../current-request.ts';
import type { Log } from '../log.ts';
import { createAddressBlocks, normalizeAddress } from '../protocol/address-blocks.ts';
import { formatAuthority, parseAuthority } from '../protocol/authority.ts';
import { clientAddress } from './client-address.ts';

/** Is the public URL of this host https? The scheme decides which port may be left out. */
export type IsSecureHost = (host: string) => boolean;

export interface RequestOriginOptions {
  /** Addresses or CIDR blocks whose X-Forwarded-For and X-Request-Id are believed. */
  readonly trustedProxies: readonly string[];
  readonly isSecure: IsSecureHost;
}

export interface RequestCheckOptions extends RequestOriginOptions {
  /** Hosts of all public URLs, as `URL.host` gives them: small letters, port only if it is not the scheme's own. */
  readonly hostsAllowed: () => ReadonlySet<string>;
  readonly log: Log;
  /** Hosts of services, where only the paths below `/.drawbridge/` are Drawbridge's. */
  readonly serviceHosts: ReadonlySet<string>;
}

/** Below it are Drawbridge's pages on the hosts of services, and on every other. */
export const servicePagesPath = '/.drawbridge/';
const anyHost: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

const countHosts = ({ rawHeaders }: IncomingMessage): number => {
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host') seen += 1;
  }
  return seen;
};

/** The one `Host` of a request, in the form of `URL.host`; empty when there was none or several. */
export const hostOf = (req: IncomingMessage, isSecure: IsSecureHost): string => {
  if (countHosts(req) !== 1) return '';
  const { host = '' } = req.headers;
  const authority = parseAuthority(host);
  if (authority === undefined) return host.toLowerCase();
  return formatAuthority(authority, isSecure(authority.host) ? 'https' : 'http');
};

const readable = (host: string): string => JSON.stringify(host.slice(0, 100)).replace(/[^\x20-\x7e]/g, '?');

const requestId = (inbound: string | undefined): string =>
  inbound !== undefined && /^[A-Za-z0-9._-]{8,64}$/.test(inbound) ? inbound : randomUUID();

/** The facts about a request that are known before its target is looked at. */
export interface RequestOrigin {
  readonly address: string;
  readonly requestId: string;
  /** The one `Host` it came with, in the form of `URL.host`; empty when there was none or several. */
  readonly host: string;
}

export const createRequestOriginOf = ({
  trustedProxies,
  isSecure,
}: RequestOriginOptions): ((req: IncomingMessage) => RequestOrigin) => {
  const isTrusted = trustedProxies.length === 0 ? () => false : createAddressBlocks(trustedProxies);
  return (req) => {
    const peer = req.socket.remoteAddress ?? '';
    const forwardedFor = req.headers['x-forwarded-for'];
    const inbound = req.headers['x-request-id'];
    const facts = {
      address: clientAddress(peer, [forwardedFor].flat().join(',') || undefined, isTrusted),
      requestId: requestId(
        isTrusted(normalizeAddress(peer)) && typeof inbound === 'string' ? inbound : undefined,
      ),
    };
    noteOfRequest(facts);
    return { ...facts, host: hostOf(req, isSecure) };
  };
};

/**
 * The first handler of every request. URLs, cookies and links of the provider follow the host and the target of the
 * request, so only our own hosts and targets pass; host and scheme are never taken from headers of a proxy.
 * Throws koa's HTTP errors 400 and 421.
 */
export const createRequestChecks = (options: RequestCheckOptions): Middleware => {
  const { hostsAllowed, serviceHosts, log } = options;
  const originOf = createRequestOriginOf(options);
  return async (ctx, next) => {
    Object.assign(ctx.state, originOf(ctx.req));
    ctx.set('X-Request-Id', ctx.state.requestId);

    const target = ctx.req.url ?? '';
    if (!/^\/(?![/\\])[^\s\\#]*$/.test(target)) {
      ctx.throw(400, 'The request target must be a path that begins with exactly one slash');
    }
    // RFC 9112 section 3.2
    if (countHosts(ctx.req) > 1) ctx.throw(400, 'A request must have one Host header');
    const [path = ''] = target.split('?');
    const isServicePage = path.startsWith(servicePagesPath) && serviceHosts.has(ctx.state.host);
    if (!anyHost.has(path) && !isServicePage && !hostsAllowed().has(ctx.state.host)) {
      // Only the first, the server's own: the others would reveal its tenants.
      const [expected] = hostsAllowed();
      log.debug(
        { requestId: ctx.state.requestId, host: readable(ctx.state.host) },
        'a request for another host',
      );
      // the host of the request is a stranger's text, which must not stand on a page of ours or in each log
      ctx.throw(421, `This server answers as ${expected}, and under no other name`);
    }
    await next();
  };
};
