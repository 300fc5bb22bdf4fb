import { definedOnly } from '../../defined-only.ts';
import type { AuditChainRecords, AuditCheckpoint, AuditLink } from '../../storage/storage-audit-chain.ts';
import type { ChainKeys } from './chain-keys.ts';
import { type ChainFinding, type ChainReport, findingLimit } from './chain-report.ts';
import { createWalk, type Linked, lateMs, unlike } from './chain-walk.ts';
import { type Checkpoint, findMark } from './checkpoints.ts';

export interface VerifyChainParts {
  readonly chain: AuditChainRecords;
  readonly keys: ChainKeys;
  /** One of before, which somebody has kept outside of the store. */
  readonly kept?: Checkpoint | undefined;
}

const rowsPerPage = 500;

const mostAttempts = 5;

/** Reads the whole chain once in pages, then all records once: memory does not grow with them. */
export const verifyChain = async (parts: VerifyChainParts): Promise<ChainReport> => {
  for (let attempt = 1; ; attempt += 1) {
    const report = await verifyOnce(parts);
    // records whose retention is over may have been removed meanwhile
    const isSame = (await findMark(parts.chain, parts.keys))?.seq === report.mark?.seq;
    if (report.findings.length === 0 || isSame || attempt === mostAttempts) return report;
  }
};

const verifyOnce = async (parts: VerifyChainParts): Promise<ChainReport> => {
  const { chain, keys, kept } = parts;
  const findings: ChainFinding[] = [];
  const add = (finding: ChainFinding): void => {
    if (findings.length < findingLimit) findings.push(finding);
  };
  const mark = await findMark(chain, keys);
  const walk = createWalk({ keys, mark, add });
  const lastStored = await chain.lastCheckpoint();
  const end = Math.max(lastStored?.seq ?? 0, (await chain.last())?.seq ?? 0);
  const checkpoints = pages<AuditCheckpoint>(({ afterSeq }) =>
    chain.checkpoints({ afterSeq, limit: rowsPerPage }),
  );
  let checkpoint = await checkpoints.next();
  const compareUpTo = async (link: AuditLink | undefined): Promise<void> => {
    while (checkpoint !== undefined && checkpoint.seq <= (link?.seq ?? end)) {
      await walk.compare(checkpoint, link);
      checkpoint = await checkpoints.next();
    }
  };
  const links = pages<Linked & { readonly seq: number }>(async ({ afterSeq }) =>
    (await chain.links({ afterSeq, limit: rowsPerPage })).map((linked) => ({
      ...linked,
      seq: linked.link.seq,
    })),
  );
  for (let linked = await links.next(); linked !== undefined; linked = await links.next()) {
    if (linked.seq > end) break;
    const signing = checkpoint;
    if (checkpoint !== undefined && checkpoint.seq <= linked.seq) await compareUpTo(linked.link);
    await walk.correctClock(signing?.seq === linked.seq ? signing : checkpoint);
    walk.step(linked);
    if (kept?.seq === linked.seq && kept.hash !== linked.link.hash) add(unlike(kept));
  }
  if (kept !== undefined && kept.seq === mark?.seq && kept.hash !== mark.hash) add(unlike(kept));
  await compareUpTo(undefined);
  const chained = walk.finish(Math.max(end, kept?.seq ?? 0));
  const waiting = await findUnlinked(chain, { add, newestAt: chained.newestAt });
  const isKeptTooOld = (kept?.seq ?? Number.POSITIVE_INFINITY) < (mark?.seq ?? 0) || undefined;
  return { findings, waiting, ...chained, ...definedOnly({ isKeptTooOld }) };
};

/** A record with a mark and without a link, or one of long before the newest in the chain, was put into the store by somebody else. */
const findUnlinked = async (
  chain: AuditChainRecords,
  {
    add,
    newestAt = 0,
  }: { readonly add: (finding: ChainFinding) => void; readonly newestAt?: number | undefined },
): Promise<ChainReport['waiting']> => {
  let count = 0;
  let oldestAt: number | undefined;
  let after: { readonly at: number; readonly id: string } | undefined;
  for (;;) {
    const page = await chain.records({ limit: rowsPerPage, ...definedOnly({ after }) });
    for (const { record, isMarked } of page.filter(({ seq }) => seq === undefined)) {
      if (isMarked || record.at < newestAt - lateMs)
        add({
          kind: 'inserted',
          id: record.id,
          at: record.at,
          text: 'The record is in the store and not in the chain',
        });
      else {
        count += 1;
        oldestAt ??= record.at;
      }
    }
    const last = page.at(-1)?.record;
    if (last === undefined || page.length < rowsPerPage) return { count, ...definedOnly({ oldestAt }) };
    after = { at: last.at, id: last.id };
  }
};

/** One after the other, read in pages. */
const pages = <T extends { readonly seq: number }>(
  read: (page: { readonly afterSeq: number }) => Promise<readonly T[]>,
): { next(): Promise<T | undefined> } => {
  let page: readonly T[] = [];
  let index = 0;
  let afterSeq = Number.MIN_SAFE_INTEGER;
  let isOver = false;
  return {
    next: async () => {
      if (index >= page.length && !isOver) {
        page = await read({ afterSeq });
        index = 0;
        afterSeq = page.at(-1)?.seq ?? afterSeq;
        isOver = page.length === 0;
      }
      const next = page[index];
      index += 1;
      return next;
    },
  };
};
