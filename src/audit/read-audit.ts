import { definedOnly } from '../defined-only.ts';
import type { AuditChainRecords } from '../storage/storage-audit-chain.ts';
import type { AuditRecord } from '../storage/storage-records.ts';

export interface NumberedRecord {
  readonly record: AuditRecord;
  readonly seq?: number | undefined;
}

const recordsPerPage = 500;

/** Epoch milliseconds, both included; absent: all. */
export interface Span {
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** By time, the oldest first, in pages. */
export async function* eachAuditRecord(
  chain: Pick<AuditChainRecords, 'records'>,
  { fromMs, untilMs = Number.POSITIVE_INFINITY }: Span,
): AsyncIterable<NumberedRecord> {
  let after = fromMs === undefined ? undefined : { at: fromMs, id: '' };
  for (;;) {
    const page = await chain.records({ limit: recordsPerPage, ...definedOnly({ after }) });
    for (const { record, seq } of page) {
      if (record.at > untilMs) return;
      yield { record, seq };
    }
    const last = page.at(-1)?.record;
    if (last === undefined || page.length < recordsPerPage) return;
    after = { at: last.at, id: last.id };
  }
}

export interface FollowOptions {
  /** Epoch milliseconds: records of then and later. */
  readonly fromMs: number;
  /** Those that are known already. */
  readonly shown?: readonly AuditRecord[];
  /** Between two looks. Resolves to false when it is to end. */
  readonly pause: () => Promise<boolean>;
}

/** An instance may write a record this much later than another writes one of the same time. */
const lateMs = 10_000;

/** Each record once, as it gets into the store. */
export async function* followAudit(
  chain: Pick<AuditChainRecords, 'records'>,
  { fromMs, shown = [], pause }: FollowOptions,
): AsyncIterable<NumberedRecord> {
  const seen = new Map<string, number>(shown.map(({ id, at }) => [id, at]));
  let newestAt = fromMs;
  do {
    for await (const numbered of eachAuditRecord(chain, { fromMs: Math.max(fromMs, newestAt - lateMs) })) {
      const { id, at } = numbered.record;
      newestAt = Math.max(newestAt, at);
      if (!seen.has(id)) yield numbered;
      seen.set(id, at);
    }
    for (const [id, at] of seen) if (at < newestAt - lateMs) seen.delete(id);
  } while (await pause());
}
