// The cookies of a tenant's provider, all bound to one tenant. oidc-provider sets and reads all but `proof`, and
// signs them. The table of all cookies is in docs/architecture.md.
import type { Context } from 'koa';
import type { Configuration } from 'oidc-provider';
import { type CookieReader, readCookie, setCookie } from '../web/cookies.ts';

/** Life in seconds of a session without a sign-in: it only carries the guard of a form. */
export const anonymousSessionTtl = 3600;

type ProviderCookie = 'session' | 'interaction' | 'resume' | 'proof' | 'first-factor';

/** `__Secure-`: a browser accepts such a name over https only (RFC 6265bis section 4.1.3.1). */
const nameOf = (issuer: string, cookie: ProviderCookie): string =>
  `${issuer.startsWith('https:') ? '__Secure-' : ''}drawbridge.${cookie}`;

/** The session cookie, below the tenant's own path: tenants may share a host. */
export const sessionCookieOptions = (issuer: string) => {
  const { pathname, protocol } = new URL(issuer);
  return {
    httpOnly: true,
    secure: protocol === 'https:',
    sameSite: 'lax',
    path: pathname,
    signed: true,
  } as const;
};

/**
 * Names and attributes. The path of `interaction` and `resume` is the library's: the address of that interaction, and
 * `/auth/<uid>` or `/device/<uid>`. `session` lives as long as `ttl.Session` says, the others as `ttl.Interaction`.
 * @param keys sign the values
 */
export const providerCookies = (
  issuer: string,
  keys: readonly string[],
): NonNullable<Configuration['cookies']> => {
  const { path: _path, ...shortLived } = sessionCookieOptions(issuer);
  return {
    keys: [...keys],
    names: {
      session: nameOf(issuer, 'session'),
      interaction: nameOf(issuer, 'interaction'),
      resume: nameOf(issuer, 'resume'),
    },
    long: { ...sessionCookieOptions(issuer), overwrite: true },
    short: { ...shortLived, overwrite: true },
  };
};

/** The value as the browser sent it, for binding a form to the browser; its signature is not checked. Empty: none. */
export const readProviderCookie = (issuer: string, ctx: Context, cookie: 'session' | 'interaction'): string =>
  ctx.cookies.get(nameOf(issuer, cookie), { signed: false }) ?? '';

/** Seconds from a submitted step to the next one, or to the request that resumes the interaction. */
const proofTtl = 600;

/**
 * `Set-Cookie` for the browser that has just completed a step of an interaction: only with it can the authorization
 * request be resumed. An attacker who has set the other cookies of the interaction in the browser does not get this
 * one.
 * @param returnTo where the interaction is resumed; the cookie is sent there alone
 */
export const resumeProofCookie = (returnTo: string, proof: string): string =>
  proofCookie('proof', { url: returnTo, proof });

/** `Set-Cookie` for the browser that has proven the first of two factors in this interaction. */
export const firstFactorCookie = (
  issuer: string,
  { uid, proof }: { readonly uid: string; readonly proof: string },
): string => proofCookie('first-factor', { url: `${issuer}/interaction/${uid}`, proof });

const proofCookie = (
  cookie: 'proof' | 'first-factor',
  { url, proof }: { readonly url: string; readonly proof: string },
): string => {
  const { pathname, protocol } = new URL(url);
  return [
    `${nameOf(url, cookie)}=${proof}`,
    `Path=${pathname}`,
    `Max-Age=${proofTtl}`,
    'HttpOnly',
    'SameSite=Lax',
    ...(protocol === 'https:' ? ['Secure'] : []),
  ].join('; ');
};

/** Empty: none. */
export const readResumeProof = (issuer: string, { cookies }: Pick<Context, 'cookies'>): string =>
  cookies.get(nameOf(issuer, 'proof'), { signed: false }) ?? '';

/** Empty: none. */
export const readFirstFactorProof = (issuer: string, { cookies }: Pick<Context, 'cookies'>): string =>
  cookies.get(nameOf(issuer, 'first-factor'), { signed: false }) ?? '';

/** Says that somebody has proven a second factor here; see `RememberedBrowsers`. */
const rememberedBrowserName = (issuer: string): string =>
  `${issuer.startsWith('https:') ? '__Secure-' : ''}drawbridge.remembered`;

export const setRememberedBrowser = (
  ctx: Context,
  issuer: string,
  { value, maxAgeSeconds }: { readonly value: string; readonly maxAgeSeconds: number },
): void => {
  const { pathname: path, protocol } = new URL(issuer);
  const isSecure = protocol === 'https:';
  setCookie(ctx, { name: rememberedBrowserName(issuer), value, path, maxAgeSeconds, isSecure });
};

/** The value as the browser sent it, unchecked. */
export const readRememberedBrowser = (issuer: string, reader: CookieReader): string | undefined =>
  readCookie(reader, rememberedBrowserName(issuer));
