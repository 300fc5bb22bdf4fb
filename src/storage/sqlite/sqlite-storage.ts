import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StorageOptions } from '../engine-options.ts';
import type { Storage } from '../storage.ts';
import { requireTenantId } from '../tenant-id.ts';
import { createAccounts, tenantsWithDueDeletions, tenantsWithEndedEmails } from './accounts.ts';
import { createApiKeys, tenantsWithDueKeyNotices } from './api-keys.ts';
import { createArtifacts } from './artifacts.ts';
import { createAuditChain, tenantsWithUnmarkedAudit } from './audit-chain.ts';
import { createAuditStreams } from './audit-streams.ts';
import { exportRecords, importRecords } from './backup.ts';
import { type Connection, openConnection } from './connection.ts';
import { createDeliveries, tenantsWithDueDeliveries } from './deliveries.ts';
import { createDevices } from './devices.ts';
import { createEventLog } from './event-log.ts';
import { dropEphemeral, listTenants, purgeAccount, purgeTenant, sweep } from './housekeeping.ts';
import { createMails, tenantsWithDueMails } from './mails.ts';
import { createPictures } from './pictures.ts';
import { createAudit, createCounters, createKeys, createUsage } from './records.ts';
import { lockFolder } from './server-lock.ts';

/** `file:./data` and `file:/var/lib/drawbridge` as well as `file:///var/lib/drawbridge`. */
export const folderOf = (url: string): string =>
  url.startsWith('file://') ? fileURLToPath(url) : resolve(url.slice('file:'.length));

const putFact = (connection: Connection, name: string, value: string): Promise<string> =>
  connection.write('installation.putIfAbsent', (sql) => {
    sql('INSERT INTO installation (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING').run(name, value);
    return (sql('SELECT value FROM installation WHERE name = ?').get(name) as { value: string }).value;
  });

/** @throws AppError('unavailable') when the folder cannot be used, or another server uses it (`StoreInUse`; roles `server` and `restore`) */
export const openSqliteStorage = async ({
  url,
  clock,
  log,
  role,
  onTrip,
}: StorageOptions): Promise<Storage> => {
  const folder = folderOf(url);
  const unlock = role === 'server' || role === 'restore' ? await lockFolder(folder) : () => {};
  const connection = await openConnection({ folder, onTrip }).catch((error: unknown) => {
    unlock();
    throw error;
  });
  const eventLog = createEventLog({ connection, clock, log });
  return {
    engine: 'sqlite',
    location: folder,
    forTenant: (id) => {
      const tenant = requireTenantId(id);
      return {
        artifacts: createArtifacts(connection, clock, tenant),
        accounts: createAccounts(connection, tenant),
        keys: createKeys(connection, tenant),
        counters: createCounters(connection, tenant),
        usage: createUsage(connection, tenant),
        audit: createAudit(connection, tenant),
        auditChain: createAuditChain(connection, tenant),
        auditStreams: createAuditStreams(connection, tenant),
        events: eventLog.forTenant(tenant),
        deliveries: createDeliveries(connection, clock, tenant),
        mails: createMails(connection, clock, tenant),
        pictures: createPictures(connection, tenant),
        apiKeys: createApiKeys(connection, tenant),
        devices: createDevices(connection, clock, tenant),
      };
    },
    installation: { putIfAbsent: (name, value) => putFact(connection, name, value) },
    ping: () =>
      connection.read('ping', (sql) => {
        sql('SELECT 1 FROM installation LIMIT 1').get();
      }),
    listTenants: () => listTenants(connection),
    purgeTenant: (tenant) => purgeTenant(connection, tenant),
    purgeAccount: (tenant, sub) => purgeAccount(connection, tenant, sub),
    sweep: () => sweep(connection, clock),
    exportRecords: () => exportRecords(connection),
    watchEvents: (watcher) => eventLog.watch(watcher),
    tenantsWithDueDeliveries: (nowMs) => tenantsWithDueDeliveries(connection, nowMs),
    tenantsWithDueMails: (nowMs) => tenantsWithDueMails(connection, nowMs),
    tenantsWithDueDeletions: (nowMs) => tenantsWithDueDeletions(connection, nowMs),
    tenantsWithEndedEmails: (nowMs) => tenantsWithEndedEmails(connection, nowMs),
    tenantsWithDueKeyNotices: (nowMs) => tenantsWithDueKeyNotices(connection, nowMs),
    tenantsWithUnmarkedAudit: (untilMs) => tenantsWithUnmarkedAudit(connection, untilMs),
    importRecords: (records) => importRecords(connection, records),
    dropEphemeral: () => dropEphemeral(connection),
    close: async () => {
      eventLog.close();
      await connection.close();
      unlock();
    },
  };
};
