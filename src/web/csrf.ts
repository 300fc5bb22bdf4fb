import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { normalAuthority, normalOrigin } from '../protocol/authority.ts';

/** The tenant, form and browser that a token is bound to. A token of any other is refused. */
export interface CsrfBinding {
  readonly tenant: string;
  /** Interaction uid, or the name of a form that stands alone. */
  readonly uid: string;
  /** A cookie that only this browser has. */
  readonly cookie: string;
}

export interface Csrf {
  token(binding: CsrfBinding): string;
  verify(binding: CsrfBinding, token: string | undefined): boolean;
}

/** @param key at least 32 bytes, for this purpose alone */
export const createCsrf = (key: Buffer): Csrf => {
  // JSON keeps the parts apart: ('ab', 'c') and ('a', 'bc') are two bindings.
  const mac = ({ tenant, uid, cookie }: CsrfBinding): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify(['csrf', tenant, uid, cookie]))
      .digest();
  return {
    token: (binding) => mac(binding).toString('base64url'),
    verify(binding, token) {
      if (token === undefined || binding.cookie === '') return false;
      const given = Buffer.from(token, 'base64url');
      const expected = mac(binding);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
};

/**
 * Did a browser send this form from another site? Such a POST is to be refused before its body is read.
 * `Origin: null` proves nothing: Referrer-Policy no-referrer makes browsers send it with our own forms, so browsers
 * without Sec-Fetch-Site are left to the token. `request-checks.ts` has verified the `Host`.
 */
export const isCrossSite = (headers: IncomingHttpHeaders): boolean => {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin, host = '' } = headers;
  if (origin === undefined || origin === 'null') return false;
  const ours = normalOrigin(origin);
  if (ours === undefined) return true;
  const { protocol, host: theirs } = new URL(ours);
  return theirs !== normalAuthority(host, protocol);
};
