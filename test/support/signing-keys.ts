import { readFile } from 'node:fs/promises';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { Clock } from '../../src/clock.ts';
import type { MasterKey } from '../../src/crypto/master-key.ts';
import { seal } from '../../src/crypto/sealed-box.ts';
import type { Storage } from '../../src/storage/storage.ts';

/** Set by global-setup.mjs. */
const file = (): string | undefined => process.env.DRAWBRIDGE_TEST_SIGNING_KEYS;

const readKeys = async (): Promise<readonly JWK[]> => {
  const path = file();
  return path === undefined ? [] : (JSON.parse(await readFile(path, 'utf8')) as JWK[]); // made by signing-keys.mjs
};

/**
 * Gives tenants that have no RS256 key yet one that was made before, each another one, as `openTenantKeys` would keep
 * it: a server spends most of its start on them.
 */
export const createKeyGiver = async ({
  storage,
  masterKey,
  clock,
}: {
  readonly storage: Storage;
  readonly masterKey: MasterKey;
  readonly clock: Clock;
}): Promise<(tenant: string) => Promise<void>> => {
  const keys = [...(await readKeys())];
  const given = new Set<string>();
  return async (tenant) => {
    const key = given.has(tenant) ? undefined : keys.shift();
    given.add(tenant);
    if (key === undefined) return;
    const kid = await calculateJwkThumbprint(key);
    const jwk = JSON.stringify({ ...key, kid, use: 'sig', alg: 'RS256' });
    await storage.forTenant(tenant).keys.putIfAbsent({
      kid,
      alg: 'RS256',
      slot: 'RS256/1',
      sealed: seal(masterKey.derive('signing keys'), Buffer.from(jwk), `signing key ${tenant} ${kid}`),
      createdAt: clock.now(),
    });
  };
};
