// The part of the storage port that puts the audit records of a tenant in one order; see src/audit/chain/.
import type { AuditRecord } from './storage-records.ts';

/** The place of one record in the chain. What its values are computed from: src/audit/chain/chain-link.ts. */
export interface AuditLink {
  /** From 1, without gaps; unique within the tenant. */
  readonly seq: number;
  /** Unique within the tenant. */
  readonly recordId: string;
  readonly digest: string;
  readonly hash: string;
  readonly mac: string;
}

export interface AuditCheckpoint {
  /** Of the last link that it signs; unique within the tenant. */
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Compact JWS. */
  readonly jws: string;
}

export interface PageBySeq {
  readonly afterSeq: number;
  readonly limit: number;
}

export interface SeqRange {
  readonly fromSeq: number;
  readonly toSeq: number;
}

export interface AuditChainRecords {
  /** Records of `untilMs` or before without a mark, by time and id; `isLinked`: only the mark is missing. */
  unmarked(page: {
    readonly untilMs: number;
    readonly limit: number;
  }): Promise<readonly { readonly record: AuditRecord; readonly isLinked: boolean }[]>;
  /**
   * Appends links in their order. False when a number or a record is taken: the links before that one may be stored then, those
   * behind it are not.
   */
  append(links: readonly AuditLink[]): Promise<boolean>;
  /** Marks records that have a link. */
  mark(recordIds: readonly string[]): Promise<void>;
  last(): Promise<AuditLink | undefined>;
  /** By number, ascending; `record` is absent when it is not stored. */
  links(
    page: PageBySeq,
  ): Promise<readonly { readonly link: AuditLink; readonly record?: AuditRecord | undefined }[]>;
  /** All records of the tenant by time and id, ascending; `seq` of the link. */
  records(page: {
    readonly after?: { readonly at: number; readonly id: string };
    readonly limit: number;
  }): Promise<
    readonly {
      readonly record: AuditRecord;
      readonly seq?: number | undefined;
      readonly isMarked: boolean;
    }[]
  >;
  /** False when there is one with this number. */
  insertCheckpoint(checkpoint: AuditCheckpoint): Promise<boolean>;
  lastCheckpoint(): Promise<AuditCheckpoint | undefined>;
  /** By number, ascending. */
  checkpoints(page: PageBySeq): Promise<readonly AuditCheckpoint[]>;
  /** The last one with this number or a lower one that was signed at `untilMs` or before. */
  checkpointUpTo(end: {
    readonly seq: number;
    readonly untilMs: number;
  }): Promise<AuditCheckpoint | undefined>;
  /** Compare-and-set of `jws`: false when another than `previousJws` is stored under the number. */
  replaceCheckpoint(checkpoint: AuditCheckpoint, previousJws: string): Promise<boolean>;
  /** For the retention alone; numbers are included at both ends. */
  removeCheckpoints(range: SeqRange): Promise<void>;
  removeLinks(range: SeqRange): Promise<void>;
  removeRecords(recordIds: readonly string[]): Promise<void>;
}
