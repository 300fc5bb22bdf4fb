import type { Clock } from '../../clock.ts';
import type { MailRecord, StoredMails } from '../storage-mails.ts';
import type { Connection } from './connection.ts';
import { createQueue, entryOf, type QueueTable, queueSql, tenantsWithDue } from './queue.ts';

const table: QueueTable<MailRecord> = {
  name: 'mails',
  own: { purpose: 'purpose', sub: 'sub', address: 'address', content: 'content' },
  emptied: 'content',
};

const texts = queueSql(table);

const unattempted = `tenant = ? AND id = ? AND state IN ('pending', 'kept') AND attempts = 0`;

export const mailSql = {
  ...texts,
  release: `UPDATE mails SET next_attempt_at = ? WHERE ${unattempted}`,
  ofAccount: texts.list.replace('WHERE tenant = ?', 'WHERE tenant = ? AND sub = ?'),
  remove: `DELETE FROM mails WHERE ${unattempted}`,
};

const queue = { table, texts, trip: 'mail' };

export const createMails = (connection: Connection, clock: Clock, tenant: string): StoredMails => ({
  ...createQueue(connection, { ...queue, clock, tenant }),
  release: (id, nowMs) =>
    connection.write('mail.release', (sql) => {
      sql(mailSql.release).run(nowMs, tenant, id);
    }),
  ofAccount: (sub, limit) =>
    connection.read('mail.ofAccount', (sql) =>
      sql(mailSql.ofAccount).all(tenant, sub, clock.now(), limit).map(entryOf(table)),
    ),
  remove: (id) =>
    connection.write('mail.remove', (sql) => {
      sql(mailSql.remove).run(tenant, id);
    }),
});

export const tenantsWithDueMails = (connection: Connection, nowMs: number): Promise<readonly string[]> =>
  tenantsWithDue(connection, queue, nowMs);
