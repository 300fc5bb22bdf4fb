// What binds a way to the browser that began it: a cookie of the service's host for each way, so that tabs that start
// at the same time do not disturb each other, and nobody is signed in by a link that somebody else made.
import type { IncomingHttpHeaders } from 'node:http';
import { handOverTtl } from './hand-over.ts';

/** Beyond so many the oldest go: what piles up must not make requests too long. */
const bindingsAtMost = 20;

const bindingName = (id: string, isSecure: boolean): string =>
  `${isSecure ? '__Secure-' : ''}drawbridge.way.${id}`;

const attributes = (isSecure: boolean): string =>
  `Path=/.drawbridge/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;

export interface Way {
  /** Id of the hand-over's state. */
  readonly id: string;
  /** Is the service reached by https? */
  readonly isSecure: boolean;
}

type Headers = Pick<IncomingHttpHeaders, 'cookie'>;

const cookiesOf = ({ cookie = '' }: Headers): readonly (readonly [name: string, value: string])[] =>
  cookie.split(';').map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const;
  });

/** Undefined when this browser did not begin that way, or somebody else set the cookie too. */
export const readBinding = (headers: Headers, { id, isSecure }: Way): string | undefined => {
  const name = bindingName(id, isSecure);
  const [found, ...others] = cookiesOf(headers).filter(([own]) => own === name);
  return others.length === 0 && /^[A-Za-z0-9_-]{43}$/.test(found?.[1] ?? '') ? found?.[1] : undefined;
};

/** The `Set-Cookie` headers: browsers send what is oldest first (RFC 6265 section 5.4), and that goes first. */
export const bindingCookies = (headers: Headers, way: Way, value: string): readonly string[] => {
  const start = bindingName('', way.isSecure);
  const known = cookiesOf(headers).flatMap(([name]) => (name.startsWith(start) ? [name] : []));
  const tooMany = known.slice(0, Math.max(0, known.length + 1 - bindingsAtMost));
  return [
    ...tooMany.map((name) => `${name}=; Max-Age=0; ${attributes(way.isSecure)}`),
    `${bindingName(way.id, way.isSecure)}=${value}; Max-Age=${handOverTtl}; ${attributes(way.isSecure)}`,
  ];
};

export const removedBinding = ({ id, isSecure }: Way): string =>
  `${bindingName(id, isSecure)}=; Max-Age=0; ${attributes(isSecure)}`;
