import type { IncomingMessage } from 'node:http';
import { randomId } from '../../crypto/ids.ts';
import { type AccessTokenJwt, looksLikeJwt, type VerifyAccessTokenJwt } from './access-token-jwt.ts';

/**
 * JWT access tokens of ours at the introspection and revocation endpoints. The provider keeps no record of them and
 * refuses them there. So a verified JWT is replaced by a handle before the provider gets the request; in this request
 * only, the handle has the content of the JWT. The provider then checks client, grant and policy as usual.
 */
export interface JwtHandles {
  /** The handle with this name, or of the JWT with this `jti`, in the request in progress. */
  find(name: string): AccessTokenJwt | undefined;
  /**
   * Replaces the `token` parameter by a handle, which is found only if the parameter was a valid JWT access token of
   * this tenant. A token that is no JWT is not replaced. Resolves to the body to use.
   */
  exchange(req: IncomingMessage, body: string): Promise<string>;
  /** The name by which the provider finds this token in this request: the token itself unless it is a JWT. */
  nameFor(req: IncomingMessage, token: string): Promise<string>;
}

export interface JwtHandlesParts {
  readonly verify: VerifyAccessTokenJwt;
  /** The HTTP request in progress, as the provider sees it. */
  readonly request: () => IncomingMessage | undefined;
}

export const createJwtHandles = (parts: JwtHandlesParts): JwtHandles => {
  const handles = new WeakMap<IncomingMessage, { readonly name: string; readonly handle: AccessTokenJwt }>();

  const nameFor = async (req: IncomingMessage, token: string): Promise<string> => {
    if (!looksLikeJwt(token)) return token;
    const handle = await parts.verify(token);
    const name = randomId();
    if (handle !== undefined) handles.set(req, { name, handle });
    return name;
  };

  return {
    nameFor,
    find: (name) => {
      const request = parts.request();
      const entry = request === undefined ? undefined : handles.get(request);
      return entry?.name === name || entry?.handle.payload.jti === name ? entry?.handle : undefined;
    },
    exchange: async (req, body) => {
      const form = new URLSearchParams(body);
      const [token, ...more] = form.getAll('token');
      if (token === undefined || more.length > 0 || !looksLikeJwt(token)) return body;
      form.set('token', await nameFor(req, token));
      return form.toString();
    },
  };
};
