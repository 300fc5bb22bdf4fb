// A person of a directory makes a key for an old program: the directory decides for how long they may use it.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { createBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { tokensFor } from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-http.ts';
import { sampleTenant, type TenantContent, web } from '../support/sample-tenants.ts';
import { type Service, startService } from '../support/service.ts';
import { type Slapd, startSlapd } from '../support/slapd.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const anna = { username: 'anna', password: 'anna-Passw0rd' };
const clock = createTestClock(Date.now());
let slapd: Slapd;
let service: Service;
let server: TestServer;

const directoryTenant = (): TenantContent => {
  const { users: _users, ...tenant } = sampleTenant({ apiKeys: { own: { services: ['mail'] } } });
  return {
    ...tenant,
    sources: [
      {
        id: 'directory',
        type: 'ldap',
        url: slapd.url,
        insecure: true,
        bind: slapd.service,
        search: { base: `ou=people,${slapd.baseDn}` },
        recheck: '5m',
      },
    ],
  } as TenantContent; // the parts of a source are the schema's to judge
};

beforeAll(async () => {
  slapd = await startSlapd();
  service = await startService({
    answer: (req, res) => {
      res.end(`${req.headers['remote-user']} by ${req.headers['x-auth-method']}`);
    },
  });
  const target = { url: service.url, connectTimeoutMs: 2000, timeoutMs: 5000, idleTimeoutMs: 60_000 };
  server = await startTestServer({
    store: sqliteStore,
    clock,
    tenants: { acme: directoryTenant() },
    settings: {
      gateway: {
        services: [
          serviceOf('mail', {
            host: 'mail.test',
            target: { ...target, hostHeader: 'public', authorization: 'none' },
          }),
        ],
      },
    },
  });
});
afterAll(async () => {
  await server.close();
  await service.close();
  await slapd.stop();
});

const atMail = (password: string) =>
  rawRequest({
    port: Number(new URL(server.publicUrl).port),
    target: '/',
    headers: [
      'Host: mail.test',
      `Authorization: Basic ${Buffer.from(`${anna.username}:${password}`).toString('base64')}`,
    ],
  });

it('is good in place of the password, until the directory knows the person no longer', async () => {
  const request = { issuer: server.issuer('acme'), client: web, scope: 'openid account' };
  const { access_token: token } = await tokensFor(createBrowser(), request, anna);
  const made = await askApi(server.issuer('acme'), '/account/keys', {
    ...{ method: 'POST', token, body: { note: 'Old mail program' } },
  });
  expect(made.status).toBe(201);
  const secret = String(made.body.secret);
  expect(await atMail(secret)).toMatchObject({
    status: 200,
    body: expect.stringContaining('anna by apikey'),
  });
  await slapd.asAdmin((client) => client.del(`uid=anna,ou=people,${slapd.baseDn}`));
  clock.advance(6 * 60_000);
  await eventually('the key is refused', async () => (await atMail(secret)).status === 401, 5000);
});
