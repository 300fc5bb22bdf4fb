import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ServiceTarget } from '../../src/config/gateway/gateway-definition.ts';
import { serviceOf } from '../support/callers.ts';
import { type EchoService, startEchoService } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const targetOf = (url: string, health?: ServiceTarget['health']): ServiceTarget => ({
  url,
  connectTimeoutMs: 2000,
  timeoutMs: 2000,
  idleTimeoutMs: 2000,
  hostHeader: 'public',
  authorization: 'none',
  ...(health === undefined ? {} : { health }),
});
const { host: _host, ...atPublicHost } = serviceOf();

let echo: EchoService;
let server: TestServer;
beforeAll(async () => {
  echo = await startEchoService();
});
afterAll(() => echo.close());

const readyz = async (headers: Readonly<Record<string, string>> = {}) => {
  const answer = await fetch(`${server.publicUrl}/readyz`, { headers });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};
const fromOutside = { 'X-Forwarded-For': '203.0.113.9' };
const mark = 'x-drawbridge-authentication';

describe('AUTH_ENABLED=false', () => {
  beforeAll(async () => {
    server = await startTestServer({
      store: sqliteStore,
      settings: {
        server: { trustedProxies: ['127.0.0.1', '::1'] },
        gateway: {
          enabled: false,
          services: [
            { ...atPublicHost, prefix: '/orders', target: targetOf(echo.url), rules: [{ access: 'deny' }] },
            serviceOf({ name: 'asked', host: 'asked.localhost' }),
          ],
        },
      },
    });
  });
  afterAll(() => server.close());

  it.each([
    {},
    { Authorization: 'Basic bm9ib2R5Ondyb25n' },
    { Authorization: 'Bearer wrong', 'Remote-User': 'admin', [mark]: 'enabled', 'X-Auth-Token': 'forged' },
  ])('lets everybody through to a service as anonymous: %j', async (headers) => {
    echo.forget();
    const answer = await fetch(`${server.publicUrl}/orders/7?q=1`, { method: 'POST', body: 'x', headers });
    expect([answer.status, answer.headers.get(mark)]).toEqual([200, 'disabled']);
    const [seen] = echo.seen;
    expect(seen).toMatchObject({ method: 'POST', url: '/orders/7?q=1', bodyBytes: 1 });
    expect(seen?.headers).toMatchObject({
      'remote-user': 'anonymous',
      'remote-groups': '',
      'x-auth-token': '',
      'x-auth-tenant': '',
      [mark]: 'disabled',
    });
    expect(seen?.headers.authorization).toBeUndefined();
  });

  it('says the same to a proxy that asks', async () => {
    const ask = (host: string) =>
      fetch(`${server.publicUrl}/api/authz/acme/forward-auth`, {
        headers: {
          'X-Forwarded-Method': 'GET',
          'X-Forwarded-Proto': 'http',
          'X-Forwarded-Host': host,
          'X-Forwarded-Uri': '/',
        },
      });
    const allowed = await ask('asked.localhost');
    expect([allowed.status, allowed.headers.get(mark), allowed.headers.get('remote-user')]).toEqual([
      200,
      'disabled',
      'anonymous',
    ]);
    const stranger = await ask('other.localhost');
    expect([stranger.status, stranger.headers.get(mark)]).toEqual([403, 'disabled']);
  });

  it('is shown to everybody who asks whether the server is ready, and in the log', async () => {
    const isReady = async (): Promise<boolean> => (await readyz()).status === 200;
    await eventually('it is ready', isReady, 3000);
    expect((await readyz(fromOutside)).body).toMatchObject({ authentication: 'disabled' });
    const warnings = server.logLines().filter((line) => line.includes('AUTH_ENABLED=false'));
    expect(warnings.map((line) => JSON.parse(line).level)).toEqual(['warn']);
  });

  it('opens nothing of Drawbridge itself', async () => {
    const userinfo = await fetch(`${server.issuer('acme')}/me`);
    expect([userinfo.status, userinfo.headers.get(mark)]).toEqual([401, null]);
  });
});

describe('a service that is down', () => {
  beforeAll(async () => {
    const health = { path: '/status/503', intervalMs: 20 };
    server = await startTestServer({
      store: sqliteStore,
      settings: {
        gateway: {
          services: [
            { ...atPublicHost, name: 'well', prefix: '/well', target: targetOf(echo.url) },
            { ...atPublicHost, name: 'ill', prefix: '/ill', target: targetOf(echo.url, health) },
          ],
        },
      },
    });
  });
  afterAll(() => server.close());

  it('is counted for all, named on this machine, and no reason to send people elsewhere', async () => {
    const isKnown = async (): Promise<boolean> => {
      const { status, body } = await readyz();
      return status === 200 && JSON.stringify(body.down) === '["ill"]';
    };
    await eventually('it is ready, and knows what is down', isKnown, 5000);
    const { status, body } = await readyz(fromOutside);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'ready', services: { proxied: 2, down: 1 } });
    expect(body).not.toHaveProperty('down');
    expect(body).not.toHaveProperty('authentication');
    expect((await fetch(`${server.issuer('acme')}/.well-known/openid-configuration`)).status).toBe(200);
  });
});
