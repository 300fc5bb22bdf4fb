import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serviceOf } from '../support/guarded-service.ts';
import { type RawAnswer, rawRequest } from '../support/raw-http.ts';
import { sampleTenant } from '../support/sample-tenants.ts';
import { startService } from '../support/service.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let server: TestServer;

/** A service that is gone, open to anybody, but for one path. */
beforeAll(async () => {
  const gone = await startService();
  await gone.close();
  const target = {
    url: gone.url,
    connectTimeoutMs: 2000,
    timeoutMs: 5000,
    idleTimeoutMs: 5000,
    hostHeader: 'public',
    authorization: 'none',
  } as const;
  const rules = [{ paths: ['/secret'], access: 'deny' }, { access: 'anyone' }] as const;
  server = await startTestServer({
    store: sqliteStore,
    tenants: { acme: sampleTenant() },
    settings: { gateway: { services: [serviceOf('orders', { host: 'orders.test', target, rules })] } },
  });
});
afterAll(() => server.close());

const ask = (target: string, headers: readonly string[] = []): Promise<RawAnswer> =>
  rawRequest({
    port: Number(new URL(server.publicUrl).port),
    target,
    headers: ['Host: orders.test', ...headers],
  });

const navigation = ['Accept: text/html,application/xhtml+xml', 'Accept-Language: de-DE,de;q=0.9'];

describe('a service that cannot be reached', () => {
  it('is explained to a person, in their language, with the id that is in the log', async () => {
    const { status, headers, body } = await ask('/', navigation);
    expect(status).toBe(502);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toContain('lang="de"');
    expect(body).toContain(headers['x-error-id']);
    expect(server.logLines().join('\n')).toContain(headers['x-error-id']);
  });

  it('is explained with what the page needs, on the host of the service', async () => {
    const { body } = await ask('/', navigation);
    const assets = [...body.matchAll(/(?:href|src)="(\/[^"]+\.(?:css|js|svg))"/g)].map(([, url = '']) => url);
    expect(assets.length).toBeGreaterThan(0);
    for (const url of assets) expect((await ask(url)).status).toBe(200);
  });

  it('is JSON for a program', async () => {
    const { status, headers, body } = await ask('/');
    expect(status).toBe(502);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(body)).toMatchObject({ error: 'bad_gateway', error_id: headers['x-error-id'] });
  });
});

describe('what a rule denies', () => {
  it('is a page for a person', async () => {
    const { status, headers } = await ask('/secret', navigation);
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 403,
      type: 'text/html; charset=utf-8',
    });
  });
});
