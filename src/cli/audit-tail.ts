import { setTimeout as delay } from 'node:timers/promises';
import { type AuditFormatName, auditFormats } from '../audit/formats/audit-formats.ts';
import { followAudit } from '../audit/read-audit.ts';
import { systemClock as clock } from '../clock.ts';
import type { CliContext } from './context.ts';
import { usageFailure } from './exit.ts';
import { withChain } from './with-chain.ts';
import { writeLine } from './write-line.ts';

export interface TailOptions {
  readonly format: AuditFormatName;
  readonly lines: string;
  readonly follow?: boolean;
}

const mostLines = 1_000;
const lookEveryMs = 1_000;

export const tailAudit = (
  context: CliContext,
  { tenant, version, ...options }: TailOptions & { readonly tenant: string; readonly version: string },
): Promise<void> => {
  const limit = Number(options.lines);
  if (!Number.isInteger(limit) || limit < 1 || limit > mostLines)
    throw usageFailure(`--lines is not a number from 1 to ${mostLines}`);
  return withChain(context, tenant, async ({ audit, auditChain }) => {
    const { head, toLine } = auditFormats(version)[options.format];
    if (head !== undefined) await writeLine(head);
    const shown = [...(await audit.list({ limit }))].reverse();
    for (const record of shown) await writeLine(toLine({ tenant, record }));
    if (options.follow !== true) return;
    const fromMs = shown.at(-1)?.at ?? clock.now();
    const pause = () => delay(lookEveryMs, true);
    for await (const numbered of followAudit(auditChain, { fromMs, shown, pause }))
      await writeLine(toLine({ tenant, record: numbered.record }));
  });
};
