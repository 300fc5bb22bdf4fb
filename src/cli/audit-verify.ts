import type { ChainKeys } from '../audit/chain/chain-keys.ts';
import type { ChainFinding, ChainReport } from '../audit/chain/chain-report.ts';
import { type Checkpoint, verifyCheckpoint } from '../audit/chain/checkpoints.ts';
import { verifyChain } from '../audit/chain/verify-chain.ts';
import { printable } from '../protocol/printable.ts';
import { formatTime } from './columns.ts';
import type { CliContext } from './context.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { withChain } from './with-chain.ts';

export interface VerifyOptions {
  readonly checkpoint?: string;
}

export const verifyAudit = (
  context: CliContext,
  { tenant, checkpoint }: VerifyOptions & { readonly tenant: string },
): Promise<void> =>
  withChain(context, tenant, async ({ auditChain: chain }, keys) => {
    const kept = checkpoint === undefined ? undefined : await requireKept(checkpoint, keys);
    const report = await verifyChain({ chain, keys, kept });
    context.printResult(report, () => describe(report, tenant));
    if (report.findings.length > 0)
      throw new CommandFailure(`The audit record of ${tenant} is not as Drawbridge has written it.`);
  });

const requireKept = async (jws: string, keys: ChainKeys): Promise<Checkpoint> => {
  const checkpoint = await verifyCheckpoint(jws, keys);
  if (checkpoint !== undefined) return checkpoint;
  throw usageFailure(
    `--checkpoint is not one of ${keys.tenant}. Write it as \`drawbridge audit verify ${keys.tenant}\` has printed it.`,
  );
};

const describe = (report: ChainReport, tenant: string): readonly string[] => {
  const { findings, records, firstSeq, lastSeq, newestAt, checkpoint, waiting, mark, isKeptTooOld } = report;
  return [
    ...findings.map(describeFinding),
    records === 0
      ? `The chain of ${tenant} has no records.`
      : `${records} records are in the chain of ${tenant}, ${firstSeq} to ${lastSeq}, the newest of ${formatTime(newestAt)}.`,
    ...(mark === undefined
      ? []
      : [
          `Verified from checkpoint ${mark.seq} of ${formatTime(mark.at)} on. Records 1 to ${mark.seq} were removed when their retention was over.`,
        ]),
    ...(isKeptTooOld === undefined
      ? []
      : ['The one given with --checkpoint is older than that: nothing is left to compare it with.']),
    ...(waiting.count === 0
      ? []
      : [
          `${waiting.count} records are not in it yet, the oldest of ${formatTime(waiting.oldestAt)}. A running server adds them within two minutes.`,
        ]),
    ...(checkpoint === undefined
      ? []
      : [
          `Signed to ${checkpoint.seq} on ${formatTime(checkpoint.at)}. Keep this elsewhere, for --checkpoint:`,
          checkpoint.jws,
        ]),
  ];
};

const describeFinding = ({ kind, id, at, text }: ChainFinding): string =>
  [
    `${kind}: ${text}.`,
    ...(id === undefined ? [] : [`Record ${printable(id)}`]),
    ...(at === undefined ? [] : [`of ${formatTime(at)}`]),
  ].join(' ');
