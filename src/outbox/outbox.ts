// Works through a queue in the store, on any number of instances: the one that claims an entry attempts it.
//   timer.ts   the next look at the queue
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { QueueEntry, QueueOutcome, StoredQueue } from '../storage/storage-queue.ts';
import { createTimer } from './timer.ts';

export interface Outbox {
  /** Looks for entries that are due, at once or after the look that is running. */
  look(): void;
  /** Gives attempts under way two seconds to finish; those that do not will be made again. */
  close(): Promise<void>;
}

export interface Outcome {
  /** `pending` is attempted again after a pause; `failed` and `delivered` are final. */
  readonly state: QueueOutcome['state'];
  /** For the ledger: a status of the receiver, or the code of an error. Nothing of a person. */
  readonly words: string;
}

/** The messages of the log. */
export interface OutboxMessages {
  readonly failed: string;
  readonly postponed: string;
  readonly notStored: string;
  readonly notRead: string;
}

export interface OutboxParts<Entry extends QueueEntry> {
  /** @returns ids of the tenants that have entries due */
  readonly tenantsWithDue: (nowMs: number) => Promise<readonly string[]>;
  readonly queueOf: (tenant: string) => Pick<StoredQueue<Entry>, 'claim' | 'settle'>;
  /** Never rejects. Ends soon after the signal. */
  readonly attempt: (tenant: string, entry: Entry, closing: AbortSignal) => Promise<Outcome>;
  /** Entries of one group are attempted by few at a time: a receiver that does not answer must not delay the others. */
  readonly groupOf: (tenant: string, entry: Entry) => string;
  /** What the log says of an entry. */
  readonly describe: (entry: Entry) => Readonly<Record<string, unknown>>;
  readonly messages: OutboxMessages;
  /** Attempts at the same time, in all and for one group. */
  readonly limits: { readonly all: number; readonly perGroup: number };
  /** Longer than an attempt can take. The entry that a crashed process had claimed is due again after it. */
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

const pausesMs = [second, 5 * second, 30 * second, 2 * minute, 10 * minute] as const;
const longestPauseMs = hour;
const givenUpAfterMs = 24 * hour;
const lookEveryMs = { waiting: second, idle: 15 * second } as const;
const closingMs = 2 * second;

/** Looks for due entries when asked to, when a pause is over, and regularly for those of other processes. */
export const openOutbox = <Entry extends QueueEntry>(parts: OutboxParts<Entry>): Outbox => {
  const { queueOf, groupOf, messages, limits, leaseMs, clock, log } = parts;
  const closing = new AbortController();
  const underWay = new Map<Promise<void>, string>();
  const nextLook = createTimer(() => look());
  let looking = Promise.resolve();
  let isAskedAgain = false;
  let isClosed = false;

  const settle = async (tenant: string, entry: Entry, outcome: Outcome): Promise<void> => {
    const { id, attempts, createdAt } = entry;
    const nowMs = clock.now();
    const isGivenUp = outcome.state === 'pending' && nowMs - createdAt >= givenUpAfterMs;
    const state = isGivenUp ? 'failed' : outcome.state;
    const pauseMs = pausesMs[attempts - 1] ?? longestPauseMs;
    await queueOf(tenant).settle(id, {
      state,
      nextAttemptAt: nowMs + pauseMs,
      lastAttemptAt: nowMs,
      lastOutcome: outcome.words,
    });
    const line = { tenant, ...parts.describe(entry), attempts, outcome: outcome.words };
    if (state === 'failed') log.error(line, messages.failed);
    if (state !== 'pending') return;
    log.warn(line, messages.postponed);
    nextLook.setFor(pauseMs);
  };

  const begin = (tenant: string, entry: Entry): void => {
    const task = parts
      .attempt(tenant, entry, closing.signal)
      .then((outcome) => settle(tenant, entry, outcome))
      // the lease will end, and the entry is attempted again
      .catch((err: unknown) => log.warn({ tenant, err }, messages.notStored))
      .finally(() => {
        underWay.delete(task);
        if (underWay.size === limits.all - 1) look();
      });
    underWay.set(task, groupOf(tenant, entry));
  };

  /** False when the tenant has nothing due. */
  const takeOne = async (tenant: string): Promise<boolean> => {
    const nowMs = clock.now();
    const entry = await queueOf(tenant).claim(nowMs, nowMs + leaseMs);
    if (entry === undefined) return false;
    const group = groupOf(tenant, entry);
    const isCrowded = [...underWay.values()].filter((other) => other === group).length >= limits.perGroup;
    if (isCrowded) await settle(tenant, entry, { state: 'pending', words: 'waits_for_others' });
    else begin(tenant, entry);
    return true;
  };

  const lookOnce = async (): Promise<void> => {
    try {
      let tenants = await parts.tenantsWithDue(clock.now());
      while (tenants.length > 0) {
        const left: string[] = [];
        for (const tenant of tenants) {
          if (isClosed) return;
          if (underWay.size >= limits.all) return nextLook.setAtLatest(lookEveryMs.waiting);
          if (await takeOne(tenant)) left.push(tenant);
        }
        tenants = left;
      }
    } catch (err) {
      log.warn({ err }, messages.notRead);
    }
    nextLook.setAtLatest(lookEveryMs.idle);
  };

  /** Runs one look at a time; calls during a look cause one more after it. */
  const look = (): void => {
    if (isAskedAgain || isClosed) return;
    isAskedAgain = true;
    looking = looking.then(() => {
      isAskedAgain = false;
      return isClosed ? undefined : lookOnce();
    });
  };

  look();
  return {
    look,
    close: async () => {
      isClosed = true;
      nextLook.stop();
      await looking;
      const finished = Promise.all(underWay.keys());
      await Promise.race([finished, delay(closingMs, undefined, { ref: false })]);
      closing.abort();
      await finished;
      nextLook.stop();
    },
  };
};
