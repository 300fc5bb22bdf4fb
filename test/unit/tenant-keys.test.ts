import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { importJWK, SignJWT } from 'jose';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { generateSigningJwk } from '../../src/crypto/key-pairs.ts';
import { seal } from '../../src/crypto/sealed-box.ts';
import { createAccessTokenJwtVerifier } from '../../src/oidc/tokens/access-token-jwt.ts';
import { algorithmsOf, openTenantKeys } from '../../src/oidc/tokens/tenant-keys.ts';
import type { TenantStorage } from '../../src/storage/storage.ts';
import type { KeyRecord } from '../../src/storage/storage-records.ts';
import { createTestClock } from '../support/test-clock.ts';

const define = (text: string) => {
  const loaded = loadTenant({ id: 'acme', text, path: 'acme.yaml', env: {} });
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  return loaded.definition;
};

const serviceFor = (tenants: readonly string[] | 'all', signingAlgorithm: 'EdDSA' | 'ES256') =>
  ({ name: 'orders', tenants, signingAlgorithm }) as ServiceDefinition; // no more of it is asked

describe('what a tenant signs with', () => {
  it('is RS256 alone where nothing needs another', () => {
    expect(algorithmsOf(define('displayName: Acme'), [])).toEqual(['RS256']);
    const opaque = 'resources: [{ identifier: "https://files.example.com", format: opaque }]';
    expect(algorithmsOf(define(opaque), [])).toEqual(['RS256']);
  });

  it('follows the resources that get JWTs', () => {
    const text = `resources:
  - { identifier: "https://a.example.com" }
  - { identifier: "https://b.example.com", signingAlgorithm: PS256 }`;
    expect(algorithmsOf(define(text), [])).toEqual(['RS256', 'PS256', 'EdDSA']);
  });

  it('follows the services where its people may come', () => {
    const acme = define('displayName: Acme');
    const away = define('gateway: { services: { orders: { enabled: false } } }');
    expect(algorithmsOf(acme, [serviceFor('all', 'EdDSA')])).toEqual(['RS256', 'EdDSA']);
    expect(algorithmsOf(acme, [serviceFor(['acme'], 'ES256')])).toEqual(['RS256', 'ES256']);
    expect(algorithmsOf(acme, [serviceFor(['other'], 'ES256')])).toEqual(['RS256']);
    expect(algorithmsOf(away, [serviceFor('all', 'ES256')])).toEqual(['RS256']);
  });
});

describe('the keys of a tenant', () => {
  const sealingKey = randomBytes(32);
  const clock = createTestClock(1_700_000_000_000);

  const storeOf = (...stored: readonly KeyRecord[]) => {
    const records = [...stored];
    const keys: TenantStorage['keys'] = {
      list: async () => [...records],
      putIfAbsent: async (key) => {
        records.push(key);
        return key;
      },
    };
    return { tenant: 'acme', storage: { keys } as TenantStorage, sealingKey, clock, records };
  };

  /** As every tenant had one before algorithms could be chosen: without `alg`. */
  const storedEdwardsKey = async () => {
    const jwk = await generateSigningJwk('Ed25519');
    const sealed = seal(sealingKey, Buffer.from(JSON.stringify(jwk)), `signing key acme ${jwk.kid}`);
    return { jwk, record: { kid: jwk.kid, alg: 'Ed25519', slot: 'Ed25519/1', sealed, createdAt: 1 } };
  };

  it('are made once, and no others than are needed', async () => {
    const parts = storeOf();
    const { signing } = await openTenantKeys(parts, ['RS256', 'ES256']);
    expect(signing.map(({ alg }) => alg)).toEqual(['RS256', 'ES256']);
    expect((await openTenantKeys(parts, ['RS256', 'ES256'])).signing).toEqual(signing);
    expect(parts.records).toHaveLength(2);
  });

  it('go on with one that was stored before', async () => {
    const { jwk, record } = await storedEdwardsKey();
    const parts = storeOf(record);
    const { signing } = await openTenantKeys(parts, ['RS256', 'EdDSA', 'Ed25519']);
    expect(signing.slice(1)).toEqual([
      { ...jwk, alg: 'EdDSA' },
      { ...jwk, alg: 'Ed25519', kid: `${jwk.kid}-Ed25519` },
    ]);
    expect(parts.records.map(({ slot }) => slot)).toEqual(['Ed25519/1', 'RS256/1']);
  });

  it('show none that is no longer needed, and still know what it signed', async () => {
    const { jwk, record } = await storedEdwardsKey();
    const { signing, verifying } = await openTenantKeys(storeOf(record), ['RS256']);
    expect(signing.map(({ alg }) => alg)).toEqual(['RS256']);
    expect(JSON.stringify(verifying)).not.toContain('"d"');
    const issuer = 'https://id.example.com/oauth/acme';
    const verify = createAccessTokenJwtVerifier({ issuer, publicKeys: { keys: [...verifying] }, clock });
    const token = await new SignJWT({
      iss: issuer,
      aud: 'https://a.example.com',
      client_id: 'web',
      jti: 'one',
    })
      .setProtectedHeader({ alg: 'Ed25519', typ: 'at+jwt', kid: jwk.kid })
      .setExpirationTime(new Date(clock.now() + 60_000))
      .sign(await importJWK(jwk, 'Ed25519'));
    expect((await verify(token))?.payload.clientId).toBe('web');
  });
});
