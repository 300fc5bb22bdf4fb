import type { IncomingHttpHeaders } from 'node:http';
import { tenantIdPattern } from '../../protocol/tenant-id.ts';

/** A session of one tenant; those of several tenants are side by side in one cookie. */
export interface SessionEntry {
  readonly tenant: string;
  /** Opaque; what `GatewaySessions.begin` gave. */
  readonly value: string;
}

/** Where the cookie is good. */
export interface SessionCookiePlace {
  /** Is the service reached by https? */
  readonly isSecure: boolean;
  /** Without a dot in front; absent: the one host that sets it. */
  readonly cookieDomain?: string;
}

/** More would make requests heavy; the oldest falls out. */
export const sessionsAtMost = 8;

const entryForm = String.raw`${tenantIdPattern}\.[A-Za-z0-9_-]{16,128}`;
const valueForm = new RegExp(`^${entryForm}(?::${entryForm}){0,${sessionsAtMost - 1}}$`);

/** Prefixes that keep other hosts from setting it (RFC 6265bis section 4.1.3). */
export const sessionCookieName = ({ isSecure, cookieDomain }: SessionCookiePlace): string => {
  if (!isSecure) return 'GWSESSIONID';
  return cookieDomain === undefined ? '__Host-GWSESSIONID' : '__Secure-GWSESSIONID';
};

/**
 * The oldest first, one a tenant. What is not exactly of our form is no session at all, and so are two cookies of the
 * name: one of them is not from us. Never throws.
 */
export const readSessionCookie = (
  { cookie }: Pick<IncomingHttpHeaders, 'cookie'>,
  place: SessionCookiePlace,
): readonly SessionEntry[] => {
  if (cookie === undefined) return [];
  const start = `${sessionCookieName(place)}=`;
  const [value, ...others] = cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start))
    .map((pair) => pair.slice(start.length));
  if (value === undefined || others.length > 0 || !valueForm.test(value)) return [];
  const entries = value.split(':').map((entry) => {
    const dot = entry.indexOf('.');
    return { tenant: entry.slice(0, dot), value: entry.slice(dot + 1) };
  });
  return new Set(entries.map(({ tenant }) => tenant)).size === entries.length ? entries : [];
};

/** The entries with this one as the newest, in place of one of the same tenant. */
export const withSession = (entries: readonly SessionEntry[], added: SessionEntry): readonly SessionEntry[] =>
  [...withoutSession(entries, added.tenant), added].slice(-sessionsAtMost);

export const withoutSession = (entries: readonly SessionEntry[], tenant: string): readonly SessionEntry[] =>
  entries.filter((entry) => entry.tenant !== tenant);

/**
 * The `Set-Cookie` header; without entries it takes the cookie away. It has no `Max-Age`, so it goes with the browser:
 * how long a session lives is known at the store alone, and whoever is still signed in at the tenant gets another
 * without being asked.
 */
export const sessionCookie = (place: SessionCookiePlace, entries: readonly SessionEntry[]): string =>
  [
    `${sessionCookieName(place)}=${entries.map(({ tenant, value }) => `${tenant}.${value}`).join(':')}`,
    'Path=/',
    ...(place.cookieDomain === undefined ? [] : [`Domain=${place.cookieDomain}`]),
    ...(entries.length === 0 ? ['Max-Age=0'] : []),
    'HttpOnly',
    'SameSite=Lax',
    ...(place.isSecure ? ['Secure'] : []),
  ].join('; ');
