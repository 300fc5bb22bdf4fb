import type { IncomingMessage } from 'node:http';
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { AdapterPayload } from 'oidc-provider';
import type { Clock } from '../clock.ts';
import { hashId, randomId } from '../crypto/ids.ts';

/**
 * JWT access tokens of ours at the introspection and revocation endpoints. The provider keeps no record of them
 * and refuses them there; so in front of it a verified JWT is exchanged for a handle that means, in this request
 * only, what the JWT says. Client authentication, the grant's state and the policy then are the provider's.
 */
export interface JwtHandle {
  readonly payload: AdapterPayload;
  /** Where its revocation is noted. */
  readonly revocationId: string;
}

export interface JwtHandles {
  /** The handle with this name, or of the JWT with this `jti`, in the request under way. */
  find(name: string): JwtHandle | undefined;
  /**
   * Makes the request's `token` parameter a handle that is good for something only if it was a valid JWT access
   * token of this tenant. What is no JWT is left as it is. Resolves to the body to use.
   */
  exchange(req: IncomingMessage, body: string): Promise<string>;
  /** The name by which the provider finds this token in this request: the token itself unless it is a JWT. */
  nameFor(req: IncomingMessage, token: string): Promise<string>;
}

export interface JwtHandlesParts {
  readonly issuer: string;
  readonly publicKeys: JSONWebKeySet;
  readonly clock: Clock;
  /** The HTTP request under way, as the provider sees it. */
  readonly request: () => IncomingMessage | undefined;
}

/** Most tokens are opaque: the form is looked at before anything is decoded. */
const looksLikeJwt = (token: string): boolean => {
  if (!/^eyJ[^.]*\.[^.]*\.[^.]*$/.test(token)) return false;
  try {
    decodeProtectedHeader(token);
    return true;
  } catch {
    return false;
  }
};

/** The claims of our JWTs in the provider's words; `gid` names the grant and is missing on client credentials. */
const handleFor = (claims: JWTPayload): JwtHandle | undefined => {
  const { jti, client_id: clientId, sub, aud, scope, iat, exp, gid, sid, iss: _iss, cnf, ...extra } = claims;
  if (typeof jti !== 'string' || typeof clientId !== 'string' || exp === undefined) return undefined;
  const { jkt, 'x5t#S256': x5t } = (cnf ?? {}) as { jkt?: string; 'x5t#S256'?: string }; // RFC 7800, signed by us
  return {
    revocationId: hashId(`jwt ${jti}`),
    payload: {
      kind: typeof gid === 'string' ? 'AccessToken' : 'ClientCredentials',
      jti,
      clientId,
      exp,
      ...(iat === undefined ? {} : { iat }),
      ...(aud === undefined ? {} : { aud }),
      ...(typeof scope === 'string' ? { scope } : {}),
      ...(typeof sid === 'string' ? { sid } : {}),
      ...(typeof gid === 'string' && sub !== undefined ? { grantId: gid, accountId: sub } : {}),
      ...(jkt === undefined ? {} : { jkt }),
      ...(x5t === undefined ? {} : { 'x5t#S256': x5t }),
      ...(Object.keys(extra).length === 0 ? {} : { extra }),
    },
  };
};

export const createJwtHandles = (parts: JwtHandlesParts): JwtHandles => {
  const handles = new WeakMap<IncomingMessage, { readonly name: string; readonly handle: JwtHandle }>();
  const keys = createLocalJWKSet(parts.publicKeys);

  /** RFC 9068 section 4: signature, type, issuer and expiry; the audience is for the policy to judge. */
  const verify = async (token: string): Promise<JwtHandle | undefined> => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: parts.issuer,
        typ: 'at+jwt',
        algorithms: ['Ed25519', 'EdDSA'],
        currentDate: new Date(parts.clock.now()),
      });
      return handleFor(payload);
    } catch {
      return undefined;
    }
  };

  const nameFor = async (req: IncomingMessage, token: string): Promise<string> => {
    if (!looksLikeJwt(token)) return token;
    const handle = await verify(token);
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
