import { type Connection, Mongoose, type mongo } from 'mongoose';
import type { Log } from '../../log.ts';
import type { StorageOptions, Trip } from '../engine-options.ts';
import type { Storage } from '../storage.ts';
import type { LogoutDelivery } from '../storage-endings.ts';
import type { MailRecord } from '../storage-mails.ts';
import { requireTenantId } from '../tenant-id.ts';
import { createAccounts, tenantsWithDueDeletions, tenantsWithEndedEmails } from './accounts.ts';
import { createApiKeys, tenantsWithDueKeyNotices } from './api-keys.ts';
import { createArtifacts } from './artifacts.ts';
import { createAuditChain, tenantsWithUnmarkedAudit } from './audit-chain.ts';
import { createAuditStreams } from './audit-streams.ts';
import { exportRecords, importRecords } from './backup.ts';
import { createRunCommand } from './commands.ts';
import { createDevices } from './devices.ts';
import { isMalformedUrl, malformedUrl, unavailable } from './errors.ts';
import { createEvents, isOfWatcher } from './events.ts';
import { dropEphemeral, listTenants, purgeAccount, purgeTenant } from './housekeeping.ts';
import { call, connectionLimits, retryUpsert, writeConcern, writing } from './limits.ts';
import { createMails } from './mails.ts';
import { type Collections, defineModels } from './models.ts';
import { createPictures } from './pictures.ts';
import { createQueue, tenantsWithDue } from './queue.ts';
import { createAudit, createCounters, createKeys, createUsage } from './records.ts';
import { takeStoreLease } from './store-lease.ts';
import { hasDatabaseName, locationOf, requireStrongSettings } from './url.ts';
import { createEventWatches } from './watch-events.ts';

/** Limit for the driver's own operations, not for a call of the port. */
const silentCommands = new Set(['hello', 'ismaster', 'endSessions', 'createIndexes', 'create']);

const connect = async ({ url, poolSize, onTrip }: StorageOptions): Promise<Connection> => {
  const instance = new Mongoose({
    strictQuery: 'throw',
    sanitizeFilter: true,
    autoIndex: false,
    autoCreate: false,
    bufferCommands: false,
  });
  const connection = instance.createConnection(url, {
    ...connectionLimits,
    ...(hasDatabaseName(url) ? {} : { dbName: 'drawbridge' }),
    appName: 'drawbridge',
    maxPoolSize: poolSize ?? 20,
    minPoolSize: 1,
    readPreference: 'primary',
    writeConcern,
    monitorCommands: onTrip !== undefined,
    enableUtf8Validation: false,
  });
  await connection.asPromise();
  return connection;
};

const reportTrips = (client: mongo.MongoClient, onTrip: (trip: Trip) => void): void => {
  client.on('commandStarted', (started) => {
    const { commandName, command } = started;
    const isOfLease = command[commandName] === 'leases';
    if (silentCommands.has(commandName) || isOfLease || isOfWatcher(started)) return;
    onTrip({ name: commandName, detail: command });
  });
};

const databaseOf = ({ db }: Connection): mongo.Db => {
  if (db === undefined) throw new Error('a connection that is open has a database');
  return db;
};

/** With an arbiter, one node with the data can be a "majority", and the deployment may lose that data. */
const warnAboutArbiters = async (connection: Connection, log: Log): Promise<void> => {
  const hello = await connection.db?.command({ hello: 1 });
  const arbiters: unknown = hello?.arbiters;
  if (Array.isArray(arbiters) && arbiters.length > 0) {
    log.warn({ arbiters }, 'The replica set has arbiters: use members that hold data, or writes may be lost');
  }
};

const putFact = async ({ installation }: Collections, name: string, value: string): Promise<string> => {
  const options = { ...writing, upsert: true, returnDocument: 'after' } as const;
  const stored = await call(() =>
    retryUpsert(() => installation.findOneAndUpdate({ _id: name }, { $setOnInsert: { value } }, options)),
  );
  return stored?.value ?? value;
};

/**
 * @throws AppError('invalid_request') when the URL asks for weak guarantees
 * @throws AppError('unavailable') when no primary answers, or `StoreInUse`
 */
export const openMongoStorage = async (options: StorageOptions): Promise<Storage> => {
  const { url, clock, log, role, onTrip } = options;
  requireStrongSettings(url);
  const connection = await connect(options).catch((cause: unknown) => {
    throw isMalformedUrl(cause) ? malformedUrl(cause) : unavailable(cause);
  });
  const collections = await defineModels(connection).catch(async (cause: unknown) => {
    await connection.close();
    throw unavailable(cause);
  });
  await warnAboutArbiters(connection, log);
  const run = createRunCommand(databaseOf(connection));
  if (onTrip !== undefined) reportTrips(connection.getClient(), onTrip);
  const lease =
    role === 'server' || role === 'restore'
      ? await takeStoreLease({ leases: collections.leases, holder: role, log }).catch(
          async (error: unknown) => {
            await connection.close();
            throw error;
          },
        )
      : undefined;
  const watches = createEventWatches({ events: collections.events, clock, log });
  return {
    engine: 'mongodb',
    location: locationOf(url),
    forTenant: (id) => {
      const tenant = requireTenantId(id);
      return {
        artifacts: createArtifacts({ collection: collections.artifacts, run }, clock, tenant),
        accounts: createAccounts(collections, tenant),
        keys: createKeys(collections, tenant),
        counters: createCounters(collections, tenant),
        usage: createUsage(collections, tenant),
        audit: createAudit(collections, tenant),
        auditChain: createAuditChain(collections, tenant),
        auditStreams: createAuditStreams(collections, tenant),
        events: createEvents(collections.events, tenant),
        deliveries: createQueue<LogoutDelivery>({ collection: collections.deliveries, run }, clock, tenant),
        pictures: createPictures(collections, tenant),
        mails: createMails({ collection: collections.mails, run }, clock, tenant),
        apiKeys: createApiKeys(collections, tenant),
        devices: createDevices(collections, clock, tenant),
      };
    },
    installation: { putIfAbsent: (name, value) => putFact(collections, name, value) },
    ping: () =>
      call(async () => {
        await connection.getClient().db().command({ ping: 1 });
      }),
    listTenants: () => listTenants(collections),
    purgeTenant: (tenant) => purgeTenant(collections, requireTenantId(tenant)),
    purgeAccount: (tenant, sub) => purgeAccount(collections, requireTenantId(tenant), sub),
    sweep: async () => 0,
    exportRecords: () => exportRecords(collections),
    watchEvents: (watcher) => watches.open(watcher),
    tenantsWithDueDeliveries: (nowMs) => tenantsWithDue<LogoutDelivery>(collections.deliveries, nowMs),
    tenantsWithDueMails: (nowMs) => tenantsWithDue<MailRecord>(collections.mails, nowMs),
    tenantsWithDueDeletions: (nowMs) => tenantsWithDueDeletions(collections, nowMs),
    tenantsWithEndedEmails: (nowMs) => tenantsWithEndedEmails(collections, nowMs),
    tenantsWithDueKeyNotices: (nowMs) => tenantsWithDueKeyNotices(collections, nowMs),
    tenantsWithUnmarkedAudit: (untilMs) => tenantsWithUnmarkedAudit(collections, untilMs),
    importRecords: (records) => importRecords(collections, records),
    dropEphemeral: () => dropEphemeral(collections),
    close: async () => {
      await watches.close();
      await lease?.release();
      await connection.close();
    },
  };
};
