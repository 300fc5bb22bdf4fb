import { createNotifyOfChange } from '../../src/accounts/account-notices.ts';
import type { Accounts } from '../../src/accounts/account-types.ts';
import { createAccounts } from '../../src/accounts/accounts.ts';
import { createLocalUsers, type LocalUsers } from '../../src/accounts/local-users.ts';
import { hasLocalPassword } from '../../src/accounts/password-adoption.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';
import { createRevocations } from '../../src/accounts/revocations.ts';
import { type Audit, createAudit } from '../../src/audit/audit.ts';
import type { LocalSource } from '../../src/config/source/source-definition.ts';
import type {
  SecondFactorRules,
  TenantDefinition,
  UserSeed,
} from '../../src/config/tenant/tenant-definition.ts';
import type { Connector } from '../../src/connectors/connector.ts';
import { createLocalConnector } from '../../src/connectors/local/local-connector.ts';
import { createPasswordHasher, type PasswordHasher } from '../../src/crypto/password-hasher.ts';
import { createLog, type Log } from '../../src/log.ts';
import type { NewMail } from '../../src/mail/tenant-mail.ts';
import { authorizationsOf } from '../../src/oidc/adapter/artifact-payload.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage, TenantStorage } from '../../src/storage/storage.ts';
import { sqliteStore, type TestStore } from './stores.ts';
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
  startAddress: manyAllowed,
  userCodeSession: manyAllowed,
  userCodeAddress: manyAllowed,
  userCodeTenant: manyAllowed,
};

export const secondFactor: SecondFactorRules = {
  methods: ['totp', 'passkey'],
  passwordless: true,
  required: { everyone: false, roles: [], groups: [], clients: [] },
};

export const localSource: LocalSource = {
  id: 'local',
  type: 'local',
  displayName: 'Local users',
  domains: [],
  trustedEmailDomains: [],
  mapping: [],
  adopt: 'off',
  recheckSeconds: 300,
  degradedSeconds: 1800,
  revealLock: false,
};

export type Definition = Pick<
  TenantDefinition,
  'id' | 'displayName' | 'locale' | 'demo' | 'users' | 'throttle' | 'secondFactor'
>;

export interface People {
  readonly storage: Storage;
  readonly clock: TestClock;
  readonly hasher: CountingHasher;
  tenant(id: string): TenantStorage;
  audit(id: string): Audit;
  /** Of a tenant with its local list only. */
  accounts(definition?: Partial<Definition>, hasher?: PasswordHasher): Accounts;
  /** Of the tenant `acme` with these sources, in order; `local` stands for its own list. */
  accountsOf(sources: readonly (Connector | 'local')[], definition?: Partial<Definition>): Accounts;
  /** Those that may leave. */
  readonly mails: NewMail[];
  /** What was ended, as `sub reason`. */
  readonly ended: string[];
  users(tenant?: string): LocalUsers;
  readonly log: Log;
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
    load: inner.load,
    hash: (tenant, password) => {
      computed.hash += 1;
      return inner.hash(tenant, password);
    },
    verify: (tenant, phc, password) => {
      computed.compare += 1;
      return inner.verify(tenant, phc, password);
    },
    verifyDecoy: (tenant, password) => {
      computed.compare += 1;
      return inner.verifyDecoy(tenant, password);
    },
  };
};

/** A real store of its own, the embedded one by default, and the people rooms on top of it. */
export const openPeople = async (store: TestStore = sqliteStore): Promise<People> => {
  const { url, cleanup } = await store.open();
  const lines: string[] = [];
  const log = createLog({ level: 'info' }, { write: (line) => void lines.push(line) });
  const clock = createTestClock(Date.UTC(2030, 0, 1));
  const storage = await openStorage({ url, clock, log });
  const hasher = countingHasher(createPasswordHasher(lightHashing));
  const audit = (id: string) =>
    createAudit({ records: storage.forTenant(id).audit, log: log.child({ tenant: id }), clock });

  const ended: string[] = [];
  const mails: NewMail[] = [];

  const accountsOf = (
    definition: Definition,
    {
      connectors,
      hasher: ownHasher,
    }: { connectors: readonly (Connector | 'local')[]; hasher: PasswordHasher },
  ): Accounts => {
    const tenant = definition.id;
    const own = storage.forTenant(tenant);
    const sources = connectors.map((each) => (each === 'local' ? localSource : each.definition));
    const local = createLocalConnector(localSource, {
      tenant,
      records: own.accounts,
      hasher: ownHasher,
      hasLocalPassword: (account) => hasLocalPassword(account, sources),
      faultOfPassword: createPasswordRules(definition, clock),
      log,
    });
    return createAccounts({
      definition,
      connectors: connectors.map((each) => (each === 'local' ? local : each)),
      storage: own,
      hasher: ownHasher,
      audit: audit(tenant),
      browserKey: Buffer.from('a key of the tests for known browsers'),
      notifyOfChange: createNotifyOfChange({
        mail: {
          hold: async (mail) => ({
            release: async () => void mails.push(mail),
            remove: async () => {},
          }),
        },
        ...{ locale: definition.locale, clock, log },
      }),
      factorKeys: {
        sealingKey: Buffer.alloc(32, 1),
        recoveryKey: Buffer.alloc(32, 2),
        challengeKey: Buffer.alloc(32, 3),
        browserKey: Buffer.alloc(32, 4),
      },
      issuer: `https://login.example/oauth/${tenant}`,
      onEnded: async (sub, reason) => void ended.push(`${sub} ${reason}`),
      lookAgain: async () => undefined,
      clock,
      log,
    });
  };
  const acme: Definition = {
    id: 'acme',
    displayName: 'Acme',
    locale: 'en',
    demo: false,
    users: [],
    throttle,
    secondFactor,
  };

  return {
    storage,
    clock,
    hasher,
    log,
    lines,
    tenant: (id) => storage.forTenant(id),
    audit,
    ended,
    mails,
    accounts: (changes = {}, ownHasher = hasher) =>
      accountsOf({ ...acme, ...changes }, { connectors: ['local'], hasher: ownHasher }),
    accountsOf: (connectors, changes = {}) => accountsOf({ ...acme, ...changes }, { connectors, hasher }),
    users: (tenant = 'acme') =>
      createLocalUsers({
        tenant,
        storage: storage.forTenant(tenant),
        purgeAccount: (sub) => storage.purgeAccount(tenant, sub),
        revocations: createRevocations({
          storage: storage.forTenant(tenant),
          authorizationsOf,
          wantsLogout: () => true,
          clock,
        }),
        hasher,
        faultOfPassword: createPasswordRules({ ...acme, id: tenant }, clock),
        audit: audit(tenant),
        clock,
        actor: 'cli',
      }),
    close: async () => {
      await storage.close();
      await cleanup();
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
