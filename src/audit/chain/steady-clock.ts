import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { AuditChainRecords } from '../../storage/storage-audit-chain.ts';
import type { Audit } from '../audit.ts';

export interface SteadyClockParts {
  readonly chain: Pick<AuditChainRecords, 'checkpointUpTo' | 'unmarked'>;
  readonly audit: Pick<Audit, 'noteBefore'>;
  readonly clock: Clock;
  readonly log: Log;
}

const weekMs = 7 * 24 * 3_600_000;

/**
 * Whether the chain bears out that it is as late as the clock says: it has a checkpoint of the week before last. An instance whose
 * clock is years ahead would remove everything, so it has to wait a week, in which the operator can find the error line. A tenant
 * in which nothing happens waits as well: the record that says so makes the checkpoint.
 */
export const isClockSteady = async ({ chain, audit, clock, log }: SteadyClockParts): Promise<boolean> => {
  const nowMs = clock.now();
  const steady = await lastUntil(chain, nowMs - weekMs);
  if (steady !== undefined && steady >= nowMs - 2 * weekMs) return true;
  const newest = await lastUntil(chain, nowMs);
  const isWaiting = newest !== undefined && newest > nowMs - weekMs;
  if (isWaiting || (await chain.unmarked({ untilMs: nowMs, limit: 1 })).length > 0) return false;
  await audit.noteBefore({
    ...{ action: 'audit.pruned', outcome: 'failure', actor: 'drawbridge' },
    reason: 'there are no records of the last two weeks; what is too old is removed in seven days',
  });
  log.error(
    { now: new Date(nowMs).toISOString() },
    'audit records are over their retention by the clock of this machine, but there are none of the last two weeks: check the clock; they are removed in seven days',
  );
  return false;
};

const lastUntil = async (
  chain: Pick<AuditChainRecords, 'checkpointUpTo'>,
  untilMs: number,
): Promise<number | undefined> => (await chain.checkpointUpTo({ seq: Number.MAX_SAFE_INTEGER, untilMs }))?.at;
