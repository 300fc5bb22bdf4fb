import { findStreamLags, type StreamLag } from '../audit/stream/stream-lag.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, requireSettings } from './context.ts';
import { readTenant, requireTenant } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

/** How far other systems have the audit records of the tenant. */
export const showAuditStreams = async (context: CliContext, tenant: string): Promise<void> => {
  requireTenant(requireSettings(context).settings, tenant);
  await withStore(context, async ({ storage, settings, env }) => {
    const loaded = readTenant(settings, { id: tenant, env });
    const stream = 'definition' in loaded ? (loaded.definition.audit.stream ?? {}) : {};
    const lags = await findStreamLags(storage.forTenant(tenant), Object.keys(stream));
    context.printResult(lags, () => linesOf(tenant, lags));
  });
};

const linesOf = (tenant: string, lags: readonly StreamLag[]): readonly string[] =>
  lags.length === 0
    ? [`The file of ${tenant} has no audit.stream.`]
    : columns([
        ['RECEIVER', 'HAS', 'OF', 'WAITING', 'SINCE', 'FAILURES', 'LAST OUTCOME', 'LAST ATTEMPT', 'NEXT'],
        ...lags.map((lag) => [
          lag.target,
          `${lag.seq}`,
          `${lag.lastSeq}`,
          `${lag.waiting}`,
          formatTime(lag.waitingSince),
          `${lag.failures}`,
          lag.lastOutcome ?? '-',
          formatTime(lag.lastAttemptAt),
          lag.failures === 0 ? '-' : formatTime(lag.nextAttemptAt),
        ]),
      ]);
