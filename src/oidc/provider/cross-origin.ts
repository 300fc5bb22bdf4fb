import type { KoaContextWithOIDC } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { findClient } from './clients.ts';

/** Answers that scripts of every origin may read, and their preflights. */
const openRoutes: ReadonlySet<string> = new Set(['discovery', 'jwks', 'cors.discovery', 'cors.jwks']);

/** Which scripts may read an answer of the provider (Fetch standard, section 3.2). */
export interface CrossOrigin {
  /** May scripts of this origin use this client? The provider asks once it knows the client, and refuses otherwise. */
  isAllowed(ctx: KoaContextWithOIDC, origin: string, clientId: string): boolean;
  /** The remedy for the operator, where this request was refused for its origin. */
  adviceFor(ctx: KoaContextWithOIDC): string | undefined;
  /** To be called after the provider has answered. */
  guard(ctx: KoaContextWithOIDC): void;
}

/** Without it a script reads the body of a refusal, but not its id. */
const exposeError = (ctx: KoaContextWithOIDC): void => {
  const exposed = ctx.response.get('Access-Control-Expose-Headers');
  ctx.set('Access-Control-Expose-Headers', [exposed, 'x-error', 'x-error-id'].filter(Boolean).join(','));
};

const advice = 'list the origin in allowedOrigins of the client';

export const createCrossOrigin = (definition: TenantDefinition): CrossOrigin => {
  const listed = new Set(definition.clients.flatMap(({ allowedOrigins }) => allowedOrigins));
  const refused = new WeakSet<KoaContextWithOIDC>();

  return {
    isAllowed: (ctx, origin, clientId) => {
      const isAllowed = findClient(definition, clientId)?.allowedOrigins.includes(origin) === true;
      if (!isAllowed) refused.add(ctx);
      return isAllowed;
    },
    adviceFor: (ctx) => (refused.has(ctx) ? advice : undefined),
    guard: (ctx) => {
      const origin = ctx.get('Origin');
      if (origin === '' || openRoutes.has(ctx.oidc?.route ?? '')) return;
      if (refused.has(ctx)) {
        // the refusal contains only the reason; without it a developer sees a failed request with no explanation
        if (origin !== 'null') ctx.set('Access-Control-Allow-Origin', origin);
        return;
      }
      // the app may also read an answer that was given before the client was known, such as 401 for an expired token
      if (ctx.oidc?.client !== undefined || listed.has(origin)) {
        if (ctx.response.get('x-error-id') !== '') exposeError(ctx);
        return;
      }
      if (ctx.method === 'OPTIONS') refused.add(ctx);
      for (const header of ['Origin', 'Methods', 'Headers']) ctx.remove(`Access-Control-Allow-${header}`);
      ctx.remove('Access-Control-Max-Age');
    },
  };
};
