// Removes the oldest records of a tenant when their retention is over, up to a checkpoint that says so; see docs/audit.md.
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { AuditChainRecords, AuditCheckpoint } from '../../storage/storage-audit-chain.ts';
import type { Audit } from '../audit.ts';
import type { ChainKeys } from './chain-keys.ts';
import { digestOf, isGenuine } from './chain-link.ts';
import { timeInId } from './chain-report.ts';
import { type Checkpoint, findMark, isMark, signCheckpoint, verifyCheckpoint } from './checkpoints.ts';
import { isClockSteady } from './steady-clock.ts';

export interface ChainPruner {
  /**
   * Several instances may do so at the same time, and one that was stopped in the middle is taken up by the next.
   * @returns how many records were removed
   * @throws AppError `unavailable`; nothing is removed that `audit.pruned` does not name
   */
  prune(): Promise<number>;
}

export interface ChainPrunerParts {
  readonly chain: AuditChainRecords;
  readonly keys: ChainKeys;
  readonly audit: Pick<Audit, 'noteBefore'>;
  readonly retentionMs: number;
  /** Number of the last record that all receivers of the tenant have; Infinity without a receiver. */
  readonly deliveredTo: () => Promise<number>;
  readonly clock: Clock;
  /** A logger with the tenant in its bindings. */
  readonly log: Log;
}

/** What is not delivered is kept so much longer. */
const undeliveredMs = 30 * 24 * 3_600_000;
/** Beyond the retention: so there is one `audit.pruned` a day at most, and not one with each checkpoint. */
export const slackMs = 24 * 3_600_000;
const rowsPerStep = 500;
const recordsPerPortion = 10_000;
const portionsPerLook = 10;

export const createChainPruner = (parts: ChainPrunerParts): ChainPruner => ({
  prune: async () => {
    let removed = await finishBegun(parts);
    for (let portion = 0; portion < portionsPerLook; portion += 1) {
      const cut = await findCut(parts);
      if (cut === undefined || !(await isWhole(parts, cut)) || !(await mark(parts, cut))) return removed;
      await removeCheckpointsBefore(parts, cut.stored.seq);
      removed += await removeUpTo(parts, cut.stored.seq);
    }
    return removed;
  },
});

interface Cut {
  readonly firstSeq: number;
  readonly stored: AuditCheckpoint;
  readonly checkpoint: Checkpoint;
}

/** The last checkpoint of which all records are old enough. */
const findCut = async (parts: ChainPrunerParts): Promise<Cut | undefined> => {
  const { chain, keys, clock, retentionMs } = parts;
  const untilMs = clock.now() - retentionMs;
  const [oldest] = await chain.links({ afterSeq: 0, limit: 1 });
  if (oldest === undefined) return undefined;
  const oldestAt = oldest.record?.at ?? timeInId(oldest.link.recordId) ?? 0;
  if (oldestAt > untilMs - slackMs || !(await isClockSteady(parts))) return undefined;
  const firstSeq = oldest.link.seq;
  const end = firstSeq + recordsPerPortion - 1;
  const delivered = Math.min(end, await parts.deliveredTo());
  const [usual, late] = await Promise.all([
    chain.checkpointUpTo({ seq: delivered, untilMs }),
    delivered === end ? undefined : chain.checkpointUpTo({ seq: end, untilMs: untilMs - undeliveredMs }),
  ]);
  const stored = (late?.seq ?? 0) > (usual?.seq ?? 0) ? late : usual;
  if (stored === undefined || stored.seq < firstSeq) return undefined;
  const checkpoint = await verifyCheckpoint(stored.jws, keys);
  if (checkpoint !== undefined && checkpoint.seq === stored.seq && checkpoint.at <= untilMs)
    return { firstSeq, stored, checkpoint };
  warn(parts, stored.seq);
  return undefined;
};

/** Evidence of a change is kept: what is not as it was signed is not removed. */
const isWhole = async (parts: ChainPrunerParts, { firstSeq, checkpoint }: Cut): Promise<boolean> => {
  let expected = firstSeq;
  for await (const { link, record } of linksUpTo(parts, checkpoint.seq)) {
    const isRight =
      link.seq === expected &&
      isGenuine(link, parts.keys) &&
      record !== undefined &&
      digestOf(record) === link.digest &&
      (link.seq < checkpoint.seq || link.hash === checkpoint.hash);
    if (!isRight) return stop(parts, expected);
    expected += 1;
  }
  return expected === checkpoint.seq + 1 || stop(parts, expected);
};

const stop = async (parts: ChainPrunerParts, seq: number): Promise<false> => {
  // another instance may be removing them
  if (((await findMark(parts.chain, parts.keys))?.seq ?? 0) < seq) warn(parts, seq);
  return false;
};

const warn = ({ keys, log }: ChainPrunerParts, seq: number): void =>
  log.error(
    { seq },
    `audit records are over their retention and were changed, so they stay: drawbridge audit verify ${keys.tenant}`,
  );

/** @returns false when another instance was faster */
const mark = async (parts: ChainPrunerParts, { firstSeq, stored, checkpoint }: Cut): Promise<boolean> => {
  if (isMark(checkpoint)) return true;
  const { chain, keys, audit } = parts;
  const { seq, at } = checkpoint;
  await audit.noteBefore({
    ...{ action: 'audit.pruned', outcome: 'success', actor: 'drawbridge' },
    reason: `${seq - firstSeq + 1}: ${firstSeq} to ${seq}, of ${new Date(at).toISOString()} and before`,
  });
  const jws = await signCheckpoint(checkpoint, { at, from: seq + 1 }, keys);
  return chain.replaceCheckpoint({ ...stored, jws }, stored.jws);
};

/** A process may have stopped after the checkpoints. */
const finishBegun = async (parts: ChainPrunerParts): Promise<number> => {
  const begun = await findMark(parts.chain, parts.keys);
  return begun === undefined ? 0 : removeUpTo(parts, begun.seq);
};

/** The oldest one at last: until then it says where the chain begins, and then the mark does. */
const removeCheckpointsBefore = async ({ chain }: ChainPrunerParts, beforeSeq: number): Promise<void> => {
  const [oldest] = await chain.checkpoints({ afterSeq: 0, limit: 1 });
  if (oldest === undefined || oldest.seq >= beforeSeq) return;
  for (;;) {
    const page = await chain.checkpoints({ afterSeq: oldest.seq, limit: rowsPerStep });
    const over = page.map(({ seq }) => seq).filter((seq) => seq < beforeSeq);
    const [fromSeq, toSeq] = [over[0], over.at(-1)];
    if (fromSeq === undefined || toSeq === undefined) break;
    await chain.removeCheckpoints({ fromSeq, toSeq });
  }
  await chain.removeCheckpoints({ fromSeq: oldest.seq, toSeq: oldest.seq });
};

/** Records before their links, so that none is without one. */
const removeUpTo = async ({ chain }: ChainPrunerParts, end: number): Promise<number> => {
  let removed = 0;
  for (;;) {
    const page = await chain.links({ afterSeq: 0, limit: rowsPerStep });
    const over = page.map(({ link }) => link).filter(({ seq }) => seq <= end);
    const [first, last] = [over[0], over.at(-1)];
    if (first === undefined || last === undefined) return removed;
    await chain.removeRecords(over.map(({ recordId }) => recordId));
    await chain.removeLinks({ fromSeq: first.seq, toSeq: last.seq });
    removed += over.length;
  }
};

async function* linksUpTo({ chain }: ChainPrunerParts, end: number) {
  let afterSeq = 0;
  for (;;) {
    const page = await chain.links({ afterSeq, limit: rowsPerStep });
    for (const linked of page) {
      if (linked.link.seq > end) return;
      yield linked;
    }
    if (page.length < rowsPerStep) return;
    afterSeq = page.at(-1)?.link.seq ?? afterSeq;
  }
}
