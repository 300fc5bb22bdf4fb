// Answers kept for moments that an event can end before their time: what `caller-cache.ts` and `basic-cache.ts` share.
import { LRUCache } from 'lru-cache';
import { type Clock, cacheTime } from '../../clock.ts';
import type { TenantEvent } from '../../storage/storage-endings.ts';

/** What a question led to. */
export interface Answer<V> {
  readonly value: V;
  /** Absent: whoever asks next asks anew. */
  readonly keep?: {
    /** Ids as events name them: of accounts, artifacts, clients. The end of one of them ends this. */
    readonly revocationIds: readonly string[];
    /** Milliseconds, counted from the question. */
    readonly forMs: number;
  };
}

export interface Question<V> {
  /** Whose events may end the answer. */
  readonly tenant: string;
  /** @param signal aborted by an event that may make the answer wrong */
  readonly ask: (signal: AbortSignal) => Promise<Answer<V>>;
}

/** Bounded, the least recently used goes first. */
export interface RevocableCache<V> {
  get(key: string): V | undefined;
  /**
   * Asks, also when something is kept. Those who ask at the same time share one answer, until there is an event of the
   * tenant: an answer that was under way at that moment is neither kept nor given to whoever asks later.
   */
  ask(key: string, question: Question<V>): Promise<V>;
  delete(key: string): void;
  /** Forgets what is kept and ends with this. */
  end(tenant: string, id: string): void;
  /** Something of this tenant has ended: `end`, and the end of all answers of the tenant that are under way. */
  event(event: Pick<TenantEvent, 'tenant' | 'id'>): void;
  clear(): void;
}

interface Entry<V> extends Answer<V> {
  readonly tenant: string;
}

export const createRevocableCache = <V>(clock: Clock, limit: number): RevocableCache<V> => {
  const time = cacheTime(clock);
  const index = createIndex();
  /** One for each who waits, until the answer is kept: an event must find it here or in the index. */
  const underWay = new Set<{ readonly key: string; readonly tenant: string }>();

  const cache = new LRUCache<string, Entry<V>, Question<V>>({
    max: limit,
    perf: time,
    // every time is asked for anew
    ttlResolution: 0,
    // what is not to be kept is given to those who wait, and is larger than an entry may be
    maxEntrySize: 1,
    sizeCalculation: ({ keep }) => (keep === undefined ? 2 : 1),
    // whoever asked before an event gets the answer all the same
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _known, { options, signal, context: { tenant, ask } }) => {
      const askedAt = time.now();
      const { value, keep } = await ask(signal);
      // lru-cache forgets when the age exceeds the TTL, and takes 0 for endless
      const ttl = keep === undefined ? 0 : keep.forMs - (time.now() - askedAt) - 1;
      if (keep === undefined || ttl < 1) return { value, tenant };
      options.ttl = ttl;
      return { value, tenant, keep };
    },
    onInsert: ({ tenant, keep }, key) => index.add(tenant, keep?.revocationIds ?? [], key),
    dispose: ({ tenant, keep }, key) => index.remove(tenant, keep?.revocationIds ?? [], key),
  });

  const end = (tenant: string, id: string): void => {
    for (const key of index.keysOf(tenant, id)) cache.delete(key);
  };

  return {
    get: (key) => cache.get(key)?.value,
    ask: async (key, question) => {
      const waiting = { key, tenant: question.tenant };
      // lru-cache does not dispose of a value that is replaced by a fetch which is then given up
      if (cache.get(key) !== undefined) cache.delete(key);
      underWay.add(waiting);
      try {
        return (await cache.forceFetch(key, { context: question })).value;
      } finally {
        underWay.delete(waiting);
      }
    },
    delete: (key) => void cache.delete(key),
    end,
    event: ({ tenant, id }) => {
      for (const waiting of underWay) if (waiting.tenant === tenant) cache.delete(waiting.key);
      end(tenant, id);
    },
    clear: () => cache.clear(),
  };
};

/** Which keys hang on an id of a tenant. */
const createIndex = () => {
  const all = new Map<string, Set<string>>();
  const nameOf = (tenant: string, id: string): string => `${tenant} ${id}`;
  return {
    add: (tenant: string, ids: readonly string[], key: string): void => {
      for (const id of ids) {
        const name = nameOf(tenant, id);
        const keys = all.get(name);
        if (keys === undefined) all.set(name, new Set([key]));
        else keys.add(key);
      }
    },
    remove: (tenant: string, ids: readonly string[], key: string): void => {
      for (const id of ids) {
        const name = nameOf(tenant, id);
        const keys = all.get(name);
        keys?.delete(key);
        if (keys?.size === 0) all.delete(name);
      }
    },
    /** A copy: the entries may go while it is walked. */
    keysOf: (tenant: string, id: string): readonly string[] => [...(all.get(nameOf(tenant, id)) ?? [])],
  };
};
