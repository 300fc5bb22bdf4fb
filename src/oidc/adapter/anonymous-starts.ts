// What strangers can make the store keep: sign-ins that are begun, requests that are pushed, sessions that only carry the
// guard of a form.
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ChargeStart } from '../../accounts/start-budget.ts';
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
  readonly charge: ChargeStart;
  readonly current: () => KoaContextWithOIDC | undefined;
  readonly addressOf: (ctx: KoaContextWithOIDC) => string;
}

export const createAnonymousStarts = (parts: AnonymousStartsParts): AnonymousStarts => {
  const { current } = parts;

  const spend = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { isAllowed, retryAfterSeconds } = await parts.charge(parts.addressOf(ctx));
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
