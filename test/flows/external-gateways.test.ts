import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, SignJWT } from 'jose';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { definedOnly } from '../../src/defined-only.ts';
import { serviceOf } from '../support/callers.ts';
import { type EchoService, type SeenRequest, startEchoService } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { rawRequest } from '../support/raw-request.ts';
import { sampleTenant } from '../support/sample-tenants.ts';
import { createCertificateAuthority } from '../support/slapd-certificates.ts';
import { sqliteStore } from '../support/stores.ts';
import { type SettingsChanges, startTestServer, type TestServer } from '../support/test-server.ts';

const secret = 'a-secret-of-the-gateway-0123456789abcdef';
const globexSecret = 'a-secret-of-the-gateway-of-globex-0123456';
const proxySecret = 'a-secret-of-the-proxy-0123456789abcdefgh';
const subscription = 'subscription-key-of-bob-0123';
const keys = generateKeyPairSync('ed25519');

const rules: ServiceDefinition['rules'] = [
  { access: 'anyone', paths: ['/public/**'] },
  { access: 'allow', roles: ['admin'], paths: ['/admin/**'] },
  { access: 'allow', paths: ['/open/**'] },
];
const settingsWith = (echo: EchoService): SettingsChanges => ({
  server: { trustedProxies: ['127.0.0.1', '::1'] },
  gateway: {
    proxySecret,
    services: [
      serviceOf({ host: 'files.localhost', tenants: ['acme', 'globex'], rules }),
      serviceOf({
        name: 'proxied',
        host: 'proxied.localhost',
        rules,
        target: {
          url: echo.url,
          connectTimeoutMs: 5000,
          timeoutMs: 5000,
          idleTimeoutMs: 5000,
          hostHeader: 'public',
          authorization: 'none',
        },
      }),
    ],
  },
});

let server: TestServer;
let echo: EchoService;
let certificate: string;
let strange: string;

beforeAll(async () => {
  const authority = await createCertificateAuthority();
  certificate = (await authority.issue('DNS:edge.test')).cert;
  strange = (await authority.issue('DNS:strange.test')).cert;
  await authority.remove();
  const fromSecret = (shared: string) => ({
    type: 'secret' as const,
    header: 'X-Gateway-Secret',
    secret: shared,
  });
  const user = { type: 'header' as const, header: 'X-User' };
  echo = await startEchoService();
  server = await startTestServer({
    store: sqliteStore,
    settings: settingsWith(echo),
    tenants: {
      acme: sampleTenant({
        throttle: { address: { attempts: 3, window: '15m' } },
        gateway: {
          trustedGateways: [
            { id: 'people', proof: fromSecret(secret), user },
            {
              id: 'apim',
              proof: fromSecret(secret),
              user: {
                type: 'subscription',
                header: 'Ocp-Apim-Subscription-Key',
                keys: [{ key: subscription, user: 'bob' }],
              },
            },
            {
              id: 'edge',
              proof: {
                type: 'certificate',
                fingerprints: [new X509Certificate(certificate).fingerprint256],
              },
              user,
            },
            {
              id: 'signer',
              proof: {
                type: 'assertion',
                header: 'X-Assertion',
                issuer: 'https://gateway.example',
                audience: 'drawbridge',
                jwks: { keys: [{ ...(await exportJWK(keys.publicKey)) }] },
              },
              user: { type: 'claim', claim: 'sub' },
            },
          ],
        },
      }),
      globex: sampleTenant({
        displayName: 'Globex',
        gateway: { trustedGateways: [{ id: 'theirs', proof: fromSecret(globexSecret), user }] },
      }),
    },
  });
});
afterAll(async () => {
  await server.close();
  await echo.close();
});

interface WrongAssertion {
  readonly key?: typeof keys.privateKey;
  readonly audience?: string;
  readonly issuer?: string;
  readonly life?: string;
  readonly typ?: string;
  /** In place of an assertion. */
  readonly text?: string;
}

/** Right in everything that is not named. */
const assertionWith = ({ key, audience, issuer, life, typ }: Omit<WrongAssertion, 'text'> = {}) =>
  new SignJWT({ sub: 'alice' })
    .setProtectedHeader({ alg: 'Ed25519', ...definedOnly({ typ }) })
    .setIssuer(issuer ?? 'https://gateway.example')
    .setAudience(audience ?? 'drawbridge')
    .setIssuedAt()
    .setExpirationTime(life ?? '1m')
    .sign(key ?? keys.privateKey);
/** Addresses that have been used: what each causes is bounded. */
const records = new Set<string>();

/** As Traefik asks. */
const ask = async (
  headers: Readonly<Record<string, string>>,
  { tenant = 'acme', path = '/open/', address = '192.0.2.1' } = {},
) => {
  const answer = await fetch(`${server.publicUrl}/api/authz/${tenant}/forward-auth`, {
    redirect: 'manual',
    headers: {
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'files.localhost',
      'X-Forwarded-Uri': path,
      'X-Forwarded-For': address,
      ...headers,
    },
  });
  await answer.arrayBuffer();
  return answer;
};
const whom = async (...asked: Parameters<typeof ask>) => {
  const { status, headers } = await ask(...asked);
  return [status, headers.get('remote-user'), headers.get('x-auth-method'), headers.get('x-auth-tenant')];
};
const asAlice = { 'X-Gateway-Secret': secret, 'X-User': 'alice' };

describe('a trusted API gateway', () => {
  it('says who the user is, and the rules of the service are for that person', async () => {
    expect(await whom(asAlice)).toEqual([200, 'alice', 'gateway', 'acme']);
    expect(await whom(asAlice, { path: '/admin/' })).toEqual([200, 'alice', 'gateway', 'acme']);
    const bob = { ...asAlice, 'X-User': 'bob' };
    expect((await ask(bob, { path: '/admin/' })).status).toBe(403);
  });

  it('gives the service a token about the person', async () => {
    const token = (await ask(asAlice)).headers.get('x-auth-token') ?? '';
    const [, payload = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      iss: server.issuer('acme'),
      preferred_username: 'alice',
    });
  });

  it('says it by subscription key', async () => {
    const headers = { 'X-Gateway-Secret': secret, 'Ocp-Apim-Subscription-Key': subscription };
    expect(await whom(headers)).toEqual([200, 'bob', 'gateway', 'acme']);
    expect((await ask({ 'Ocp-Apim-Subscription-Key': subscription })).status).toBe(401);
  });

  it('says it by a certificate that the proxy passes on, and by no other', async () => {
    const shown = (pem: string, by = proxySecret) => ({
      'X-Drawbridge-Client-Cert': `${by} ${encodeURIComponent(pem)}`,
      'X-User': 'alice',
    });
    expect(await whom(shown(certificate))).toEqual([200, 'alice', 'gateway', 'acme']);
    expect((await ask(shown(strange))).status).toBe(401);
    expect((await ask(shown(certificate, 'x'.repeat(proxySecret.length)))).status).toBe(401);
  });

  it('says it by a certificate that a proxy in front of ours passes on', async () => {
    const visit = (by: string) =>
      rawRequest(server.publicUrl, {
        target: '/open/',
        headers: {
          Host: 'proxied.localhost',
          'X-Drawbridge-Client-Cert': `${by} ${encodeURIComponent(certificate)}`,
          'X-User': 'alice',
        },
      });
    echo.forget();
    expect((await visit('x'.repeat(proxySecret.length))).status).toBe(401);
    expect((await visit(proxySecret)).status).toBe(200);
    expect(echo.seen.map(({ headers }) => headers['remote-user'])).toEqual(['alice']);
    expect(echo.seen[0]?.headers).not.toHaveProperty('x-drawbridge-client-cert');
  });

  it('says it by a signed assertion', async () => {
    expect(await whom({ 'X-Assertion': await assertionWith() })).toEqual([200, 'alice', 'gateway', 'acme']);
    const forged = await ask({
      'X-Assertion': await assertionWith({ key: generateKeyPairSync('ed25519').privateKey }),
    });
    expect(forged.status).toBe(401);
    expect(forged.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
  });

  it.each([
    ['signature', { key: generateKeyPairSync('ed25519').privateKey }],
    ['claim_aud', { audience: 'another' }],
    ['claim_iss', { issuer: 'https://another.example' }],
    ['expired', { life: '-1m' }],
    ['lives_too_long', { life: '1h' }],
    ['header_typ', { typ: 'at+jwt' }],
    ['malformed', { text: 'no assertion' }],
  ])(
    'has a record of the refusal of an assertion: %s',
    async (reason, { text, ...wrong }: WrongAssertion) => {
      const assertion = text ?? (await assertionWith(wrong));
      const address = `198.51.100.${records.size + 1}`;
      records.add(address);
      expect((await ask({ 'X-Assertion': assertion }, { address })).status).toBe(401);
      const [record] = await server.storage.forTenant('acme').audit.list({ limit: 1 });
      expect(record).toMatchObject({
        action: 'gateway.assertion',
        outcome: 'failure',
        clientId: 'signer',
        reason,
        address,
      });
    },
  );

  it('is worth nothing at another tenant', async () => {
    expect((await ask(asAlice, { tenant: 'globex' })).status).toBe(401);
    const theirs = { ...asAlice, 'X-Gateway-Secret': globexSecret };
    expect(await whom(theirs, { tenant: 'globex' })).toEqual([200, 'alice', 'gateway', 'globex']);
    expect((await ask(theirs, { address: '192.0.2.2' })).status).toBe(401);
  });

  it('identifies no person whom the tenant does not know', async () => {
    const mallory = await ask({ ...asAlice, 'X-User': 'mallory' });
    expect(mallory.status).toBe(403);
    expect(mallory.headers.get('x-error')).not.toContain('mallory');
  });

  it('no longer identifies a disabled person', async () => {
    const bob = { ...asAlice, 'X-User': 'bob' };
    expect((await ask(bob)).status).toBe(200);
    await server.users('acme').disable('bob');
    await eventually('bob is out', async () => (await ask(bob)).status === 403, 3000);
    await server.users('acme').enable('bob');
    await eventually('bob is in', async () => (await ask(bob)).status === 200, 3000);
  });

  it('no longer counts beside a credential of the client', async () => {
    const both = { ...asAlice, Authorization: 'Bearer wrong' };
    expect((await ask(both)).status).toBe(401);
  });
});

describe('the headers in which it speaks', () => {
  const spoken = { ...asAlice, 'Ocp-Apim-Subscription-Key': subscription, 'X-Other': 'stays' };
  const seenBy = ({ headers }: SeenRequest) =>
    ['x-gateway-secret', 'x-user', 'x_user', 'ocp-apim-subscription-key', 'x-other'].map(
      (name) => headers[name],
    );

  it.each([
    ['open', spoken, 'alice'],
    // nobody: what a client says of itself must look no better
    ['public', { 'X-User': 'alice', X_User: 'alice', 'X-Other': 'stays' }, ''],
  ] as const)('do not reach a service behind the proxy at /%s/', async (place, headers, user) => {
    echo.forget();
    const answer = await rawRequest(server.publicUrl, {
      target: `/${place}/`,
      headers: { Host: 'proxied.localhost', ...headers },
    });
    expect(answer.status).toBe(200);
    expect(echo.seen).toHaveLength(1);
    const [seen] = echo.seen as [SeenRequest];
    expect(seenBy(seen)).toEqual([undefined, undefined, undefined, undefined, 'stays']);
    expect(seen.headers['remote-user']).toBe(user);
  });

  it('are taken away by Envoy', async () => {
    const answer = await rawRequest(server.publicUrl, {
      target: '/api/authz/acme/ext-authz/open/',
      headers: { Host: 'files.localhost', 'X-Forwarded-Proto': 'http', ...spoken },
    });
    expect(answer.status).toBe(200);
    expect(String(answer.headers['x-envoy-auth-headers-to-remove']).split(',')).toEqual(
      expect.arrayContaining(['x-gateway-secret', 'x-user', 'ocp-apim-subscription-key', 'x-assertion']),
    );
  });
});

describe('a header that only says who the user is', () => {
  it.each([
    { 'X-User': 'alice' },
    { 'X-User': 'alice', 'X-Gateway-Secret': '' },
    { 'Remote-User': 'alice' },
    { X_Gateway_Secret: secret, 'X-User': 'alice' },
  ])('%j is nothing', async (headers) => {
    expect((await ask(headers)).status).toBe(401);
    const answer = await ask(headers, { path: '/public/' });
    expect([answer.status, answer.headers.get('remote-user')]).toEqual([200, '']);
  });
});

describe('a wrong secret', () => {
  const guess = { 'X-Gateway-Secret': 'guessed', 'X-User': 'alice' };

  it('is refused even where anyone may come, with nothing of it in answer and log', async () => {
    const answer = await ask(
      { ...guess, 'X-Gateway-Secret': 'guessed-0815' },
      { path: '/public/', address: '192.0.2.3' },
    );
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
    expect([...answer.headers].join()).not.toContain('guessed');
    await ask(asAlice);
    expect(server.logLines().join('\n')).not.toMatch(new RegExp(`guessed-0815|${secret}`));
  });

  it('is counted by address, from where the right one is refused then too', async () => {
    const address = '192.0.2.4';
    for (let count = 0; count < 3; count += 1) expect((await ask(guess, { address })).status).toBe(401);
    const answers = [await ask(guess, { address }), await ask(asAlice, { address })];
    expect(answers.map(({ status }) => status)).toEqual([429, 429]);
    expect(Number(answers[1]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(asAlice, { address: '192.0.2.5' })).status).toBe(200);
    const records = await server.storage.forTenant('acme').audit.list({ limit: 500 });
    expect(records.filter((record) => record.address === address).map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['wrong_secret', 'throttled_address']),
    );
  });
});
