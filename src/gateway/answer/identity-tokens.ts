import { importJWK, type JWK, SignJWT } from 'jose';
import { type Clock, epochSeconds } from '../../clock.ts';
import { randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';

/** What a token for a service says about the caller. */
export interface IdentityTokenClaims {
  readonly sub: string;
  /** `aud`: the service. */
  readonly audience: string;
  /** Further claims; `undefined` ones are left out. They replace none of the registered ones. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Signs the short-lived JWT (`X-Auth-Token`) that a service can verify with the tenant's JWKS. */
export interface IdentityTokens {
  /** Seconds for which one is good. */
  readonly lifetime: number;
  sign(token: IdentityTokenClaims): Promise<string>;
}

export interface IdentityTokensParts {
  readonly issuer: string;
  /** Private; see `signingKeyOf`. */
  readonly key: JWK;
  readonly clock: Clock;
}

/** A type of its own: none of our endpoints takes it for a token of theirs (RFC 8725 section 3.11). */
const type = 'gateway+jwt';
const lifetime = 300;

export const createIdentityTokens = ({ issuer, key, clock }: IdentityTokensParts): IdentityTokens => {
  let imported: ReturnType<typeof importJWK> | undefined;
  return {
    lifetime,
    sign: async ({ sub, audience, claims }) => {
      imported ??= importJWK(key, 'Ed25519');
      const now = epochSeconds(clock);
      return new SignJWT({
        ...claims,
        iss: issuer,
        aud: audience,
        sub,
        iat: now,
        exp: now + lifetime,
        jti: randomId(16),
      })
        .setProtectedHeader({ alg: 'Ed25519', typ: type, ...definedOnly({ kid: key.kid }) })
        .sign(await imported);
    },
  };
};
