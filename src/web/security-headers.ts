import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';
import type { Context, Middleware } from 'koa';
import { hostOf, type IsSecureHost } from './request-checks.ts';

export interface SecurityHeaderOptions {
  readonly isSecure: IsSecureHost;
  /** See `server.hstsIncludeSubDomains`. */
  readonly includeSubDomains: boolean;
}

const policy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
  // No form-action: Chromium applies it to the redirects after a form, and would block the redirect to the app.
};

type Headers = readonly (readonly [name: string, value: string])[];

/** The headers of an answer that no browser shows as a page. */
const forPrograms: ReadonlySet<string> = new Set([
  'x-content-type-options',
  'cache-control',
  'strict-transport-security',
]);

/** helmet's answer depends on its options alone, so it is asked once and not on every request. */
const headersOf = (isSecure: boolean, includeSubDomains: boolean): Headers => {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  helmet({
    contentSecurityPolicy: { useDefaults: false, directives: policy },
    // An app that opens the sign-in in a new window keeps a reference to that window: no opener policy.
    crossOriginOpenerPolicy: false,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: isSecure ? { maxAge: 31_536_000, includeSubDomains } : false,
  })(new IncomingMessage(new Socket()), response, () => {});
  response.setHeader(
    'Permissions-Policy',
    'camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()',
  );
  response.setHeader('Cache-Control', 'no-store');
  return Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]);
};

/** For answers to what is no request, or no longer one: nobody shows them as a page. */
export const headersForPrograms = (isSecure: boolean, includeSubDomains: boolean): Headers =>
  headersOf(isSecure, includeSubDomains).filter(([name]) => forPrograms.has(name));

/** @param audience programs need few of the headers, as most of them protect pages only */
export const createHeaderSetter = (
  audience: 'browsers' | 'programs',
  { includeSubDomains }: Pick<SecurityHeaderOptions, 'includeSubDomains'>,
): ((res: ServerResponse, isSecure: boolean) => void) => {
  const chosen = (isSecure: boolean): Headers =>
    headersOf(isSecure, includeSubDomains).filter(
      ([name]) => audience === 'browsers' || forPrograms.has(name),
    );
  const [plain, secure] = [chosen(false), chosen(true)];
  return (res, isSecure) => {
    for (const [name, value] of isSecure ? secure : plain) res.setHeader(name, value);
  };
};

/**
 * Runs before every handler that answers, also before the request checks: their refusals are pages too. The provider
 * adds the hash of its own inline script to a policy that is already there; handlers that may be cached (assets,
 * discovery) replace Cache-Control.
 */
export const createSecurityHeaders = ({ isSecure, ...hsts }: SecurityHeaderOptions): Middleware => {
  const setHeaders = createHeaderSetter('browsers', hsts);
  return async (ctx, next) => {
    setHeaders(ctx.res, isSecure(hostOf(ctx.req, isSecure)));
    await next();
  };
};

/** Lets this one page show these pictures, such as a logo, if they are https. */
export const allowImages = (ctx: Context, urls: readonly (string | undefined)[]): void => {
  const origins = urls
    .filter((url) => url !== undefined)
    .filter((url) => url.startsWith('https://') && URL.canParse(url))
    .map((url) => new URL(url).origin);
  if (origins.length === 0) return;
  const current = String(ctx.response.get('Content-Security-Policy'));
  ctx.set(
    'Content-Security-Policy',
    current.replace(/img-src [^;]*/, (found) => `${found} ${origins.join(' ')}`),
  );
};
