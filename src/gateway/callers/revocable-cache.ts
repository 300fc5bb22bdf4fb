import type { Clock } from '../../clock.ts';

export interface Kept<V> {
  readonly value: V;
  readonly tenant: string;
  /** Ids as events name them: of accounts, artifacts, clients. The end of one of them ends this. */
  readonly endsWith: readonly string[];
  /** Epoch milliseconds when it was asked for. */
  readonly sinceMs: number;
  /** Epoch milliseconds from which on it is forgotten. */
  readonly untilMs: number;
}

/** What ends while an answer is under way. */
export interface Watch {
  readonly hasEnded: (kept: Pick<Kept<unknown>, 'tenant' | 'endsWith'>) => boolean;
  readonly close: () => void;
}

/**
 * What was found out, for moments: bounded, the least recently used goes first, and gone at the event that ends it.
 * An answer that was under way at that event is not kept either.
 */
export interface KeptUntilEnded<V> {
  get(key: string): Kept<V> | undefined;
  /** Begin it before asking. */
  watch(): Watch;
  keep(key: string, kept: Kept<V>, watch: Watch): void;
  drop(key: string): void;
  /** Something of this tenant has ended. */
  end(tenant: string, id: string): void;
  /** Everything may have ended. */
  clear(): void;
}

const linkOf = (tenant: string, id: string): string => `${tenant} ${id}`;

export const createKeptUntilEnded = <V>(clock: Clock, limit: number): KeptUntilEnded<V> => {
  // what was used last stands last
  const entries = new Map<string, Kept<V>>();
  const keysOf = new Map<string, Set<string>>();
  const watching = new Set<{ readonly ended: Set<string>; isAllOver: boolean }>();

  const drop = (key: string): void => {
    const kept = entries.get(key);
    if (kept === undefined) return;
    entries.delete(key);
    for (const id of kept.endsWith) {
      const link = linkOf(kept.tenant, id);
      const keys = keysOf.get(link);
      keys?.delete(key);
      if (keys?.size === 0) keysOf.delete(link);
    }
  };

  return {
    get: (key) => {
      const kept = entries.get(key);
      if (kept === undefined) return undefined;
      const now = clock.now();
      // a clock that was set back must not make anything live longer
      if (now >= kept.untilMs || now < kept.sinceMs) {
        drop(key);
        return undefined;
      }
      entries.delete(key);
      entries.set(key, kept);
      return kept;
    },
    watch: () => {
      const seen = { ended: new Set<string>(), isAllOver: false };
      watching.add(seen);
      return {
        hasEnded: ({ tenant, endsWith }) =>
          seen.isAllOver || endsWith.some((id) => seen.ended.has(linkOf(tenant, id))),
        close: () => void watching.delete(seen),
      };
    },
    keep: (key, kept, watch) => {
      drop(key);
      if (watch.hasEnded(kept) || clock.now() >= kept.untilMs) return;
      entries.set(key, kept);
      for (const id of kept.endsWith) {
        const link = linkOf(kept.tenant, id);
        const keys = keysOf.get(link);
        if (keys === undefined) keysOf.set(link, new Set([key]));
        else keys.add(key);
      }
      const [oldest] = entries.keys();
      if (entries.size > limit && oldest !== undefined) drop(oldest);
    },
    drop,
    end: (tenant, id) => {
      const link = linkOf(tenant, id);
      for (const seen of watching) seen.ended.add(link);
      for (const key of [...(keysOf.get(link) ?? [])]) drop(key);
    },
    clear: () => {
      for (const seen of watching) seen.isAllOver = true;
      entries.clear();
      keysOf.clear();
    },
  };
};

/** Questions under way, so that those who ask the same at the same time share one answer. */
export interface SharedQuestions<A> {
  /** @param tenant whose events end the sharing: who comes after one must not get an answer from before it */
  ask(key: string, tenant: string, question: () => Promise<A>): Promise<A>;
  /** Undefined: of all tenants. */
  part(tenant?: string): void;
}

export const createSharedQuestions = <A>(): SharedQuestions<A> => {
  const underWay = new Map<string, { readonly tenant: string; readonly answer: Promise<A> }>();
  return {
    ask: (key, tenant, question) => {
      const known = underWay.get(key);
      if (known !== undefined) return known.answer;
      const asked = {
        tenant,
        answer: question().finally(() => {
          if (underWay.get(key) === asked) underWay.delete(key);
        }),
      };
      underWay.set(key, asked);
      return asked.answer;
    },
    part: (tenant) => {
      for (const [key, asked] of underWay)
        if (tenant === undefined || asked.tenant === tenant) underWay.delete(key);
    },
  };
};
