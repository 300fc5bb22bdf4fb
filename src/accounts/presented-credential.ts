// The credential of a request: one reading, for the gateway and for our own APIs.
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { beginsLikeApiKey, isApiKeyShaped } from '../crypto/api-key.ts';

/** The credential of a request in `Authorization`. */
export type PresentedCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly login: string; readonly password: string }
  /** `scheme`: the scheme that was used, and so the one of the challenge when the credential is bad. */
  | { readonly kind: 'bearer'; readonly token: string; readonly scheme: 'Basic' | 'Bearer' }
  /** Written like a key; unchecked. `login`: the name that was sent with it. */
  | {
      readonly kind: 'apiKey';
      readonly key: string;
      readonly login?: string;
      readonly scheme: 'Basic' | 'Bearer';
    }
  | {
      readonly kind: 'malformed';
      readonly scheme: 'Basic' | 'Bearer';
      readonly error: 'invalid_request' | 'credentials';
      readonly description: string;
    };

const basicBytesAtMost = 1024;
const tokenCharactersAtMost = 8192;

/** RFC 9110 section 11.4: the scheme in any spelling, spaces, and one word. */
const presented = /^([A-Za-z][A-Za-z0-9-]*) +([^\s,]+)$/;
/** RFC 6750 section 2.1. */
const bearerForm = /^[A-Za-z0-9\-._~+/]+=*$/;
const opaqueForm = /^[A-Za-z0-9_-]{43}$/;
const jwtForm = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export const isJwtShaped = (token: string): boolean => jwtForm.test(token);

/** Names of the headers of this request that contain a key of ours, in small letters. */
export const keyHeadersIn = (headers: IncomingHttpHeaders): readonly string[] =>
  keyOf(headers) === undefined ? [] : ['x-api-key', 'x-api-secret'];

/** Whole, or in two halves; unchecked. Other programs use these headers for keys of their own. */
const keyOf = ({ 'x-api-key': key, 'x-api-secret': secret }: IncomingHttpHeaders): string | undefined => {
  if (typeof key !== 'string' || !beginsLikeApiKey(key)) return undefined;
  return typeof secret === 'string' ? `${key}_${secret}` : key;
};

/** If there is `Authorization`, its content alone decides: a malformed one is refused and never ignored. */
export const readCredential = (headers: IncomingHttpHeaders): PresentedCredential => {
  const { authorization } = headers;
  if (authorization === undefined) {
    const key = keyOf(headers);
    return key === undefined ? { kind: 'none' } : { kind: 'apiKey', key, scheme: 'Bearer' };
  }
  const [, scheme = '', value = ''] = presented.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case 'basic':
      return readBasic(value);
    case 'bearer':
      if (isApiKeyShaped(value)) return { kind: 'apiKey', key: value, scheme: 'Bearer' };
      return value.length <= tokenCharactersAtMost && bearerForm.test(value)
        ? { kind: 'bearer', token: value, scheme: 'Bearer' }
        : malformed('Bearer', 'The bearer token cannot be read');
    default:
      return /^basic\b/i.test(authorization)
        ? malformed('Basic', unreadable)
        : malformed('Bearer', 'Authorization must be one Bearer or Basic credential');
  }
};

const unreadable = 'Name and password cannot be read';

/**
 * RFC 7617 section 2, always in UTF-8; nothing is URL-decoded. A line end behind the password is not a part of it:
 * `echo name:password | base64` adds it.
 */
const readBasic = (encoded: string): PresentedCredential => {
  const bytes = Buffer.from(encoded, 'base64');
  // Node skips characters that are not base64, so only text that Node itself would write is accepted
  const isReadable =
    bytes.length <= basicBytesAtMost && isUtf8(bytes) && bytes.toString('base64') === encoded;
  const text = isReadable ? bytes.toString('utf8').replace(/\r?\n$/, '') : '';
  const colon = text.indexOf(':');
  if (colon < 1 || /\p{Cc}/u.test(text)) return malformed('Basic', unreadable);
  const login = text.slice(0, colon);
  const password = text.slice(colon + 1);
  if (isApiKeyShaped(password)) return { kind: 'apiKey', key: password, login, scheme: 'Basic' };
  if (password !== '') return { kind: 'basic', login, password };
  if (isApiKeyShaped(login)) return { kind: 'apiKey', key: login, scheme: 'Basic' };
  return opaqueForm.test(login) || isJwtShaped(login)
    ? { kind: 'bearer', token: login, scheme: 'Basic' }
    : { ...malformed('Basic', 'The password is empty'), error: 'credentials' };
};

const malformed = (
  scheme: 'Basic' | 'Bearer',
  description: string,
): Extract<PresentedCredential, { kind: 'malformed' }> => ({
  kind: 'malformed',
  scheme,
  error: 'invalid_request',
  description,
});
