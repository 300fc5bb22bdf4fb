import {
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { AdapterPayload } from 'oidc-provider';
import type { Clock } from '../clock.ts';
import { hashId } from '../crypto/ids.ts';

/** What a JWT access token of ours says, in the provider's words. */
export interface AccessTokenJwt {
  readonly payload: AdapterPayload;
  /** Where its revocation is noted. */
  readonly revocationId: string;
}

/** Undefined unless it is an access token that this tenant signed and that has not expired. Asks no store. */
export type VerifyAccessTokenJwt = (token: string) => Promise<AccessTokenJwt | undefined>;

export interface AccessTokenJwtParts {
  readonly issuer: string;
  readonly publicKeys: JSONWebKeySet;
  readonly clock: Clock;
}

/** Most tokens are opaque: the form is looked at before anything is decoded. */
export const looksLikeJwt = (token: string): boolean => {
  if (!/^eyJ[^.]*\.[^.]*\.[^.]*$/.test(token)) return false;
  try {
    decodeProtectedHeader(token);
    return true;
  } catch {
    return false;
  }
};

/** The claims of our JWTs in the provider's words; `gid` names the grant and is missing on client credentials. */
const toAccessToken = (claims: JWTPayload): AccessTokenJwt | undefined => {
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

/** RFC 9068 section 4: signature, type, issuer and expiry; the audience is for the policy to judge. */
export const createAccessTokenJwtVerifier = (parts: AccessTokenJwtParts): VerifyAccessTokenJwt => {
  const keys = createLocalJWKSet(parts.publicKeys);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: parts.issuer,
        typ: 'at+jwt',
        algorithms: ['Ed25519', 'EdDSA'],
        currentDate: new Date(parts.clock.now()),
      });
      return toAccessToken(payload);
    } catch {
      return undefined;
    }
  };
};
