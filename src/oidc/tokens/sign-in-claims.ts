// How the person of an access token signed in (RFC 9068 section 2.2.1): services and the gateway use it to decide
// whether the sign-in was strong and recent enough (RFC 9470). It is stored when the token is made, as the session
// may change.

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

/** The sign-in of a token that is being made: its own, or that of the code or refresh token that it is issued for. */
export const signInClaims = (ctx: KoaContextWithOIDC | undefined, token: object): Record<string, unknown> => {
  const { AuthorizationCode, DeviceCode, RefreshToken } = ctx?.oidc.entities ?? {};
  const own: Proof = token; // the provider's types do not know what a grant of ours adds
  const proof: Proof | undefined =
    own.authTime === undefined ? (AuthorizationCode ?? DeviceCode ?? RefreshToken) : own;
  const { authTime, acr, amr } = proof ?? {};
  return {
    ...definedOnly({ auth_time: authTime, acr, amr }),
  };
};

/** @param claims the result of `signInClaims`, as stored with the token */
export const readSignIn = (claims: unknown): TokenSignIn => {
  const { auth_time, acr, amr } = (claims ?? {}) as { auth_time?: number; acr?: string; amr?: string[] }; // ours
  return {
    amr: amr ?? [],
    ...definedOnly({ authTime: auth_time, acr }),
  };
};
