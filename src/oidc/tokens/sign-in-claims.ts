// How the person of an access token signed in (RFC 9068 section 2.2.1): services and the gateway judge by it whether
// that was strong and recent enough (RFC 9470). It is written when the token is made, for the session may change.

import type { KoaContextWithOIDC } from 'oidc-provider';
import { definedOnly } from '../../defined-only.ts';

export interface TokenSignIn {
  /** Epoch seconds. */
  readonly authTime?: number;
  readonly acr?: string;
  /** RFC 8176; empty when it is not known. */
  readonly amr: readonly string[];
}

/** Members of the provider's codes and tokens. */
interface Proof {
  readonly authTime?: number | undefined;
  readonly acr?: string | undefined;
  readonly amr?: readonly string[] | undefined;
}

/** Of a token that is being made: of the code or refresh token that it is given for, unless it says so itself. */
export const signInClaims = (ctx: KoaContextWithOIDC, token: object): Record<string, unknown> => {
  const { AuthorizationCode, DeviceCode, RefreshToken } = ctx.oidc.entities;
  const own: Proof = token; // the provider's types do not know what a grant of ours adds
  const proof: Proof | undefined =
    own.authTime === undefined ? (AuthorizationCode ?? DeviceCode ?? RefreshToken) : own;
  const { authTime, acr, amr } = proof ?? {};
  return {
    ...definedOnly({ auth_time: authTime, acr, amr }),
  };
};

/** @param claims what `signInClaims` gave, as the token kept it */
export const readSignIn = (claims: unknown): TokenSignIn => {
  const { auth_time, acr, amr } = (claims ?? {}) as { auth_time?: number; acr?: string; amr?: string[] }; // ours
  return {
    amr: amr ?? [],
    ...definedOnly({ authTime: auth_time, acr }),
  };
};
