// The cookies of the pages of signing in. The table of all cookies is in docs/architecture.md.
import type { Context } from 'koa';
import { knownBrowserTtl } from '../accounts/known-browsers.ts';
import { type BegunLogin, upstreamLoginKey, upstreamLoginTtl } from '../oidc/upstream/upstream-logins.ts';
import { readCookie, setCookie } from '../web/cookies.ts';

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
  /** Id of the upstream's source. */
  readonly source: string;
  readonly state: string;
}

/** One for each sign-in in progress, so that tabs do not disturb each other. */
const upstreamCookieName = ({ issuer, state }: Pick<UpstreamLoginPlace, 'issuer' | 'state'>): string =>
  `${issuer.startsWith('https:') ? '__Secure-' : ''}drawbridge.upstream.${upstreamLoginKey(state)}`;

/** Binds the sign-in to the browser that began it; it is sent to this source's callback alone. */
const writeUpstreamCookie = (ctx: Context, place: UpstreamLoginPlace, value: string): void => {
  const { pathname, protocol } = new URL(place.issuer);
  setCookie(ctx, {
    name: upstreamCookieName(place),
    value,
    path: `${pathname}/upstream/${place.source}`,
    maxAgeSeconds: upstreamLoginTtl,
    isSecure: protocol === 'https:',
  });
};

export const setUpstreamCookie = (
  ctx: Context,
  issuer: string,
  { source, state, browser }: Omit<BegunLogin, 'url'> & Pick<UpstreamLoginPlace, 'source'>,
): void => writeUpstreamCookie(ctx, { issuer, source, state }, browser);

export const clearUpstreamCookie = (ctx: Context, place: UpstreamLoginPlace): void =>
  writeUpstreamCookie(ctx, place, '');

export const readUpstreamCookie = (
  ctx: Context,
  place: Pick<UpstreamLoginPlace, 'issuer' | 'state'>,
): string | undefined => readCookie(ctx, upstreamCookieName(place));

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
