import { parseUrl } from '../parsing/field-types.ts';

export const patternWords =
  'is not a path of a rule; write /exact, /one/* or /below/** with whole segments, without query and parameters, other characters percent-encoded in capital letters (%20, %C3%BC)';

/**
 * Written in the same form as the readings of a path, so that the two can be compared: no needless escapes, empty
 * segments, dot segments or parameters.
 */
export const isCanonicalPattern = (pattern: string): boolean =>
  pattern === '/' ||
  (/^(?:\/(?:\*|\*\*$|(?!\.\.?(?:\/|$))(?:[A-Za-z0-9._~!$&'()+,=:@-]|%[0-9A-F]{2})+))+\/?$/.test(pattern) &&
    !hasNeedlessEscape(pattern) &&
    isUtf8(pattern));

const isUtf8 = (pattern: string): boolean => {
  try {
    decodeURIComponent(pattern);
    return true;
  } catch {
    return false;
  }
};

/** RFC 3986 section 6.2.2.2; escapes of controls and backslashes are never let through. */
const hasNeedlessEscape = (pattern: string): boolean =>
  (pattern.match(/%[0-9A-F]{2}/g) ?? []).some((octet) => {
    const code = Number.parseInt(octet.slice(1), 16);
    return /[A-Za-z0-9._~\\-]/.test(String.fromCharCode(code)) || code < 0x20 || code === 0x7f;
  });

export const prefixWords =
  'is not a prefix; write a path of letters, digits, dots, hyphens and underscores without a slash at the end, such as /orders';

export const isPrefix = (prefix: string): boolean =>
  prefix.length <= 200 && /^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._~-]+)+$/.test(prefix);

/** As `URL.host` gives it, with any port. */
export const isHost = (host: string): boolean =>
  /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d+)?$/.test(host) &&
  ['http', 'https'].some((scheme) => parseUrl(`${scheme}://${host}`)?.host === host);

/** Paths of Drawbridge's own pages and protocols. */
const ownPaths = [
  '/oauth',
  '/admin',
  '/api/authz',
  '/assets',
  '/healthz',
  '/readyz',
  '/tenant',
  '/auth',
  '/.well-known',
  '/.drawbridge',
  '/gateway',
] as const;

/** The path of Drawbridge that a prefix equals or lies below. */
export const findOwnPath = (prefix: string): string | undefined => {
  const asked = `${prefix.toLowerCase()}/`;
  return ownPaths.find((own) => asked.startsWith(`${own}/`));
};

/** Reserved on every host, for the hand-over of sign-ins. */
export const handOverPath = '/.drawbridge';

/** RFC 6265 section 5.1.3. */
export const isBelowDomain = (host: string, domain: string): boolean => {
  const { hostname } = new URL(`http://${host}`);
  return hostname === domain || hostname.endsWith(`.${domain}`);
};
