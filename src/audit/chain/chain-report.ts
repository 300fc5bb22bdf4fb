import type { Checkpoint } from './checkpoints.ts';

export interface ChainFinding {
  /**
   * `changed`: the record, or what the chain says of it; `removed`: from `seq` to `toSeq`; `inserted`: into the store, beside
   * the chain or with a link of somebody else; `reordered`: it was made for another number; `checkpoint`: one that does not fit.
   */
  readonly kind: 'changed' | 'removed' | 'inserted' | 'reordered' | 'checkpoint';
  readonly seq?: number;
  readonly toSeq?: number;
  /** Of the record. */
  readonly id?: string;
  /** Epoch milliseconds, of the record. */
  readonly at?: number;
  readonly text: string;
}

export interface ChainReport {
  /** The first 100. */
  readonly findings: readonly ChainFinding[];
  /** Of the chain; 0 when there is none yet. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Records in the chain. */
  readonly records: number;
  /** Epoch milliseconds: the time of the newest record in the chain, without those of a clock that was ahead. */
  readonly newestAt?: number;
  /** The last one that is signed. */
  readonly checkpoint?: Checkpoint & { readonly jws: string };
  /** The records up to this one were removed when their retention was over, which it says; the chain is verified from it on. */
  readonly mark?: Checkpoint;
  /** `--checkpoint` was given one that is older than the mark, with which nothing can be compared any more. */
  readonly isKeptTooOld?: true;
  /** Records that are not in the chain yet. */
  readonly waiting: { readonly count: number; readonly oldestAt?: number };
}

export const findingLimit = 100;

/** Epoch milliseconds in the id of a record, which outlives the record in its link. */
export const timeInId = (id: string): number | undefined =>
  /^[0-9a-f]{36}$/.test(id) ? Number.parseInt(id.slice(0, 12), 16) : undefined;
