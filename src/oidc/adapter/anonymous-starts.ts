// What strangers can make the store keep: sign-ins that are begun, requests that are pushed, sessions that only carry the
// guard of a form.
import type { KoaContextWithOIDC } from 'oidc-provider';
import { addressBucket } from '../../accounts/address-bucket.ts';
import { createThrottle } from '../../accounts/throttle.ts';
import type { Clock } from '../../clock.ts';
import type { Allowance } from '../../config/tenant/tenant-definition.ts';
import type { Counters } from '../../storage/storage-records.ts';
import { TooManyRequests } from '../provider/errors.ts';

export interface AnonymousStarts {
  /** @throws TooManyRequests when nobody is signed in, and too many sign-ins were begun from this address */
  signIn(): Promise<void>;
  /** @throws TooManyRequests the same for requests that a client without a secret pushes */
  pushedRequest(): Promise<void>;
  /** @throws TooManyRequests the same for sessions in which nobody is signed in */
  session(): Promise<void>;
}

export interface AnonymousStartsParts {
  readonly counters: Counters;
  readonly clock: Clock;
  readonly allowance: Allowance;
  readonly current: () => KoaContextWithOIDC | undefined;
  readonly addressOf: (ctx: KoaContextWithOIDC) => string;
}

/** Counted before anything is written, by address, since nothing else is known of a stranger. */
export const createAnonymousStarts = (parts: AnonymousStartsParts): AnonymousStarts => {
  const { current, allowance } = parts;
  const throttle = createThrottle(parts.counters, parts.clock);

  const spend = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const key = `start/address/${addressBucket(parts.addressOf(ctx))}`;
    const { isAllowed, retryAfterSeconds } = await throttle.spend(key, allowance);
    if (!isAllowed) throw new TooManyRequests(retryAfterSeconds);
  };

  return {
    signIn: async () => {
      const ctx = current();
      // later steps of a sign-in are no new start
      if (ctx?.oidc.route === 'authorization' && ctx.oidc.session?.accountId === undefined) await spend(ctx);
    },
    pushedRequest: async () => {
      const ctx = current();
      if (ctx?.oidc.client?.clientAuthMethod === 'none') await spend(ctx);
    },
    session: async () => {
      const ctx = current();
      if (ctx !== undefined) await spend(ctx);
    },
  };
};
