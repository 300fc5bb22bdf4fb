import type { Clock } from '../../clock.ts';
import { hashParts, randomId } from '../../crypto/ids.ts';
import { type Answer, createRevocableCache } from '../../revocable-cache.ts';
import type { EventWatcher } from '../../storage/storage-endings.ts';
import type { Caller, Identification } from '../gateway-types.ts';

/** A credential by which no caller was found, and the reason. */
export type NotKnown = Exclude<Identification, { readonly status: 'known' }>;

/** The result for a credential. */
export type Finding = { readonly caller: Caller /** At most. */; readonly keptMs: number } | NotKnown;

/** The callers of sessions and tokens: kept for moments, never past the expiry of the proof, and only valid ones. */
export interface CallerCache extends EventWatcher {
  /** Of a credential at a tenant; `version` of its definition, so that a change of the file ends what was found. */
  keyOf(tenant: { readonly id: string; readonly version: string }, ...credential: readonly string[]): string;
  peek(key: string): Caller | undefined;
  /** Looks the caller up unless it is known. Calls at the same time share one look-up. */
  find(key: string, tenant: string, ask: () => Promise<Finding>): Promise<Caller | NotKnown>;
}

export const createCallerCache = ({
  clock,
  limit,
}: {
  readonly clock: Clock;
  readonly limit: number;
}): CallerCache => {
  const secret = randomId();
  const cache = createRevocableCache<Caller | NotKnown>(clock, limit);

  const answerOf = async (ask: () => Promise<Finding>): Promise<Answer<Caller | NotKnown>> => {
    const askedAt = clock.now();
    const finding = await ask();
    if ('status' in finding) return { value: finding };
    const { caller, keptMs } = finding;
    const { clientId, expiresAt = Number.POSITIVE_INFINITY } = caller;
    const revocationIds = clientId === undefined ? caller.revocationIds : [...caller.revocationIds, clientId];
    return { value: caller, keep: { revocationIds, forMs: Math.min(keptMs, expiresAt * 1000 - askedAt) } };
  };

  const peek = (key: string): Caller | undefined => {
    const known = cache.get(key);
    return known === undefined || 'status' in known ? undefined : known;
  };
  return {
    keyOf: ({ id, version }, ...credential) => hashParts(secret, id, version, ...credential),
    peek,
    find: async (key, tenant, ask) =>
      peek(key) ?? cache.ask(key, { owner: tenant, ask: () => answerOf(ask) }),
    event: ({ tenant, what, id, sub }) => {
      cache.ended(tenant, id);
      // a JWT does not name its session
      if (what === 'session' && sub !== undefined) cache.end(tenant, sub);
    },
    lost: cache.clear,
  };
};
