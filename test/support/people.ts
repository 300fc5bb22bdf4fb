import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Accounts, createAccounts } from '../../src/accounts/accounts.ts';
import { createLocalUsers, type LocalUsers } from '../../src/accounts/local-users.ts';
import { createRevocations } from '../../src/accounts/revocations.ts';
import { type Audit, createAudit } from '../../src/audit/audit.ts';
import type { TenantDefinition, UserSeed } from '../../src/config/tenant-definition.ts';
import { createPasswordHasher, type PasswordHasher } from '../../src/crypto/password-hasher.ts';
import { createLog } from '../../src/log.ts';
import { authorizationsOf } from '../../src/oidc/artifact-payload.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage, TenantStorage } from '../../src/storage/storage.ts';
import { createTestClock, type TestClock } from './test-clock.ts';

/** Cheap hashes; what matters is how many were computed. */
export const lightHashing = {
  memoryKiB: 1024,
  iterations: 1,
  parallelism: 1,
  concurrency: 2,
  queueLimit: 500,
};

const limits = { points: 10, windowSeconds: 900 };
const manyAllowed = { points: 1000, windowSeconds: 900 };
export const throttle = {
  account: limits,
  address: { points: 300, windowSeconds: 900 },
  userCodeSession: manyAllowed,
  userCodeAddress: manyAllowed,
  userCodeTenant: manyAllowed,
};

export type Definition = Pick<TenantDefinition, 'id' | 'demo' | 'users' | 'throttle'>;

export interface People {
  readonly storage: Storage;
  readonly clock: TestClock;
  readonly hasher: CountingHasher;
  tenant(id: string): TenantStorage;
  audit(id: string): Audit;
  accounts(definition?: Partial<Definition>, hasher?: PasswordHasher): Accounts;
  users(tenant?: string): LocalUsers;
  /** JSON lines of the log. */
  readonly lines: string[];
  close(): Promise<void>;
}

/** Passes everything on to the real hasher and counts the hashes that were computed. */
export interface CountingHasher extends PasswordHasher {
  readonly computed: { hash: number; compare: number };
}

export const countingHasher = (inner: PasswordHasher): CountingHasher => {
  const computed = { hash: 0, compare: 0 };
  return {
    computed,
    hash: (tenant, password) => {
      computed.hash += 1;
      return inner.hash(tenant, password);
    },
    verify: (tenant, phc, password) => {
      computed.compare += 1;
      return inner.verify(tenant, phc, password);
    },
    verifyNothing: (tenant, password) => {
      computed.compare += 1;
      return inner.verifyNothing(tenant, password);
    },
  };
};

/** A real embedded store in a folder of its own, and the people rooms on top of it. */
export const openPeople = async (): Promise<People> => {
  const folder = await mkdtemp(join(tmpdir(), 'people-'));
  const lines: string[] = [];
  const log = createLog({ level: 'info' }, { write: (line) => void lines.push(line) });
  const clock = createTestClock(Date.UTC(2030, 0, 1));
  const storage = await openStorage({ url: `file:${folder}`, clock, log });
  const hasher = countingHasher(createPasswordHasher(lightHashing));
  const audit = (id: string) =>
    createAudit({ records: storage.forTenant(id).audit, log: log.child({ tenant: id }), clock });

  return {
    storage,
    clock,
    hasher,
    lines,
    tenant: (id) => storage.forTenant(id),
    audit,
    accounts: (changes = {}, ownHasher = hasher) => {
      const definition: Definition = { id: 'acme', demo: false, users: [], throttle, ...changes };
      return createAccounts({
        definition,
        storage: storage.forTenant(definition.id),
        hasher: ownHasher,
        audit: audit(definition.id),
        clock,
        log,
      });
    },
    users: (tenant = 'acme') =>
      createLocalUsers({
        tenant,
        storage: storage.forTenant(tenant),
        revocations: createRevocations({
          storage: storage.forTenant(tenant),
          authorizationsOf,
          wantsLogout: () => true,
          clock,
        }),
        hasher,
        audit: audit(tenant),
        clock,
        actor: 'cli',
      }),
    close: async () => {
      await storage.close();
      await rm(folder, { recursive: true });
    },
  };
};

export const seedOf = (username: string, changes: Partial<UserSeed> = {}): UserSeed => ({
  username,
  password: `${username}-demo`,
  emailVerified: false,
  claims: {},
  groups: [],
  roles: [],
  ...changes,
});
