import { pino } from 'pino';
import { createApiKeys } from '../../src/accounts/api-keys/api-keys.ts';
import { createKeySecrets } from '../../src/accounts/api-keys/key-secrets.ts';
import { apiKeyPurpose } from '../../src/accounts/api-keys/keys-of-tenant.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { randomId } from '../../src/crypto/ids.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { AccountRecord } from '../../src/storage/storage.ts';
import { tenantId } from '../targets/fixtures.ts';

export interface KeyMaker {
  /** The key of a new system user. */
  make(): Promise<string>;
  close(): Promise<void>;
}

/** Beside the server, as the command line does. */
export const openKeyMaker = async (url: string, secretKey: string): Promise<KeyMaker> => {
  const log = pino({ enabled: false });
  const storage = await openStorage({ url, clock, log, role: 'cli' });
  const { accounts, apiKeys, audit } = storage.forTenant(tenantId);
  const secrets = createKeySecrets(tenantId, createMasterKey(secretKey).derive(apiKeyPurpose));
  const keys = createApiKeys({
    rules: {
      maximumAgeSeconds: 3600,
      allowNonExpiring: false,
      onePerSystemUser: false,
      overlapSeconds: 0,
      ownServices: [],
    },
    records: apiKeys,
    secrets,
    revocations: { publish: async () => {} },
    audit: createAudit({ records: audit, log, clock }),
    clock,
  });
  return {
    make: async () => {
      const owner = newSystemUser();
      await accounts.insert(owner);
      const made = await keys.create(owner, {}, { actor: 'cli' });
      if (!made.ok) throw new Error(made.message);
      return made.secret;
    },
    close: () => storage.close(),
  };
};

const newSystemUser = (): AccountRecord => {
  const sub = randomId(16);
  const nowMs = clock.now();
  return {
    ...{ sub, username: sub, logins: [sub.toLowerCase()], claims: {}, groups: ['staff'], roles: ['user'] },
    ...{ origin: 'system', createdAt: nowMs, updatedAt: nowMs, version: 1 },
  };
};
