import { type AuditFormatName, auditFormats } from '../audit/formats/audit-formats.ts';
import { eachAuditRecord } from '../audit/read-audit.ts';
import { systemClock as clock } from '../clock.ts';
import { parseDurationMs } from '../config/parsing/quantities.ts';
import type { CliContext } from './context.ts';
import { usageFailure } from './exit.ts';
import { withChain } from './with-chain.ts';
import { writeLine } from './write-line.ts';

export interface ExportOptions {
  readonly format: AuditFormatName;
  readonly since?: string;
  readonly until?: string;
}

export const exportAudit = (
  context: CliContext,
  { tenant, version, ...options }: ExportOptions & { readonly tenant: string; readonly version: string },
): Promise<void> => {
  const span = {
    fromMs: timeOf(options.since, '--since'),
    untilMs: timeOf(options.until, '--until'),
  };
  return withChain(context, tenant, async ({ auditChain }) => {
    const { head, toLine } = auditFormats(version)[options.format];
    if (head !== undefined) await writeLine(head);
    for await (const numbered of eachAuditRecord(auditChain, span))
      await writeLine(toLine({ tenant, ...numbered }));
  });
};

const timeOf = (written: string | undefined, option: string): number | undefined => {
  if (written === undefined) return undefined;
  const durationMs = parseDurationMs(written);
  if (durationMs !== undefined && /[a-z]$/.test(written)) return clock.now() - durationMs;
  const ms = /^\d{4}-\d\d-\d\d/.test(written) ? Date.parse(written) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw usageFailure(
    `${option} is not a time; write one such as 2031-05-05, 2031-05-05T12:00Z, or a duration before now such as 7d`,
  );
};
