import type { IncomingMessage } from 'node:http';
import { tenantIdPattern } from '../../protocol/tenant-id.ts';
import type { Profile } from './answers.ts';

/** Which endpoint a proxy asks at. */
export interface AuthzTarget {
  readonly profile: Exclude<Profile, 'proxy'>;
  readonly tenant?: string;
  /** What Envoy has put behind its prefix: path and query of the request that it asks about. */
  readonly rest: string;
}

/** The request that a proxy asks about. */
export interface OriginalRequest {
  readonly method: string;
  /** Small letters, port only if it is not the scheme's own. */
  readonly host: string;
  /** Undecoded. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly search: string;
}

type Inbound = Pick<IncomingMessage, 'method' | 'headers' | 'rawHeaders'>;

const dialect = '(?:/(auth-request|forward-auth)|/(ext-authz))';
const endpoint = new RegExp(`^/api/authz(?:${dialect}|/(${tenantIdPattern})${dialect})(?=[/?]|$)(.*)$`, 's');

/** Undefined: not an endpoint of ours. A tenant that is named like an endpoint cannot be named here. */
export const parseAuthzTarget = (url: string): AuthzTarget | undefined => {
  const [, plain, envoy, tenant, plainOfTenant, envoyOfTenant, rest = ''] = endpoint.exec(url) ?? [];
  const named = plain ?? plainOfTenant;
  const ofTenant = tenant === undefined ? {} : { tenant };
  if (envoy !== undefined || envoyOfTenant !== undefined) return { profile: 'ext-authz', rest, ...ofTenant };
  if (named !== 'auth-request' && named !== 'forward-auth') return undefined;
  return rest === '' || rest.startsWith('?') ? { profile: named, rest: '', ...ofTenant } : undefined;
};

/** Headers of which two would be two requests. */
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

/** What one family of headers, or the request itself, says of the original; absent where it says nothing. */
interface Claim {
  readonly method?: string | undefined;
  readonly host?: string | undefined;
  readonly target?: string | undefined;
}

/**
 * The request that a trusted proxy asks about, or why it cannot be told. Each proxy has its own way to say it; what
 * is said in another way beside that may come from the client, and must not differ.
 */
export const readOriginalRequest = (
  req: Inbound,
  { profile, rest }: AuthzTarget,
): OriginalRequest | { readonly fault: string } => {
  const twice = repeated(req.rawHeaders);
  if (twice !== undefined) return { fault: `${twice} came twice` };
  const forwarded = forwardedClaim(req);
  const original = originalClaim(req);
  if ('fault' in original) return original;
  const claims = {
    'auth-request': [{ ...original, host: original.host ?? forwarded.host }, forwarded],
    'forward-auth': [forwarded, original],
    'ext-authz': [envoyClaim(req, rest), forwarded, original],
  }[profile] satisfies readonly Claim[];
  const [{ method, host, target } = {}, ...others] = claims;
  const lacksScheme = profile === 'forward-auth' && schemeOf(req) === undefined;
  if (method === undefined || host === undefined || target === undefined || lacksScheme)
    return { fault: missing[profile] };
  for (const other of others) {
    const differs =
      (other.method ?? method) !== method ||
      (other.host ?? host) !== host ||
      (other.target ?? target) !== target;
    if (differs) return { fault: 'The headers about the original request contradict each other' };
  }
  if (!/^[A-Z][A-Z0-9-]{0,31}$/.test(method)) return { fault: 'The original method is none' };
  if (!hostForm.test(host)) return { fault: 'The original host is none' };
  if (!targetForm.test(target)) return { fault: 'The original URI is not a path that begins with a slash' };
  const query = target.indexOf('?');
  return query < 0
    ? { method, host, path: target, search: '' }
    : { method, host, path: target.slice(0, query), search: target.slice(query) };
};

const missing: Readonly<Record<AuthzTarget['profile'], string>> = {
  'auth-request':
    'The proxy must send X-Original-Method and X-Original-URL (or X-Original-URI and X-Forwarded-Host)',
  'forward-auth':
    'The proxy must send X-Forwarded-Method, X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Uri',
  'ext-authz': 'The path of the request must follow the path of this endpoint',
};

const hostForm = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** No fragment, no space, no control character: two readers would see two paths. */
const targetForm = /^\/[^\s#\p{Cc}]*$/u;

const one = ({ headers }: Inbound, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const withoutOwnPort = (host: string, scheme: string | undefined): string => {
  const small = host.toLowerCase();
  if (scheme === 'https' || scheme === 'wss') return small.replace(/:443$/, '');
  if (scheme === 'http' || scheme === 'ws') return small.replace(/:80$/, '');
  return small;
};

/** Traefik says `ws` or `wss` where a connection is to be upgraded. */
const schemeOf = (req: Inbound): string | undefined =>
  /^(?:https?|wss?)$/.exec(one(req, 'x-forwarded-proto') ?? '')?.[0];

const forwardedClaim = (req: Inbound): Claim => {
  const host = one(req, 'x-forwarded-host');
  const scheme = schemeOf(req);
  return {
    method: one(req, 'x-forwarded-method'),
    host: host === undefined ? undefined : withoutOwnPort(host, scheme),
    target: one(req, 'x-forwarded-uri'),
  };
};

const originalClaim = (req: Inbound): Claim | { readonly fault: string } => {
  const method = one(req, 'x-original-method');
  const uri = one(req, 'x-original-uri');
  const url = one(req, 'x-original-url');
  if (url === undefined) return { method, target: uri };
  const [, scheme, host = '', target = '/'] = /^(https?):\/\/([^/?#@\s]+)(\/.*)?$/i.exec(url) ?? [];
  if (scheme === undefined) return { fault: 'X-Original-URL is not an absolute http or https URL' };
  if (uri !== undefined && uri !== target) return { fault: 'X-Original-URL and X-Original-URI differ' };
  return { method, host: withoutOwnPort(host, scheme.toLowerCase()), target };
};

const envoyClaim = (req: Inbound, rest: string): Claim => {
  const host = one(req, 'host');
  return {
    method: req.method,
    host: host === undefined ? undefined : withoutOwnPort(host, schemeOf(req)),
    target: rest === '' ? undefined : rest,
  };
};
