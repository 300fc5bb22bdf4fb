import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * Discovery and JWKS never change while a tenant is built: the first answer of the provider is kept as bytes and sent
 * again without calling it.
 */
export interface PreparedAnswers {
  /** Keeps the answer if it is one of these two. */
  capture(ctx: KoaContextWithOIDC): void;
  /** True when the request was answered. */
  answer(req: IncomingMessage, res: ServerResponse, path: string): boolean;
}

interface Prepared {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
}

const routes: Readonly<Record<string, string>> = {
  '/.well-known/openid-configuration': 'discovery',
  '/.well-known/oauth-authorization-server': 'discovery',
  '/jwks': 'jwks',
};

/** Seconds; a key must have been published for longer before it signs. */
const maxAge = 300;

export const createPreparedAnswers = (): PreparedAnswers => {
  const prepared = new Map<string, Prepared>();

  return {
    capture: (ctx) => {
      const route = ctx.status === 200 && ctx.method === 'GET' ? routes[ctx.path] : undefined;
      if (route === undefined || prepared.has(route)) return;
      const bytes = Buffer.from(JSON.stringify(ctx.body));
      const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
      prepared.set(route, { bytes, type: ctx.response.get('content-type'), etag: `"${digest}"` });
    },
    answer: (req, res, path) => {
      const route = req.method === 'GET' || req.method === 'HEAD' ? routes[path] : undefined;
      const found = route === undefined ? undefined : prepared.get(route);
      if (found === undefined) return false;
      res.setHeader('Access-Control-Allow-Origin', '*');
      res.setHeader('Cache-Control', `public, max-age=${maxAge}`);
      res.setHeader('ETag', found.etag);
      if (req.headers['if-none-match'] === found.etag) {
        res.statusCode = 304;
        res.end();
        return true;
      }
      res.statusCode = 200;
      res.setHeader('Content-Type', found.type);
      res.setHeader('Content-Length', found.bytes.length);
      res.end(req.method === 'HEAD' ? undefined : found.bytes);
      return true;
    },
  };
};
