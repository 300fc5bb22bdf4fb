// The request that a proxy asks about, for all dialects. The file of a dialect names the headers that its proxies use.
import type { IncomingMessage } from 'node:http';
import { normalAuthority } from '../../protocol/authority.ts';

/** The request that a proxy asks about. */
export interface OriginalRequest {
  readonly method: string;
  /** In the form of `URL.host`. */
  readonly host: string;
  /** Undecoded. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly search: string;
}

export interface Inbound extends Pick<IncomingMessage, 'method' | 'headers' | 'rawHeaders'> {
  /** Of the public URLs of services, for a proxy that names none. */
  readonly publicScheme: 'http' | 'https';
}

/** The reason why the original request cannot be read. */
export interface Unreadable {
  readonly fault: string;
}

/** The claims about the original request of one family of headers, or of the request itself; absent without a claim. */
export interface Claim {
  readonly method?: string | undefined;
  readonly host?: string | undefined;
  readonly target?: string | undefined;
}

export interface OriginalRequestSource {
  /**
   * First the claim of this dialect, which must be complete; then the others, which may come from the client and must
   * not contradict it.
   * @param families `X-Forwarded-*` and `X-Original-*`
   */
  readonly claimsIn: (families: {
    readonly forwarded: Claim;
    readonly original: Claim;
  }) => readonly [Claim, ...Claim[]];
  /** The message for the operator when the claim is incomplete. */
  readonly missing: string;
}

/** Headers that may occur only once: two of them could name two requests. */
const single: ReadonlySet<string> = new Set([
  'host',
  'x-original-url',
  'x-original-uri',
  'x-original-method',
  'x-forwarded-method',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-uri',
  'x-drawbridge-proxy-secret',
  'x-drawbridge-client-cert',
]);

const repeated = (rawHeaders: readonly string[]): string | undefined => {
  const seen = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? '';
    if (!single.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
};

export const readOriginalRequest = (
  req: Inbound,
  { claimsIn, missing }: OriginalRequestSource,
): OriginalRequest | Unreadable => {
  const twice = repeated(req.rawHeaders);
  if (twice !== undefined) return { fault: `${twice} came twice` };
  const original = originalClaim(req);
  if ('fault' in original) return original;
  const [{ method, host, target }, ...others] = claimsIn({ forwarded: forwardedClaim(req), original });
  if (method === undefined || host === undefined || target === undefined) return { fault: missing };
  for (const other of others) {
    const differs =
      (other.method ?? method) !== method ||
      (other.host ?? host) !== host ||
      (other.target ?? target) !== target;
    if (differs) return { fault: 'The headers about the original request contradict each other' };
  }
  if (!/^[A-Z][A-Z0-9-]{0,31}$/.test(method)) return { fault: 'The original method is not valid' };
  if (!hostForm.test(host)) return { fault: 'The original host is none' };
  if (!targetForm.test(target)) return { fault: 'The original URI is not a path that begins with a slash' };
  const query = target.indexOf('?');
  return query < 0
    ? { method, host, path: target, search: '' }
    : { method, host, path: target.slice(0, query), search: target.slice(query) };
};

const hostForm = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** No fragment, no space, no control character: two programs could read two different paths. */
const targetForm = /^\/[^\s#\p{Cc}]*$/u;

const one = ({ headers }: Inbound, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** Escapes stay, and are refused: the proxy has not decoded them when it chose the service. */
export const claimedHost = (host: string | undefined, scheme: string): string | undefined =>
  host === undefined || host.includes('%') ? host : normalAuthority(host, scheme);

/** Values of `X-Forwarded-Proto`. Traefik sends `ws` or `wss` for a connection that is to be upgraded. */
export const forwardedScheme = (req: Inbound): string | undefined =>
  /^(?:https?|wss?)$/.exec(one(req, 'x-forwarded-proto') ?? '')?.[0];

const forwardedClaim = (req: Inbound): Claim => ({
  method: one(req, 'x-forwarded-method'),
  host: claimedHost(one(req, 'x-forwarded-host'), forwardedScheme(req) ?? req.publicScheme),
  target: one(req, 'x-forwarded-uri'),
});

const originalClaim = (req: Inbound): Claim | Unreadable => {
  const method = one(req, 'x-original-method');
  const uri = one(req, 'x-original-uri');
  const url = one(req, 'x-original-url');
  if (url === undefined) return { method, target: uri };
  const [, scheme, host = '', target = '/'] = /^(https?):\/\/([^/?#@\s]+)(\/.*)?$/i.exec(url) ?? [];
  if (scheme === undefined) return { fault: 'X-Original-URL is not an absolute http or https URL' };
  if (uri !== undefined && uri !== target) return { fault: 'X-Original-URL and X-Original-URI differ' };
  return { method, host: claimedHost(host, scheme.toLowerCase()), target };
};
