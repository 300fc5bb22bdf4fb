import { definedOnly } from '../../defined-only.ts';
import type { AuditCheckpoint, AuditLink } from '../../storage/storage-audit-chain.ts';
import type { AuditRecord } from '../../storage/storage-records.ts';
import type { ChainKeys } from './chain-keys.ts';
import { digestOf, firstPreviousHash, hashOf, isGenuine } from './chain-link.ts';
import { type ChainFinding, type ChainReport, timeInId } from './chain-report.ts';
import { type Checkpoint, verifyCheckpoint } from './checkpoints.ts';

export interface Linked {
  readonly link: AuditLink;
  readonly record?: AuditRecord | undefined;
}

/** A link that fits no number is looked for this far around its own. */
const reorderedWithin = 1_000;
/** A record that gets into the store so much later than its time was not written by Drawbridge. */
export const lateMs = 10 * 60_000;

export const unlike = ({ seq }: Pick<Checkpoint, 'seq'>): ChainFinding => ({
  kind: 'checkpoint',
  seq,
  text: `The chain up to ${seq} is not the one of the checkpoint that was signed for it`,
});

interface WalkParts {
  readonly keys: ChainKeys;
  /** The oldest checkpoint, where it says that the records before it were removed. */
  readonly mark?: Checkpoint | undefined;
  readonly add: (finding: ChainFinding) => void;
}

/** Goes from link to link. */
export const createWalk = ({ keys, mark, add }: WalkParts) => {
  let first: AuditLink | undefined;
  /** `hash` is absent where the link says nothing. */
  let previous: { readonly seq: number; readonly hash?: string } | undefined;
  let newestAt = 0;
  let records = 0;
  let mayBeginAt = 1;
  let signed: (Checkpoint & { readonly jws: string }) | undefined;

  const judge = ({ link, record }: Linked): ChainFinding | undefined => {
    const where = {
      seq: link.seq,
      id: link.recordId,
      ...definedOnly({ at: record?.at ?? timeInId(link.recordId) }),
    };
    if (!isGenuine(link, keys)) {
      const own = numberOf(link, keys);
      return own === undefined
        ? {
            ...where,
            kind: record === undefined ? 'changed' : 'inserted',
            text: `Link ${link.seq} was not made by Drawbridge, or was changed`,
          }
        : { ...where, kind: 'reordered', text: `The record stands at ${link.seq} and belongs at ${own}` };
    }
    if (record === undefined)
      return {
        ...where,
        kind: 'removed',
        toSeq: link.seq,
        text: `The record of ${link.seq} is not in the store`,
      };
    if (digestOf(record) !== link.digest)
      return { ...where, kind: 'changed', text: `The record of ${link.seq} was changed` };
    const isBehind = previous !== undefined && previous.seq === link.seq - 1;
    const expected = link.seq === 1 ? firstPreviousHash : isBehind ? previous?.hash : undefined;
    if (expected !== undefined && hashOf(expected, link) !== link.hash)
      return {
        ...where,
        kind: 'inserted',
        text: `The record of ${link.seq} was not put behind the one that is before it`,
      };
    if (record.at < newestAt - lateMs)
      return {
        ...where,
        kind: 'inserted',
        text: `The record of ${link.seq} got into the store long after its time`,
      };
    return undefined;
  };

  return {
    /**
     * A checkpoint that was signed before the newest record says that the clock was ahead then, and is not any more.
     *
     * @param stored the first one that signs the next link
     */
    correctClock: async (stored: AuditCheckpoint | undefined): Promise<void> => {
      if (stored === undefined || stored.at >= newestAt) return;
      const checkpoint = await verifyCheckpoint(stored.jws, keys);
      if (checkpoint?.seq === stored.seq) newestAt = Math.min(newestAt, checkpoint.at);
    },

    step: (linked: Linked): void => {
      const { link, record } = linked;
      // it may be under way
      if (mark !== undefined && link.seq <= mark.seq) return;
      if (previous !== undefined && link.seq > previous.seq + 1) add(missing(previous.seq + 1, link.seq - 1));
      const finding = judge(linked);
      if (finding !== undefined) add(finding);
      if (record !== undefined && finding === undefined) newestAt = Math.max(newestAt, record.at);
      first ??= link;
      previous = isGenuine(link, keys) ? link : { seq: link.seq };
      records += record === undefined ? 0 : 1;
    },

    /** @param link the one with this number, or a later one, or none */
    compare: async (stored: AuditCheckpoint, link: AuditLink | undefined): Promise<void> => {
      const checkpoint = await verifyCheckpoint(stored.jws, keys);
      if (checkpoint === undefined || checkpoint.seq !== stored.seq)
        return add({
          kind: 'checkpoint',
          seq: stored.seq,
          text: `The signature of checkpoint ${stored.seq} is not one of this tenant`,
        });
      if (link?.seq === checkpoint.seq && link.hash !== checkpoint.hash) return add(unlike(checkpoint));
      // of those before the first link only the last one says what is in front of it
      const isBeforeFirst = link?.seq === checkpoint.seq + 1 || checkpoint.seq === mark?.seq;
      if (first === undefined && isBeforeFirst) previous = checkpoint;
      mayBeginAt = Math.max(mayBeginAt, checkpoint.from);
      signed = { ...checkpoint, jws: stored.jws };
    },

    /** @param end the number that the chain has to reach */
    finish: (end: number): Omit<ChainReport, 'findings' | 'waiting'> => {
      const firstSeq = first?.seq ?? 0;
      if (firstSeq > mayBeginAt) add(missing(mayBeginAt, firstSeq - 1));
      const lastSeq = previous?.seq ?? 0;
      if (lastSeq < end) add(missing(lastSeq + 1, end));
      return {
        firstSeq,
        lastSeq,
        records,
        ...definedOnly({ newestAt: newestAt || undefined, checkpoint: signed, mark }),
      };
    },
  };
};

const missing = (seq: number, toSeq: number): ChainFinding => ({
  kind: 'removed',
  ...{ seq, toSeq },
  text:
    seq === toSeq
      ? `${seq} is not in the chain any more`
      : `${seq} to ${toSeq} are not in the chain any more`,
});

/** The number that a link was made for, if it is near. */
const numberOf = (link: AuditLink, keys: ChainKeys): number | undefined => {
  for (let distance = 1; distance <= reorderedWithin; distance += 1)
    for (const seq of [link.seq - distance, link.seq + distance])
      if (isGenuine({ ...link, seq }, keys)) return seq;
  return undefined;
};
