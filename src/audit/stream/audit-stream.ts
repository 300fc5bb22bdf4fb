import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { AuditChainRecords, AuditLink } from '../../storage/storage-audit-chain.ts';
import type { AuditStreamState, AuditStreams } from '../../storage/storage-audit-streams.ts';
import type { AuditRecord } from '../../storage/storage-records.ts';
import type { Audit } from '../audit.ts';
import { toJsonLine } from '../formats/json-lines.ts';
import { findEnd, stateOf } from './stream-lag.ts';
import type { StreamBatch, StreamTarget } from './stream-target.ts';

export interface AuditStream {
  /** What is to be delivered. May be asked by every instance, as it changes nothing. */
  look(): Promise<{ readonly waiting: number; readonly isDue: boolean }>;
  /**
   * Delivers in the order of the chain, batch by batch, unless another instance does so already. What fails is tried again later,
   * and nothing is delivered that comes behind it.
   */
  run(closing: AbortSignal): Promise<void>;
}

export interface AuditStreamParts {
  readonly tenant: string;
  readonly target: StreamTarget;
  readonly chain: Pick<AuditChainRecords, 'links' | 'last' | 'lastCheckpoint'>;
  readonly streams: AuditStreams;
  readonly audit: Pick<Audit, 'noteBefore'>;
  /** Of this process. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export const recordsPerBatch = 100;
const batchesPerRun = 50;
/** Longer than an attempt can take, so that no other instance sends while one of this instance is under way. */
const leaseMs = 60_000;
const pausesMs = [1_000, 5_000, 30_000, 120_000] as const;
/** A pause of twice that was stored by an instance with a wrong clock, and counts as over; `claim` has the same rule. */
const longestPauseMs = 300_000;

export const createAuditStream = (parts: AuditStreamParts): AuditStream => {
  const { tenant, target, chain, streams, holder, clock, log } = parts;
  const { name } = target;
  const lease = () => ({ holder, leaseUntilMs: clock.now() + leaseMs });
  const released = { holder, leaseUntilMs: 0 };

  const noteOutcome = (batch: StreamBatch, state: AuditStreamState, failuresBefore: number): void => {
    const { failures, lastOutcome: outcome } = state;
    const line = { target: name, outcome, failures, seq: batch.fromSeq };
    if (failures > 0) log.warn(line, 'audit records could not be delivered yet');
    else if (failuresBefore > 0) log.info(line, 'audit records are delivered again');
  };

  /** Undefined when there is nothing more to do for now. */
  const step = async (
    state: AuditStreamState,
    closing: AbortSignal,
  ): Promise<AuditStreamState | undefined> => {
    const page = await chain.links({ afterSeq: state.seq, limit: recordsPerBatch });
    if (page.length === 0 && (await isBeyondEnd(state.seq))) return beginAnew(state);
    const batch = batchOf(tenant, page);
    if (batch === undefined || closing.aborted) {
      await streams.settle(name, state, released);
      return undefined;
    }
    if (state.seq > 0 && batch.fromSeq > state.seq + 1) return jump(state, batch.fromSeq - 1);
    const { isDelivered, words } = await target.deliver(batch, closing);
    if (!isDelivered && closing.aborted) {
      await streams.settle(name, state, released);
      return undefined;
    }
    const nowMs = clock.now();
    const attempt = { lastAttemptAt: nowMs, lastOutcome: words };
    const failures = isDelivered ? 0 : state.failures + 1;
    const pauseMs = pausesMs[failures - 1] ?? longestPauseMs;
    const next = isDelivered
      ? { ...attempt, seq: batch.toSeq, failures, nextAttemptAt: 0 }
      : { ...attempt, seq: state.seq, failures, nextAttemptAt: nowMs + pauseMs };
    const isOurs = await streams.settle(name, next, isDelivered ? lease() : released);
    noteOutcome(batch, next, state.failures);
    return isDelivered && isOurs ? next : undefined;
  };

  const isBeyondEnd = async (seq: number): Promise<boolean> => seq > (await findEnd(chain));

  /** Without this nothing would be delivered until the chain is as long as somebody has claimed in the store. */
  const beginAnew = async (state: AuditStreamState): Promise<AuditStreamState | undefined> => {
    log.error(
      { target: name, seq: state.seq },
      'the place of the stream was beyond the end of the chain, so all records are delivered again',
    );
    const next = { ...state, seq: 0 };
    return (await streams.settle(name, next, lease())) ? next : undefined;
  };

  /** What was removed before it was delivered is missing for ever; the record that says so is delivered. */
  const jump = async (state: AuditStreamState, toSeq: number): Promise<AuditStreamState | undefined> => {
    await parts.audit.noteBefore({
      ...{ action: 'audit.stream_gap', outcome: 'failure', actor: 'drawbridge' },
      reason: `${name}: ${state.seq + 1} to ${toSeq} were removed before they were delivered`,
    });
    const next = { ...state, seq: toSeq };
    return (await streams.settle(name, next, lease())) ? next : undefined;
  };

  return {
    look: async () => {
      const [states, last] = await Promise.all([streams.list(), chain.last()]);
      const { seq, nextAttemptAt } = stateOf(states, name);
      const waiting = Math.max(0, (last?.seq ?? 0) - seq);
      const isWanted = waiting > 0 || (seq > (last?.seq ?? 0) && (await isBeyondEnd(seq)));
      const pauseMs = nextAttemptAt - clock.now();
      return { waiting, isDue: isWanted && (pauseMs <= 0 || pauseMs > 2 * longestPauseMs) };
    },
    run: async (closing) => {
      let state = await streams.claim(name, { ...lease(), nowMs: clock.now() });
      for (let batch = 0; state !== undefined; batch += 1) {
        if (batch === batchesPerRun) {
          await streams.settle(name, state, released);
          return;
        }
        state = await step(state, closing);
      }
    },
  };
};

const batchOf = (
  tenant: string,
  page: readonly { readonly link: AuditLink; readonly record?: AuditRecord | undefined }[],
): StreamBatch | undefined => {
  const [first, last] = [page[0]?.link, page.at(-1)?.link];
  if (first === undefined || last === undefined) return undefined;
  const lines = page.map(({ link: { seq, recordId: id }, record }) =>
    // the number of one that somebody has removed from the store is delivered all the same
    record === undefined ? JSON.stringify({ seq, tenant, id }) : toJsonLine({ tenant, record, seq }),
  );
  return { tenant, fromSeq: first.seq, toSeq: last.seq, lines };
};
