import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createLocalUsers, type LocalUsers } from '../../src/accounts/local-users.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { ServerSettings } from '../../src/config/server/server-settings.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { createPasswordHasher } from '../../src/crypto/password-hasher.ts';
import { definedOnly } from '../../src/defined-only.ts';
import { createLog } from '../../src/log.ts';
import { type OpenServer, openServer } from '../../src/server/open-server.ts';
import type { Trip } from '../../src/storage/engine-options.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { openInstancesFront } from './instances-front.ts';
import { sampleTenant, type TenantContent } from './sample-tenants.ts';
import { createKeyGiver } from './signing-keys.ts';
import type { TestStore } from './stores.ts';

/** Sections of the settings, each with what differs from `testSettings`. */
export type SettingsChanges = {
  readonly [S in keyof ServerSettings]?: Partial<ServerSettings[S]>;
};

export interface TestServerOptions {
  /** An engine, whose new empty store is removed at `close`, or the URL of a store that the caller owns. */
  readonly store: TestStore | string;
  /** By id: the file as an object or as YAML text. Default: `acme` and `globex`, two sample tenants. */
  readonly tenants?: Readonly<Record<string, TenantContent | string>>;
  readonly settings?: SettingsChanges;
  readonly clock?: Clock;
  /** Servers on the same store. Two of them take turns behind one address; see `instanceHeader`. Default 1. */
  readonly instances?: 1 | 2;
  /** Of the public address. Default: a free one. */
  readonly port?: number;
  /** Tenants make all their signing keys themselves, as on an empty store. Default false: see signing-keys.ts. */
  readonly ownKeys?: boolean;
}

export interface TestServer {
  readonly publicUrl: string;
  /** URL of the store, for another server or a look inside. */
  readonly storeUrl: string;
  /** The store as the first instance opened it. */
  readonly storage: Storage;
  readonly instances: readonly OpenServer[];
  readonly tenantsDirectory: string;
  issuer(tenant: string): string;
  /** Names of the trips to the store since the last call, of all instances, for requests. */
  trips(): readonly string[];
  /** The same with the command of each trip. */
  tripDetails(): readonly Trip[];
  /** All that was logged so far, JSON lines at level debug. */
  logLines(): readonly string[];
  /** What the operator does with the people of a tenant. */
  users(tenant: string): LocalUsers;
  /** Writes or replaces a tenant's file; it is live when this resolves. */
  putTenant(id: string, content: TenantContent | string): Promise<void>;
  removeTenant(id: string): Promise<void>;
  close(): Promise<void>;
}

export const lightHashing: ServerSettings['passwords'] = {
  memoryKiB: 8,
  iterations: 1,
  parallelism: 1,
  concurrency: 2,
  queueLimit: 500,
};

/** What a server asks now and then of its own accord, for no request: SQLite names the operation, MongoDB the command. */
const ownLooks: ReadonlySet<string> = new Set([
  'delivery.tenants',
  'mail.tenants',
  'deletion.tenants',
  'distinct',
]);

const testSecretKey = 'the-tests-have-a-master-key-of-their-own-0123456789';

const testSettings = (
  changes: SettingsChanges,
  own: {
    readonly publicUrl: string;
    readonly port: number;
    readonly url: string;
    readonly directory: string;
  },
): ServerSettings => ({
  server: {
    publicUrl: own.publicUrl,
    host: '127.0.0.1',
    port: own.port,
    secretKey: testSecretKey,
    workers: 1,
    trustedProxies: [],
    tlsTerminatedByProxy: false,
    hstsIncludeSubDomains: false,
    drainDelayMs: 0,
    drainTimeoutMs: 1000,
    ...changes.server,
  },
  storage: { url: own.url, ...changes.storage },
  tenants: {
    directory: own.directory,
    warmLimit: 100,
    rescanMs: 3_600_000,
    polling: false,
    ...changes.tenants,
  },
  passwords: { ...lightHashing, ...changes.passwords },
  administration: {
    operators: { subs: [], roles: [], groups: [] },
    secondFactor: true,
    maxAgeSeconds: 43_200,
    ...changes.administration,
  },
  log: { level: 'debug', ...changes.log },
  management: { port: 0, host: '127.0.0.1', tenantLabels: 100, ...changes.management },
  gateway: {
    enabled: true,
    sessionIdle: 1800,
    sessionAbsolute: 43_200,
    basicCache: 0,
    services: [],
    ...changes.gateway,
  },
  // these are there or not, and have no defaults
  ...definedOnly({
    mail: changes.mail as ServerSettings['mail'],
    tls: changes.tls as ServerSettings['tls'],
    clientCertificates: changes.clientCertificates as ServerSettings['clientCertificates'],
  }),
});

export const publicUrlOf = ({ settings }: TestServerOptions, port: number): string =>
  settings?.server?.publicUrl ?? `http://localhost:${port}`;

export const issuerOf = (publicUrl: string, tenant: string): string => `${publicUrl}/oauth/${tenant}`;

/** Real servers on a free port of this machine. */
export const startTestServer = async (options: TestServerOptions): Promise<TestServer> => {
  const { tenants = { acme: sampleTenant(), globex: sampleTenant({ displayName: 'Globex' }) } } = options;
  const { settings = {}, clock = systemClock, instances: count = 1, ownKeys = false } = options;
  const opened =
    typeof options.store === 'string'
      ? { url: options.store, cleanup: async () => {} }
      : await options.store.open();
  const directory = await mkdtemp(join(tmpdir(), 'drawbridge-tenants-'));
  const write = (id: string, content: TenantContent | string): Promise<void> =>
    writeFile(join(directory, `${id}.yaml`), typeof content === 'string' ? content : stringify(content));
  for (const [id, content] of Object.entries(tenants)) await write(id, content);

  const front = count > 1 ? await openInstancesFront(options.port) : undefined;
  const port = front?.port ?? options.port ?? (await freePort());
  const publicUrl = publicUrlOf(options, port);
  const lines: string[] = [];
  const log = createLog(
    { level: settings.log?.level ?? 'debug' },
    { write: (line) => void lines.push(line) },
  );
  let trips: Trip[] = [];
  let giveKey = async (_tenant: string): Promise<void> => {};
  const servers: OpenServer[] = [];
  const ports: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const own = { publicUrl, port: front === undefined ? port : 0, url: opened.url, directory };
    const server = await openServer({
      settings: testSettings(settings, own),
      env: {},
      clock,
      log,
      role: index === 0 ? 'server' : 'worker',
      onTrip: (trip) => {
        if (!ownLooks.has(trip.name)) trips.push(trip);
      },
    });
    servers.push(server);
    if (index === 0 && !ownKeys) {
      const masterKey = createMasterKey(settings.server?.secretKey ?? testSecretKey);
      giveKey = await createKeyGiver({ storage: server.storage, masterKey, clock });
      for (const id of Object.keys(tenants)) await giveKey(id);
      trips = [];
    }
    ports.push(await server.listen());
  }
  front?.serve(ports);
  const [first] = servers;
  if (first === undefined) throw new Error('no instance was asked for');

  const tripDetails = (): readonly Trip[] => {
    const seen = trips;
    trips = [];
    return seen;
  };
  const rescan = async (): Promise<void> => {
    for (const server of servers) await server.tenants.rescan();
  };
  const revocationsOf = async (tenant: string) => {
    const found = await first.tenants.find(tenant);
    return found.status === 'served' ? found.tenant.revocations : undefined;
  };
  return {
    publicUrl,
    storeUrl: opened.url,
    storage: first.storage,
    instances: servers,
    tenantsDirectory: directory,
    issuer: (tenant) => issuerOf(publicUrl, tenant),
    tripDetails,
    trips: () => tripDetails().map(({ name }) => name),
    logLines: () => [...lines],
    users: (tenant) => {
      const storage = first.storage.forTenant(tenant);
      const audit = createAudit({ records: storage.audit, log, clock });
      return createLocalUsers({
        tenant,
        storage,
        purgeAccount: (sub) => first.storage.purgeAccount(tenant, sub),
        revocations: {
          endAccount: async (sub, reason) => (await revocationsOf(tenant))?.endAccount(sub, reason),
          publish: async (event) => (await revocationsOf(tenant))?.publish(event),
        },
        hasher: createPasswordHasher(lightHashing),
        faultOfPassword: () => undefined,
        audit,
        clock,
        actor: 'cli',
      });
    },
    putTenant: async (id, content) => {
      await giveKey(id);
      await write(id, content);
      await rescan();
    },
    removeTenant: async (id) => {
      await rm(join(directory, `${id}.yaml`));
      await rescan();
    },
    close: async () => {
      await front?.close();
      for (const server of [...servers].reverse()) await server.close();
      await rm(directory, { recursive: true });
      await opened.cleanup();
    },
  };
};

export const freePort = async (): Promise<number> => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number }; // it listens on TCP
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
};
