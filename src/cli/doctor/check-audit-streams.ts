import { findStreamLags, type StreamLag } from '../../audit/stream/stream-lag.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Storage } from '../../storage/storage.ts';
import { formatTime } from '../columns.ts';
import { type Finding, ok, problem } from './finding.ts';

/** Do other systems get the audit records of the tenant? */
export const checkAuditStreams = async (
  storage: Storage,
  { id, audit: { stream = {} } }: Pick<TenantDefinition, 'id' | 'audit'>,
): Promise<readonly Finding[]> =>
  (await findStreamLags(storage.forTenant(id), Object.keys(stream))).map((lag) =>
    lag.seq > lag.lastSeq
      ? problem(`tenant ${id}`, beyondEnd(lag))
      : lag.failures === 0
        ? ok(`tenant ${id}`, inOrder(lag))
        : problem(`tenant ${id}`, failing(lag)),
  );

const inOrder = ({ target, seq, waiting }: StreamLag): string =>
  `audit.stream.${target} has the records to ${seq}, ${waiting} are waiting`;

const beyondEnd = ({ target, seq, lastSeq }: StreamLag): string =>
  `audit.stream.${target} is at ${seq}, and the chain ends at ${lastSeq}: somebody has changed the store, or it was restored in part. A running server delivers all records again.`;

const failing = ({ target, waiting, waitingSince, lastOutcome, failures }: StreamLag): string =>
  `audit.stream.${target} takes no records: ${lastOutcome} at the last of ${failures} attempts. ${waiting} are waiting, the oldest of ${formatTime(waitingSince)}. Look at the receiver; they are delivered when it takes them again.`;
