import type { Command } from 'commander';
import { type ChainKeys, createChainKeys } from '../audit/chain/chain-keys.ts';
import type { ChainFinding, ChainReport } from '../audit/chain/chain-report.ts';
import { type Checkpoint, verifyCheckpoint } from '../audit/chain/checkpoints.ts';
import { verifyChain } from '../audit/chain/verify-chain.ts';
import { systemClock as clock } from '../clock.ts';
import { printable } from '../protocol/printable.ts';
import { openStore } from '../server/open-store.ts';
import type { TenantStorage } from '../storage/storage.ts';
import { formatTime } from './columns.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { requireTenant } from './tenant-directory.ts';
import { createCliLog } from './with-store.ts';

export const addAudit = (program: Command): void => {
  const audit = program.command('audit').description('the audit record of a tenant');
  audit
    .command('verify <tenant>')
    .description('look for records that were changed, removed, inserted or re-ordered')
    .option('--checkpoint <jws>', 'the chain must contain this one, which an earlier run has printed')
    .action((tenant: string, options: VerifyOptions, command: Command) =>
      verify(contextOf(command), { tenant, ...options }),
    );
};

interface VerifyOptions {
  readonly checkpoint?: string;
}

const verify = (
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
  const { findings, records, firstSeq, lastSeq, newestAt, checkpoint, waiting } = report;
  return [
    ...findings.map(describeFinding),
    records === 0
      ? `The chain of ${tenant} has no records yet.`
      : `${records} records are in the chain of ${tenant}, ${firstSeq} to ${lastSeq}, the newest of ${formatTime(newestAt)}.`,
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

const withChain = async (
  context: CliContext,
  tenant: string,
  use: (storage: TenantStorage, keys: ChainKeys) => Promise<void>,
): Promise<void> => {
  const { settings } = requireSettings(context);
  requireTenant(settings, tenant);
  const { storage, masterKey, close } = await openStore({
    settings,
    clock,
    log: createCliLog(),
    role: 'cli',
  });
  try {
    await use(storage.forTenant(tenant), createChainKeys(tenant, masterKey));
  } finally {
    await close();
  }
};
