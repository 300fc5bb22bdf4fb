// Answers that are kept for moments, and that an event can end before their time.
import { LRUCache } from 'lru-cache';
import { type Clock, cacheTime } from './clock.ts';

/** The answer to a question. */
export interface Answer<V> {
  readonly value: V;
  /** Absent: the next caller asks anew. */
  readonly keep?: {
    /** Ids as events name them: of accounts, artifacts, clients. The end of one of them ends this. */
    readonly revocationIds?: readonly string[];
    /** Milliseconds, counted from the question. */
    readonly forMs: number;
  };
}

export interface Question<V> {
  /** Whose events may end the answer: a tenant, or another name that no tenant shares in this cache. */
  readonly owner: string;
  /** @param outdated aborted by an event that may make the answer wrong */
  readonly ask: (outdated: AbortSignal) => Promise<Answer<V>>;
}

/** Bounded, the least recently used goes first. */
export interface RevocableCache<V> {
  get(key: string): V | undefined;
  /**
   * Asks, also when an answer is kept. Callers at the same time share one answer, until there is an event of the owner:
   * an answer that was in progress at that moment is given to the callers that wait for it, but it is neither kept nor
   * given to later callers.
   */
  ask(key: string, question: Question<V>): Promise<V>;
  /** Forgets what is kept and ends with this. */
  end(owner: string, id: string): void;
  /** Something of this owner has ended: `end`, and each question of the owner in progress is outdated. */
  ended(owner: string, id: string): void;
  /** Forgets everything; each question in progress is outdated. */
  clear(): void;
}

interface Kept<V> {
  readonly value: V;
  readonly owner: string;
  readonly revocationIds: readonly string[];
  /** By `cacheTime`: from this moment on it is not used. */
  readonly untilMs: number;
}

interface InProgress<V> {
  readonly owner: string;
  readonly promise: Promise<V>;
  readonly outdated: AbortController;
}

export const createRevocableCache = <V>(clock: Clock, limit: number): RevocableCache<V> => {
  const time = cacheTime(clock);
  const index = createIndex();
  const questions = new Map<string, InProgress<V>>();
  const store = new LRUCache<string, Kept<V>>({
    max: limit,
    onInsert: ({ owner, revocationIds }, key) => index.add(owner, revocationIds, key),
    dispose: ({ owner, revocationIds }, key) => index.remove(owner, revocationIds, key),
  });

  const begin = (key: string, { owner, ask }: Question<V>): Promise<V> => {
    const askedAt = time.now();
    const outdated = new AbortController();
    const isCurrent = (): boolean => !outdated.signal.aborted;
    const promise = ask(outdated.signal)
      .then(({ value, keep }) => {
        const untilMs = askedAt + (keep?.forMs ?? 0);
        if (isCurrent() && time.now() < untilMs)
          store.set(key, { value, owner, revocationIds: keep?.revocationIds ?? [], untilMs });
        return value;
      })
      .finally(() => {
        // another question may have begun under this key since this one was outdated
        if (isCurrent()) questions.delete(key);
      });
    questions.set(key, { owner, promise, outdated });
    return promise;
  };

  const drop = (key: string, { outdated }: InProgress<V>): void => {
    outdated.abort();
    questions.delete(key);
  };

  const end = (owner: string, id: string): void => {
    for (const key of index.keysOf(owner, id)) store.delete(key);
  };

  return {
    get: (key) => {
      const entry = store.get(key);
      if (entry === undefined || time.now() < entry.untilMs) return entry?.value;
      store.delete(key);
      return undefined;
    },
    ask: (key, question) => {
      const inProgress = questions.get(key);
      if (inProgress !== undefined) return inProgress.promise;
      // while the answer is uncertain, no caller gets the former one
      store.delete(key);
      return begin(key, question);
    },
    end,
    ended: (owner, id) => {
      for (const [key, question] of questions) if (question.owner === owner) drop(key, question);
      end(owner, id);
    },
    clear: () => {
      for (const [key, question] of questions) drop(key, question);
      store.clear();
    },
  };
};

/** Which keys hang on an id of an owner. */
const createIndex = () => {
  const all = new Map<string, Set<string>>();
  const nameOf = (owner: string, id: string): string => `${owner} ${id}`;
  return {
    add: (owner: string, ids: readonly string[], key: string): void => {
      for (const id of ids) {
        const name = nameOf(owner, id);
        const keys = all.get(name);
        if (keys === undefined) all.set(name, new Set([key]));
        else keys.add(key);
      }
    },
    remove: (owner: string, ids: readonly string[], key: string): void => {
      for (const id of ids) {
        const name = nameOf(owner, id);
        const keys = all.get(name);
        keys?.delete(key);
        if (keys?.size === 0) all.delete(name);
      }
    },
    /** A copy: the entries may go while it is walked. */
    keysOf: (owner: string, id: string): readonly string[] => [...(all.get(nameOf(owner, id)) ?? [])],
  };
};
