// Who did what to which object, from where, with what outcome: one record in the store and one log line each.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { type CurrentRequest, currentRequest, errorIdOfRequest } from '../current-request.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { printable } from '../protocol/printable.ts';
import type { AuditRecord, AuditRecords } from '../storage/storage-records.ts';
import { type ActorKind, actorKindOf } from './actor-kind.ts';
import type { AuditAction } from './audit-actions.ts';

/** What it leaves out and the request in progress knows is added: address, client, session, browser, ids, and where it came in. */
export type AuditEvent = Omit<AuditRecord, 'id' | 'at' | 'action' | 'actorKind'> & {
  readonly action: AuditAction;
  /** Default: `actorKindOf`. */
  readonly actorKind?: ActorKind;
};

export interface Audit {
  /**
   * Records an event. Never rejects: people can still sign in while the record cannot be written, and the whole event
   * is then in the log as an error line. When records can be written again, one says how many are missing (`audit.gap`).
   */
  note(event: AuditEvent): Promise<void>;
  /**
   * Records a change of an operator before it is made: a change that cannot be recorded is not made.
   * @throws AppError `unavailable` when the record cannot be written
   */
  noteBefore(event: AuditEvent): Promise<void>;
}

export interface AuditParts {
  /** Of one tenant. */
  readonly records: AuditRecords;
  /** A logger with the tenant in its bindings. */
  readonly log: Log;
  readonly clock: Clock;
}

export const createAudit = ({ records, log, clock }: AuditParts): Audit => {
  let gap: Gap | undefined;
  const noteGap = async (missing: Gap): Promise<void> => {
    gap = undefined;
    await write(toGapEvent(missing)).catch(() => {
      gap = joined(missing, gap);
    });
  };

  const write = async (event: AuditEvent): Promise<void> => {
    const record = toRecord(event, clock.now());
    try {
      await records.append(record);
    } catch (cause) {
      log.error({ audit: record, err: cause }, 'audit record not written');
      throw new AppError('unavailable', 'The change cannot be recorded at the moment, so it was not made', {
        cause,
      });
    }
    log.info({ audit: record }, record.action);
    if (gap !== undefined) await noteGap(gap);
  };

  return {
    note: (event) => {
      const at = clock.now();
      return write(event).catch(() => {
        // `write` has logged the failure already
        gap = joined({ count: 1, firstAt: at, lastAt: at }, gap);
      });
    },
    noteBefore: write,
  };
};

/** Events that happened and have no record. */
interface Gap {
  readonly count: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
}

const joined = (one: Gap, other: Gap | undefined): Gap =>
  other === undefined
    ? one
    : {
        count: one.count + other.count,
        firstAt: Math.min(one.firstAt, other.firstAt),
        lastAt: Math.max(one.lastAt, other.lastAt),
      };

const toGapEvent = ({ count, firstAt, lastAt }: Gap): AuditEvent => ({
  ...{ action: 'audit.gap', outcome: 'failure', actor: 'drawbridge' },
  reason: `${count} from ${new Date(firstAt).toISOString()} to ${new Date(lastAt).toISOString()}`,
});

/** Copies the known fields, so that no other member of an event object gets into store or log. */
const toRecord = (event: AuditEvent, nowMs: number): AuditRecord => {
  const request = event.actor === 'drawbridge' ? {} : (currentRequest() ?? {});
  const { channel, address, userAgent, session, clientId, requestId } = request;
  const members: Partial<Record<(typeof textMembers)[number], string | undefined>> = {
    ...{ channel, address, userAgent, session, clientId, requestId },
    errorId: event.outcome === 'failure' ? errorIdOf(request) : undefined,
    ...definedOnly(event),
    actorKind: event.actorKind ?? actorKindOf(event, request),
    ...(event.actor === 'cli' ? { channel: 'cli' } : {}),
  };
  const written = textMembers.flatMap((name) => {
    const value = members[name];
    return value === undefined ? [] : [[name, printable(value)]];
  });
  return {
    ...{ id: sortableId(nowMs), at: nowMs, outcome: event.outcome },
    ...(Object.fromEntries(written) as Omit<AuditRecord, 'id' | 'at' | 'outcome'>), // an event has the members that must be there
  };
};

const textMembers = [
  ...(['action', 'actor', 'actorKind', 'channel', 'object', 'address', 'userAgent'] as const),
  ...(['session', 'clientId', 'reason', 'requestId', 'errorId'] as const),
];

/** What is refused to a program is an error answer; a page may show the form again instead. */
const errorIdOf = ({ channel, errorId }: CurrentRequest): string | undefined =>
  channel === undefined || channel === 'page' ? errorId : errorIdOfRequest();

/**
 * Twelve hex digits of the time, sixteen of this machine's running clock, then chance: later events sort behind
 * earlier ones, those of one millisecond too.
 */
const sortableId = (nowMs: number): string =>
  [nowMs.toString(16).padStart(12, '0'), process.hrtime.bigint().toString(16).padStart(16, '0')].join('') +
  randomBytes(4).toString('hex');
