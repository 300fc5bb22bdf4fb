// Refusals of the protocol, kept for a week so that `drawbridge explain error <id>` finds them.
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { RefusalFacts } from './refusal-facts.ts';

/** What is kept of a refusal: no secret, and no parameter but those of `RefusalFacts`. */
export interface RefusalRecord extends RefusalFacts {
  readonly errorId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly requestId: string;
  readonly status: number;
  /** The library's name of the endpoint. */
  readonly route?: string;
  readonly error: string;
  readonly description?: string;
  readonly detail?: string;
  readonly remedy?: string;
}

export interface RefusalRecords {
  /** Notes it for this request; the last one of an error id is the one that is kept. */
  note(ctx: object, record: RefusalRecord): void;
  /** Stores what was noted. Never rejects: the answer must not depend on it. */
  store(ctx: object): Promise<void>;
}

export interface RefusalRecordsParts {
  readonly artifacts: Pick<TenantStorage['artifacts'], 'write'>;
  readonly clock: Clock;
  readonly log: Log;
}

const keptSeconds = 7 * 24 * 60 * 60;
const mostPerMinute = 30;
/** A store that hangs must not hold up the answer; the record is written whenever it answers. */
const longestWaitMs = 250;

/** A tenant has as many places as three hexadecimal digits name; a new refusal replaces the one in its place. */
const placeOf = (errorId: string): string => errorId.slice(0, 3);

/** Bounded twice, as strangers cause refusals: in number by the places, in writes by the minute (of a process). */
export const createRefusalRecords = ({ artifacts, clock, log }: RefusalRecordsParts): RefusalRecords => {
  const noted = new WeakMap<object, RefusalRecord>();
  let minute = { begins: 0, written: 0 };

  const mayWrite = (): boolean => {
    const begins = Math.floor(clock.now() / 60_000);
    if (minute.begins !== begins) minute = { begins, written: 0 };
    minute.written += 1;
    return minute.written <= mostPerMinute;
  };

  return {
    note: (ctx, record) => {
      noted.set(ctx, record);
    },
    store: async (ctx) => {
      const record = noted.get(ctx);
      if (record === undefined || !mayWrite()) return;
      const artifact = {
        kind: 'RefusedRequest' as const,
        id: placeOf(record.errorId),
        payload: JSON.stringify(record),
        expiresAt: epochSeconds(clock) + keptSeconds,
      };
      const written = artifacts.write([{ op: 'put', artifact }]).catch((err: unknown) => {
        log.debug({ err, errorId: record.errorId }, 'a refusal could not be kept');
      });
      await Promise.race([written, delay(longestWaitMs, undefined, { ref: false })]);
    },
  };
};

/** @throws AppError `unavailable` */
export const findRefusal = async (
  { artifacts }: Pick<TenantStorage, 'artifacts'>,
  errorId: string,
): Promise<RefusalRecord | undefined> => {
  const ref = { kind: 'RefusedRequest' as const, id: placeOf(errorId) };
  const [found] = (await artifacts.load([ref])).artifacts;
  if (found === undefined) return undefined;
  const record = JSON.parse(found.payload) as RefusalRecord; // written by `store`
  return record.errorId === errorId ? record : undefined;
};
