import { printable } from '../../protocol/printable.ts';
import type { AuditRecord } from '../../storage/storage-records.ts';

/** A record as it leaves the store. */
export interface AuditEntry {
  readonly tenant: string;
  readonly record: AuditRecord;
  /** Its number in the chain. */
  readonly seq?: number | undefined;
}

/** In the order of the columns; later ones are behind, since programs may read a column by its number. */
export const auditFields = [
  'seq',
  'time',
  'tenant',
  'action',
  'outcome',
  'actor',
  'object',
  'address',
  'clientId',
  'reason',
  'requestId',
  'id',
  'actorKind',
  'channel',
  'userAgent',
  'session',
  'errorId',
] as const;

export type AuditField = (typeof auditFields)[number];

type TextField = Exclude<AuditField, 'seq' | 'time' | 'tenant'>;

const textFields = auditFields.filter((name): name is TextField => !['seq', 'time', 'tenant'].includes(name));

const timeText = (ms: number): string =>
  Number.isNaN(new Date(ms).getTime()) ? '' : new Date(ms).toISOString();

/** Text without characters that could begin a line or hide, also where somebody has changed the store. */
export const fieldsOf = ({
  tenant,
  record,
  seq,
}: AuditEntry): Readonly<Record<AuditField, string | undefined>> => {
  const { at, ...members } = record;
  const texts = Object.fromEntries(textFields.map((name) => [name, members[name]]));
  const written = Object.entries(texts).map(([name, value]) => [
    name,
    value === undefined ? undefined : printable(String(value)),
  ]);
  return {
    ...(Object.fromEntries(written) as Record<TextField, string | undefined>), // the same names
    ...{ tenant, seq: seq?.toString(), time: timeText(at) },
  };
};
