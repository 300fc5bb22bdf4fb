// Puts the records of one tenant into its chain, behind the requests that have written them; see docs/audit.md.
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { AuditChainRecords, AuditLink } from '../../storage/storage-audit-chain.ts';
import type { AuditRecord } from '../../storage/storage-records.ts';
import type { ChainKeys } from './chain-keys.ts';
import { firstPreviousHash, isGenuine, linkBehind } from './chain-link.ts';
import { type Checkpoint, signCheckpoint, verifyCheckpoint } from './checkpoints.ts';

export interface ChainSealer {
  /**
   * Links all records that are old enough and signs the last link. Several instances may do so at the same time: a number is
   * taken once, and whoever comes second stops.
   * @returns how many records were linked
   * @throws AppError `unavailable` when the end of the chain was not made here
   */
  seal(): Promise<number>;
}

export interface ChainSealerParts {
  readonly chain: AuditChainRecords;
  readonly keys: ChainKeys;
  readonly clock: Clock;
  /** A logger with the tenant in its bindings. */
  readonly log: Log;
}

/** Other instances may still be writing records of the last seconds. */
export const settleMs = 5_000;
const recordsPerStep = 200;
const linksPerCheckpoint = 1_000;

export const createChainSealer = (parts: ChainSealerParts): ChainSealer => ({
  seal: async () => {
    const untilMs = parts.clock.now() - settleMs;
    let signed = await requireCheckpoint(parts);
    let sealed = 0;
    for (;;) {
      const step = await sealStep(parts, signed, untilMs);
      if (step === undefined) return sealed;
      sealed += step.linked;
      const isLast = step.found < recordsPerStep;
      if (step.end !== undefined && step.end.seq >= signed.seq + (isLast ? 1 : linksPerCheckpoint)) {
        await sign(parts, step.end, signed.from);
        signed = { ...signed, seq: step.end.seq };
      }
      if (isLast) return sealed;
    }
  },
});

interface Step {
  readonly found: number;
  readonly linked: number;
  readonly end: LinkEnd | undefined;
}

/** What the next link goes behind. */
type LinkEnd = Pick<AuditLink, 'seq' | 'hash'>;

/** The end of what is signed; `seq` 0: nothing is. */
type Signed = Pick<Checkpoint, 'seq' | 'hash' | 'from'>;

/** @returns undefined when another instance was faster */
const sealStep = async (
  { chain, keys }: ChainSealerParts,
  signed: Signed,
  untilMs: number,
): Promise<Step | undefined> => {
  const [unmarked, lastLink] = await Promise.all([
    chain.unmarked({ untilMs, limit: recordsPerStep }),
    chain.last(),
  ]);
  requireGenuine(lastLink, keys);
  // without a link all were removed up to the checkpoint, or there are none yet
  const last = lastLink ?? (signed.seq === 0 ? undefined : signed);
  const fresh = unmarked.filter(({ isLinked }) => !isLinked).map(({ record }) => record);
  const links = linksBehind(last, fresh, keys);
  if (links.length > 0 && !(await chain.append(links))) return undefined;
  if (unmarked.length > 0) await chain.mark(unmarked.map(({ record }) => record.id));
  return { found: unmarked.length, linked: links.length, end: links.at(-1) ?? last };
};

const linksBehind = (
  last: LinkEnd | undefined,
  records: readonly AuditRecord[],
  keys: ChainKeys,
): readonly AuditLink[] => {
  const links: AuditLink[] = [];
  for (const record of records) links.push(linkBehind(links.at(-1) ?? last, record, keys));
  return links;
};

const requireGenuine = (last: AuditLink | undefined, keys: ChainKeys): void => {
  if (last !== undefined && !isGenuine(last, keys))
    throw new AppError(
      'unavailable',
      `Link ${last.seq} of the audit record was not made by Drawbridge. \`drawbridge audit verify ${keys.tenant}\` shows what was changed.`,
    );
};

const requireCheckpoint = async ({ chain, keys }: ChainSealerParts): Promise<Signed> => {
  const stored = await chain.lastCheckpoint();
  if (stored === undefined) return { seq: 0, hash: firstPreviousHash, from: 1 };
  const checkpoint = await verifyCheckpoint(stored.jws, keys);
  if (checkpoint === undefined || checkpoint.seq !== stored.seq)
    throw new AppError(
      'unavailable',
      `Checkpoint ${stored.seq} of the audit record was not signed by Drawbridge. \`drawbridge audit verify ${keys.tenant}\` shows what was changed.`,
    );
  return checkpoint;
};

const sign = async (
  { chain, keys, clock, log }: ChainSealerParts,
  link: LinkEnd,
  from: number,
): Promise<void> => {
  const at = clock.now();
  const jws = await signCheckpoint(link, { at, from }, keys);
  // the log is the copy outside of the store
  if (await chain.insertCheckpoint({ seq: link.seq, at, jws }))
    log.info({ checkpoint: jws }, 'audit checkpoint');
};
