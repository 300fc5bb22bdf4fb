// The cookies of the pages of signing in. The table of all cookies is in docs/architecture.md.
import type { Context } from 'koa';
import { knownBrowserTtl } from '../accounts/known-browsers.ts';
import { codeSeconds } from '../accounts/verifications.ts';
import { type BegunLogin, upstreamLoginKey, upstreamLoginTtl } from '../oidc/upstream/upstream-logins.ts';
import { readCookie, setCookie, surplusCookies } from '../web/cookies.ts';

/** The tenant that was chosen on the page of tenants, for a year. */
const tenantCookie = { name: 'tenant', path: '/', maxAgeSeconds: 365 * 24 * 3600 } as const;

/** @param id undefined removes the choice */
export const setTenantCookie = (ctx: Context, id: string | undefined, isSecure: boolean): void =>
  setCookie(ctx, { ...tenantCookie, value: id ?? '', isSecure });

/** The value as the browser sent it, unchecked. */
export const readTenantCookie = (ctx: Context): string | undefined => readCookie(ctx, tenantCookie.name);

/** What the last sign-ins of this browser were begun for, for a day: longer than any of them is open. */
const begunCookie = (issuer: string) => {
  const { pathname, protocol } = new URL(issuer);
  const isSecure = protocol === 'https:';
  const name = `${isSecure ? '__Secure-' : ''}drawbridge.begun`;
  return { name, path: pathname, maxAgeSeconds: 24 * 3600, isSecure } as const;
};

export const setBegunCookie = (ctx: Context, issuer: string, value: string): void =>
  setCookie(ctx, { ...begunCookie(issuer), value });

/** The value as the browser sent it, unchecked. */
export const readBegunCookie = (ctx: Context, issuer: string): string | undefined =>
  readCookie(ctx, begunCookie(issuer).name);

/** A sign-in at an upstream that is in progress. */
export interface UpstreamLoginPlace {
  readonly issuer: string;
  readonly state: string;
}

/** More would make requests too long; the oldest is removed. */
const upstreamCookiesAtMost = 10;

/**
 * One for each sign-in in progress, so that tabs do not disturb each other, and tenants need no path of their own:
 * `__Host-` keeps other hosts from setting it (RFC 6265bis section 4.1.3.2).
 */
const upstreamCookiePrefix = (issuer: string): string =>
  `${issuer.startsWith('https:') ? '__Host-' : ''}drawbridge.upstream.`;

const upstreamCookieName = ({ issuer, state }: UpstreamLoginPlace): string =>
  upstreamCookiePrefix(issuer) + upstreamLoginKey(state);

interface UpstreamCookie {
  readonly name: string;
  readonly value: string;
  readonly issuer: string;
}

const writeUpstreamCookie = (ctx: Context, { name, value, issuer }: UpstreamCookie): void =>
  setCookie(ctx, {
    name,
    value,
    path: '/',
    maxAgeSeconds: upstreamLoginTtl,
    isSecure: issuer.startsWith('https:'),
  });

/** Binds the sign-in to the browser that began it. */
export const setUpstreamCookie = (
  ctx: Context,
  issuer: string,
  { state, browser }: Omit<BegunLogin, 'url'>,
): void => {
  const start = upstreamCookiePrefix(issuer);
  for (const name of surplusCookies(ctx.headers, { start, atMost: upstreamCookiesAtMost }))
    writeUpstreamCookie(ctx, { name, value: '', issuer });
  writeUpstreamCookie(ctx, { name: upstreamCookieName({ issuer, state }), value: browser, issuer });
};

export const clearUpstreamCookie = (ctx: Context, place: UpstreamLoginPlace): void =>
  writeUpstreamCookie(ctx, { name: upstreamCookieName(place), value: '', issuer: place.issuer });

export const readUpstreamCookie = (ctx: Context, place: UpstreamLoginPlace): string | undefined =>
  readCookie(ctx, upstreamCookieName(place));

/** The browser that asked for a mail: the code in it works there alone. As long as the code. */
const recoveryCookie = (issuer: string) => {
  const { pathname, protocol } = new URL(issuer);
  const isSecure = protocol === 'https:';
  const name = `${isSecure ? '__Secure-' : ''}drawbridge.recovery`;
  return { name, path: `${pathname}/recover`, maxAgeSeconds: codeSeconds, isSecure } as const;
};

/** An empty value removes the cookie. */
export const setRecoveryCookie = (ctx: Context, issuer: string, value: string): void =>
  setCookie(ctx, { ...recoveryCookie(issuer), value });

export const readRecoveryCookie = (ctx: Context, issuer: string): string | undefined =>
  readCookie(ctx, recoveryCookie(issuer).name);

/** The browser that asked for a mail to register. As long as the code. */
const registrationCookie = (issuer: string) => {
  const { pathname, protocol } = new URL(issuer);
  const isSecure = protocol === 'https:';
  const name = `${isSecure ? '__Secure-' : ''}drawbridge.registration`;
  return { name, path: `${pathname}/register`, maxAgeSeconds: codeSeconds, isSecure } as const;
};

/** An empty value removes the cookie. */
export const setRegistrationCookie = (ctx: Context, issuer: string, value: string): void =>
  setCookie(ctx, { ...registrationCookie(issuer), value });

export const readRegistrationCookie = (ctx: Context, issuer: string): string | undefined =>
  readCookie(ctx, registrationCookie(issuer).name);

/** Says that somebody has signed in here; see `Accounts.rememberBrowser`. */
const knownBrowserCookie = (issuer: string) => {
  const { pathname, protocol } = new URL(issuer);
  const isSecure = protocol === 'https:';
  return { name: `${isSecure ? '__Secure-' : ''}drawbridge.known`, path: pathname, isSecure };
};

export const setKnownBrowserCookie = (ctx: Context, issuer: string, value: string): void =>
  setCookie(ctx, { ...knownBrowserCookie(issuer), value, maxAgeSeconds: knownBrowserTtl });

export const readKnownBrowserCookie = (ctx: Context, issuer: string): string | undefined =>
  readCookie(ctx, knownBrowserCookie(issuer).name);
