import type { KoaContextWithOIDC } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';

/** Answers that everybody may read. */
const openRoutes: ReadonlySet<string> = new Set(['discovery', 'jwks']);

/**
 * The provider asks `clientBasedCORS` once it knows the client; an answer that comes before, such as a 401 for an
 * expired token, it shows to every origin. An app must be able to read that one, strangers need not: so it is
 * for the origins that some client of the tenant lists.
 */
export const createOriginGuard = ({ clients }: TenantDefinition): ((ctx: KoaContextWithOIDC) => void) => {
  const listed = new Set(clients.flatMap(({ allowedOrigins }) => allowedOrigins));
  return (ctx) => {
    if (ctx.oidc?.client !== undefined || openRoutes.has(ctx.oidc?.route ?? '')) return;
    if (ctx.method !== 'OPTIONS' && !listed.has(ctx.get('Origin'))) ctx.remove('Access-Control-Allow-Origin');
  };
};
