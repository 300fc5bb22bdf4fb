// What a person has proven so far in an interaction, while a second factor is still asked for.
import type { Context } from 'koa';
import { hashId, isEqualConstantTime, randomId } from '../../crypto/ids.ts';
import { firstFactorCookie, readFirstFactorProof } from '../cookies.ts';

/** How the person signed in (RFC 8176 for `amr`). */
export interface ProvenLogin {
  readonly sub: string;
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Id of the source; absent where an old session does not know it. */
  readonly source?: string;
  /** Epoch seconds. */
  readonly signedInAt: number;
  /** Epoch milliseconds, if the account is to be deleted then: this sign-in calls that off. */
  readonly deleteAt?: number;
  /** The facts about the upstream that the session will keep; see `UpstreamSessions.seal`. */
  readonly upstream?: string;
}

interface KeptFirstFactor extends ProvenLogin {
  /** Hash of the cookie of the browser that has proven it. */
  readonly proof: string;
}

/** What the interaction keeps, and the `Set-Cookie` with which it counts. */
export const keepFirstFactor = (
  login: ProvenLogin,
  { issuer, uid }: { readonly issuer: string; readonly uid: string },
): { readonly kept: object; readonly cookie: string } => {
  const proof = randomId();
  const kept: KeptFirstFactor = { ...login, proof: hashId(proof) };
  return { kept, cookie: firstFactorCookie(issuer, { uid, proof }) };
};

/**
 * Undefined in another browser: an attacker who has set the other cookies of the interaction there does not have this
 * one.
 */
export const readFirstFactor = (
  stored: unknown,
  ctx: Pick<Context, 'cookies'>,
  issuer: string,
): ProvenLogin | undefined => {
  if (stored === undefined) return undefined;
  const { proof, ...login } = stored as KeptFirstFactor; // by `keepFirstFactor`
  return isEqualConstantTime(hashId(readFirstFactorProof(issuer, ctx)), proof) ? login : undefined;
};
