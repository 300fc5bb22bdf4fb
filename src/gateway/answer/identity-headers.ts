import { type IdentityHeaderName, identityHeaderNames } from '../../protocol/identity-headers.ts';
import { authenticationOffHeaders } from '../authentication-off.ts';
import type { PresentedCaller } from './presented-caller.ts';

/** The data of the headers about a caller. Without a caller all headers but the id of the request are empty. */
export interface IdentityFacts {
  readonly caller?: PresentedCaller | undefined;
  /** For `X-Auth-Token`. */
  readonly token?: string | undefined;
  readonly requestId: string;
  /** The headers that the service gets; the others are empty. Absent: all. */
  readonly names?: readonly IdentityHeaderName[] | undefined;
}

/**
 * The headers about the caller that a service gets: always the whole set, so that no header of the client with one of
 * these names remains. Characters other than printable ASCII are percent-encoded, and `%` too.
 */
export const identityHeaders = (facts: IdentityFacts): Record<string, string> => {
  const { caller, names = identityHeaderNames } = facts;
  const values = valuesOf(facts);
  return {
    ...Object.fromEntries(
      identityHeaderNames.map((name) => [name, names.includes(name) ? values[name] : '']),
    ),
    ...(caller?.areGroupsCut === true ? { [groupsCutHeader]: 'true' } : {}),
    ...(caller?.areRolesCut === true ? { [rolesCutHeader]: 'true' } : {}),
    ...authenticationOffHeaders(caller?.method !== 'none'),
  };
};

const groupsCutHeader = 'Remote-Groups-Truncated';
const rolesCutHeader = 'X-Auth-Roles-Truncated';
/** Set only for a list that was cut. */
export const cutHeaders: readonly string[] = [groupsCutHeader, rolesCutHeader];

const valuesOf = ({ caller, token, requestId }: IdentityFacts): Record<IdentityHeaderName, string> => {
  const user = encoded(caller?.username);
  const email = encoded(caller?.email);
  const groups = list(caller?.groups);
  return {
    'Remote-User': user,
    'Remote-Groups': groups,
    'Remote-Name': encoded(caller?.name),
    'Remote-Email': email,
    'X-Auth-Request-User': user,
    'X-Auth-Request-Email': email,
    'X-Auth-Request-Groups': groups,
    'X-Auth-Request-Preferred-Username': user,
    'X-Auth-Tenant': caller?.tenant ?? '',
    'X-Auth-Subject': encoded(caller?.sub),
    'X-Auth-Issuer': encoded(caller?.issuer),
    'X-Auth-Roles': list(caller?.roles),
    'X-Auth-Method': caller?.method ?? '',
    'X-Auth-Request-Id': requestId,
    'X-Auth-Token': token ?? '',
  };
};

/** Headers in which other proxies name the caller. */
const believed =
  /^(?:remote-|x-remote-|x-auth-|x-webauth-|x-drawbridge-|x-forwarded-(?:user|email|groups|roles|preferred-username|access-token)$)/;

/** Headers that other proxies use and Drawbridge never sets; the list cannot be complete. */
export const foreignIdentityHeaders: readonly string[] = [
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Forwarded-Roles',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-Access-Token',
  'X-Remote-User',
  'X-WebAuth-User',
];

/**
 * Could a service believe that its proxy has set this header? Services that get headers as variables (CGI, WSGI) read
 * `Remote_User` and `Remote.User` as `Remote-User`.
 */
export const isIdentityHeader = (name: string): boolean =>
  believed.test(name.toLowerCase().replace(/[^a-z0-9]/g, '-'));

/** A copy of the headers without these. */
export const stripIdentityHeaders = <V>(headers: Readonly<Record<string, V>>): Record<string, V> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !isIdentityHeader(name)));

const plain = /^[\x20-\x24\x26-\x7e]*$/;

const encoded = (text = ''): string =>
  plain.test(text) ? text : percentEncoded(text, /[^\x20-\x24\x26-\x7e]/gu);

const encodedItem = (text: string): string =>
  plain.test(text) && !text.includes(',') ? text : percentEncoded(text, /[^\x20-\x24\x26-\x2b\x2d-\x7e]/gu);

const list = (items: readonly string[] = []): string => items.map(encodedItem).join(',');

/** Removes control characters, which no name has; a lone surrogate becomes U+FFFD. */
const percentEncoded = (text: string, forbidden: RegExp): string =>
  text
    .replace(/\p{Cc}/gu, '')
    .trim()
    .replace(forbidden, (character) =>
      Array.from(
        Buffer.from(character),
        (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      ).join(''),
    );

export { identityHeaderNames };
