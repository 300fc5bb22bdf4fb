import type { Context } from 'koa';

const methods = 'GET, POST, PUT, PATCH, DELETE';

/** Lets these origins read the answer (Fetch standard, section 3.2); cookies are never taken, so none are allowed. */
export const shareWith = (ctx: Context, origins: readonly string[]): void => {
  const origin = ctx.get('Origin');
  ctx.vary('Origin');
  if (origin === '' || !origins.includes(origin)) {
    ctx.remove('Access-Control-Allow-Origin');
    return;
  }
  ctx.set('Access-Control-Allow-Origin', origin);
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After, x-error, x-error-id');
  if (ctx.method !== 'OPTIONS') return;
  ctx.set('Access-Control-Allow-Methods', methods);
  ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type');
  ctx.set('Access-Control-Max-Age', '3600');
};

/** Lets every app of the tenant read what is answered before its client is known. */
export const shareWithAll = (
  ctx: Context,
  clients: readonly { readonly allowedOrigins: readonly string[] }[],
): void =>
  shareWith(
    ctx,
    clients.flatMap(({ allowedOrigins }) => allowedOrigins),
  );
