// The cookies of the gateway: names, paths and lives, and how each is written and read.
//   GWSESSIONID            the sessions of a person at services, one for each tenant
//   drawbridge.way.<id>    binds a sign-in for a service to the browser that began it
//   tenant                 the tenant that was chosen on Drawbridge's selection page: read here, set by the login pages
import type { IncomingHttpHeaders } from 'node:http';
import { tenantIdPattern } from '../protocol/tenant-id.ts';
import { cookiesOf, surplusCookies } from '../web/cookies.ts';
import { handOverTtl } from './sign-in/hand-over.ts';

type Headers = Pick<IncomingHttpHeaders, 'cookie'>;

/** A session of one tenant; those of several tenants are side by side in one cookie. */
export interface SessionEntry {
  readonly tenant: string;
  /** Opaque; the result of `GatewaySessions.begin`. */
  readonly value: string;
}

/** The hosts that the session cookie is valid on. */
export interface SessionCookiePlace {
  /** Is the service reached by https? */
  readonly isSecure: boolean;
  /** Without a dot in front; absent: the one host that sets it. */
  readonly cookieDomain?: string;
}

/** More entries would make requests too long; the oldest is dropped. */
export const sessionsAtMost = 8;

const entryForm = String.raw`${tenantIdPattern}\.[A-Za-z0-9_-]{16,128}`;
const valueForm = new RegExp(`^${entryForm}(?::${entryForm}){0,${sessionsAtMost - 1}}$`);

/** Prefixes that keep other hosts from setting it (RFC 6265bis section 4.1.3). */
export const sessionCookieName = ({ isSecure, cookieDomain }: SessionCookiePlace): string => {
  if (!isSecure) return 'GWSESSIONID';
  return cookieDomain === undefined ? '__Host-GWSESSIONID' : '__Secure-GWSESSIONID';
};

/**
 * The oldest first, one for each tenant. A value that is not exactly of our form counts as no session, and so do two
 * cookies of the name, because one of them is not from us. Never throws.
 */
export const readSessionCookie = (headers: Headers, place: SessionCookiePlace): readonly SessionEntry[] => {
  const value = onlyCookie(headers, sessionCookieName(place));
  if (value === undefined || !valueForm.test(value)) return [];
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
 * The `Set-Cookie` header; without entries it removes the cookie. It has no `Max-Age`, so it ends with the browser:
 * only the store knows how long a session lives, and a person who is still signed in at the tenant gets a new one
 * without a page.
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

/**
 * Binds a hand-over to the browser that began it, so that a link of an attacker cannot sign a person in. Each hand-over
 * has its own cookie on the service's host: tabs that start at the same time do not disturb each other.
 */
export interface BindingCookie {
  /** Id of the hand-over's state. */
  readonly id: string;
  /** Is the service reached by https? */
  readonly isSecure: boolean;
}

/** Beyond so many the oldest are removed, so that old cookies do not make requests too long. */
const bindingsAtMost = 20;

const bindingName = ({ id, isSecure }: BindingCookie): string =>
  `${isSecure ? '__Host-' : ''}drawbridge.way.${id}`;

/** The path is the one of `__Host-` names, which no other host can set (RFC 6265bis section 4.1.3.2). */
const bindingAttributes = ({ isSecure }: BindingCookie): string =>
  `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;

/** Undefined when this browser did not begin that hand-over, or when there is a second cookie of that name. */
export const readBinding = (headers: Headers, binding: BindingCookie): string | undefined => {
  const value = onlyCookie(headers, bindingName(binding));
  return /^[A-Za-z0-9_-]{43}$/.test(value ?? '') ? value : undefined;
};

/** The `Set-Cookie` headers; the oldest cookie is removed first. */
export const bindingCookies = (
  headers: Headers,
  binding: BindingCookie,
  value: string,
): readonly string[] => {
  const start = bindingName({ ...binding, id: '' });
  const tooMany = surplusCookies(headers, { start, atMost: bindingsAtMost });
  return [
    ...tooMany.map((name) => `${name}=; Max-Age=0; ${bindingAttributes(binding)}`),
    `${bindingName(binding)}=${value}; Max-Age=${handOverTtl}; ${bindingAttributes(binding)}`,
  ];
};

export const removedBinding = (binding: BindingCookie): string =>
  `${bindingName(binding)}=; Max-Age=0; ${bindingAttributes(binding)}`;

/** The tenant that this browser chose on the selection page; unchecked. */
export const readChosenTenant = ({ cookie }: Headers): string | undefined =>
  chosenTenantForm.exec(cookie ?? '')?.[1];

const chosenTenantForm = new RegExp(String.raw`(?:^|;\s*)tenant=(${tenantIdPattern})\s*(?:;|$)`);

/** Is this the name of a cookie of ours that gives rights? A service must not see it in a request. */
export const isReservedCookieName = (name: string): boolean =>
  /^(?:__[a-z-]+-)?(?:gwsessionid|drawbridge\..*)$/i.test(name.trim());

/**
 * Would this `Set-Cookie` of a service make a browser send a cookie that is ours, at this host or, by `Domain`, at
 * Drawbridge's own? Any prefix of the name counts, because browsers differ in the prefixes that they accept. Cookies
 * without a name count too: browsers send the value of `=GWSESSIONID=x` unchanged. `tenant` and `i18next` are allowed:
 * they give no rights, and apps use such names.
 */
export const isReservedCookie = (setCookie: string): boolean => reservedCookie.test(setCookie);

const reservedCookie = /^[\s=]*(?:__[a-z-]+-)?(?:gwsessionid|drawbridge\.[^=;]*)\s*(?:=|;|$)/i;

/** Undefined also when there are several: one of them is not from us. */
const onlyCookie = (headers: Headers, name: string): string | undefined => {
  const [found, ...others] = cookiesOf(headers).filter(([own]) => own === name);
  return others.length === 0 ? found?.[1] : undefined;
};
