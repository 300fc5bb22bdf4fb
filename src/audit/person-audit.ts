// The part of the audit record that is about one person, as that person may see it.
import { definedOnly } from '../defined-only.ts';
import type { AuditRecord, AuditRecords } from '../storage/storage-records.ts';
import { actionsOfSources, actionsOfTypedNames } from './actor-kind.ts';

export interface PersonAuditEntry {
  /** Of the record; a cursor for the next page. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly action: string;
  readonly outcome: AuditRecord['outcome'];
  /** `source`: the directory or provider of the person. `unknown`: somebody who tried, which may have been the person. */
  readonly by: 'person' | 'administrator' | 'source' | 'unknown';
  /** Of what the person did: an address of an administrator, or of somebody who tried, is theirs. */
  readonly address?: string;
  readonly clientId?: string;
  readonly reason?: string;
}

export interface PersonAudit {
  /**
   * Newest first.
   * @throws AppError `unavailable`
   */
  list(page: {
    readonly sub: string;
    readonly beforeId?: string;
    readonly limit: number;
  }): Promise<readonly PersonAuditEntry[]>;
}

export const createPersonAudit = (records: Pick<AuditRecords, 'list'>): PersonAudit => ({
  list: async (page) => (await records.list(page)).map((record) => toEntry(record, page.sub)),
});

const toEntry = (record: AuditRecord, sub: string): PersonAuditEntry => {
  const by = actorFor(record, sub);
  const { id, at, action, outcome, clientId, address, reason } = record;
  return {
    ...{ id, at, action, outcome, by },
    ...definedOnly({ clientId }),
    ...(by === 'person' ? definedOnly({ address, reason }) : {}),
  };
};

const actorFor = ({ action, actor, outcome }: AuditRecord, sub: string): PersonAuditEntry['by'] => {
  if (outcome === 'failure' && actionsOfTypedNames.has(action)) return 'unknown';
  if (actor === sub) return 'person';
  if (actionsOfSources.has(action)) return 'source';
  if (actor === 'unknown') return 'unknown';
  return outcome === 'failure' && actor !== 'cli' ? 'unknown' : 'administrator';
};
