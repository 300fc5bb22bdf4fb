import type { Clock } from '../../clock.ts';
import type { LogoutDelivery } from '../storage-endings.ts';
import type { StoredQueue } from '../storage-queue.ts';
import type { Connection } from './connection.ts';
import { createQueue, type QueueTable, queueSql, tenantsWithDue } from './queue.ts';

const table: QueueTable<LogoutDelivery> = {
  name: 'deliveries',
  own: { clientId: 'client_id', sub: 'sub', sid: 'sid', reason: 'reason' },
};

export const deliverySql = queueSql(table);

const queue = { table, texts: deliverySql, trip: 'delivery' };

export const createDeliveries = (
  connection: Connection,
  clock: Clock,
  tenant: string,
): StoredQueue<LogoutDelivery> => createQueue(connection, { ...queue, clock, tenant });

export const tenantsWithDueDeliveries = (connection: Connection, nowMs: number): Promise<readonly string[]> =>
  tenantsWithDue(connection, queue, nowMs);
