import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../../clock.ts';
import type { Lifetimes } from '../../config/tenant/tenant-definition.ts';
import { hmac } from '../../crypto/ids.ts';

/** Rotation of refresh tokens with a grace: every retry inside it gets one and the same successor. */
export interface RefreshRotation {
  /** The token that follows `token`: the same on every instance, and unguessable without the rotation key. */
  successorOf(token: string): string;
  /** @param consumedAt epoch milliseconds */
  isInGrace(payload: AdapterPayload, consumedAt: number): boolean;
  /** RFC 9700 section 4.14.2: rotated at each use, unless the token is bound to its sender. */
  shouldRotate(ctx: KoaContextWithOIDC): boolean;
}

export interface RefreshRotationParts {
  readonly tenant: string;
  readonly rotationKey: Buffer;
  readonly clock: Clock;
  readonly lifetimesOf: (clientId: string | undefined) => Lifetimes;
}

export const createRefreshRotation = (parts: RefreshRotationParts): RefreshRotation => ({
  successorOf: (token) => hmac(parts.rotationKey, 'refresh token', parts.tenant, token),
  isInGrace: (payload, consumedAt) =>
    parts.clock.now() - consumedAt < parts.lifetimesOf(payload.clientId).refreshTokenGrace * 1000,
  shouldRotate: (ctx) => {
    const token = ctx.oidc.entities.RefreshToken;
    return token !== undefined && !token.isSenderConstrained();
  },
});

/**
 * The lifetime of a refresh token, in seconds: sliding, and never past the absolute end of its family.
 * @param firstIssuedAt epoch seconds of the family's first token
 */
export const refreshTokenTtl = (lifetimes: Lifetimes, firstIssuedAt: number, nowSeconds: number): number =>
  Math.max(1, Math.min(lifetimes.refreshToken, firstIssuedAt + lifetimes.refreshTokenAbsolute - nowSeconds));
