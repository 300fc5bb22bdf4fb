import { parseUrl } from '../parsing/field-types.ts';

/** The loopback hosts of RFC 8252 section 7.3, as the provider's engine knows them. */
const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Schemes that run code or read this device. */
const dangerous: ReadonlySet<string> = new Set([
  'about:',
  'blob:',
  'data:',
  'file:',
  'filesystem:',
  'intent:',
  'javascript:',
  'vbscript:',
  'view-source:',
]);

/**
 * May codes be sent there? A URI that parsers could read differently is refused, because this check and the browser
 * must see the same host (RFC 9700 section 4.1.1).
 * @returns the fault in it, or undefined
 */
export const checkRedirectUri = (uri: string, applicationType: 'web' | 'native'): string | undefined => {
  const problem = checkSpelling(uri);
  if (problem !== undefined) return problem;
  const url = new URL(uri);
  const isLoopback = loopbackHosts.has(url.hostname);
  if (url.protocol === 'https:')
    return isLoopback && applicationType === 'native'
      ? 'is https on a loopback host; native apps write http://127.0.0.1/callback (any port is then accepted)'
      : undefined;
  if (url.protocol === 'http:')
    return isLoopback
      ? undefined
      : `is http and not a loopback host; write https://${url.host}${url.pathname}`;
  if (applicationType === 'web')
    return 'is not a web address; write https://…, or application_type: native if this is an app on a device';
  // RFC 8252 section 7.1: the app's own domain, reversed, so that no two apps claim the same scheme.
  return /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/.test(url.protocol)
    ? undefined
    : 'has a scheme that other apps may claim too; write your domain in reverse, such as com.example.app:/callback';
};

/** The faults that do not depend on the client. */
export const checkSpelling = (uri: string): string | undefined => {
  if (uri.length > 2000) return 'is longer than 2000 characters; write a shorter one';
  if (/[^\x21-\x7E]|[\\"<>^`{|}]/.test(uri))
    return 'holds characters that a URI cannot have; percent-encode them';
  const url = parseUrl(uri);
  if (url === undefined) return 'is not an absolute URI; write one such as https://app.example.com/callback';
  if (dangerous.has(url.protocol)) return 'has a scheme that is never allowed; write https://…';
  if (uri.includes('#')) return 'has a fragment; remove the # and what follows';
  if (uri.includes('*')) return 'has a wildcard; write each address in full, on a line of its own';
  const [, authority] = /^[a-z][a-z0-9+.-]*:\/\/([^/?]*)/i.exec(uri) ?? [];
  if (authority?.includes('@')) return 'has a user name before the host; remove it and the @';
  if (/^https?:/i.test(uri) && (authority ?? '') === '')
    return 'has no host; write it in full, with two slashes';
  return undefined;
};
