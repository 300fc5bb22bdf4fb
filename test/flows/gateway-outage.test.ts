import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { startDocumentedCaddy, startDocumentedNginx } from '../support/documented-proxies.ts';
import { startEnvoyReplay } from '../support/envoy-replay.ts';
import { eventually } from '../support/eventually.ts';
import { type Mongod, startMongod } from '../support/mongod.mjs';
import {
  basic,
  navigation,
  type ProxiedOptions,
  type ProxiedService,
  startProxied,
} from '../support/proxied-service.ts';
import { alice } from '../support/sample-tenants.ts';
import { findFreePort } from '../support/slapd.ts';
import { mongoUrl, sqliteStore } from '../support/stores.ts';
import { startTraefikReplay } from '../support/traefik-replay.ts';

interface Row {
  readonly name: string;
  readonly startProxy: ProxiedOptions['startProxy'];
  /** What clients see. */
  readonly status: number;
  readonly reason?: string;
  readonly isMissing?: boolean;
}

const rows: readonly Row[] = [
  {
    name: 'nginx',
    startProxy: startDocumentedNginx,
    status: 500,
    isMissing: findPart('nginx') === undefined,
  },
  {
    name: 'Caddy',
    startProxy: startDocumentedCaddy,
    status: 503,
    isMissing: findPart('caddy') === undefined,
  },
  { name: 'Traefik', startProxy: startTraefikReplay, status: 503 },
  {
    name: 'Envoy with failure_mode_allow',
    startProxy: (places) => startEnvoyReplay(places, { failureModeAllow: true }),
    status: 403,
    reason: 'upstream_unavailable',
  },
];

/** Nobody has seen this one, so it has to be looked for. */
const unseenCookie = `GWSESSIONID=acme.${'x'.repeat(43)}`;

for (const { name, startProxy, status, reason, isMissing = false } of rows) {
  const expectClosed = async (
    proxied: ProxiedService,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> => {
    const answer = await proxied.ask({ headers });
    expect(answer.status).toBe(status);
    expect(answer.headers['x-auth-reason']).toBe(reason);
    expect(answer.headers).not.toHaveProperty('location');
    expect(proxied.service.seen).toEqual([]);
  };

  const describeProxy = isMissing ? describe.skip : describe;

  describeProxy(`behind ${name}, while the place where people are kept gives no answer,`, () => {
    let proxied: ProxiedService;
    beforeAll(async () => {
      const url = `http://127.0.0.1:${await findFreePort()}/check`;
      const secret = 'a-secret-of-the-tests-0123456789';
      proxied = await startProxied({
        store: sqliteStore,
        startProxy,
        tenant: { sources: [{ id: 'legacy', type: 'http', url, secret, timeout: '1s' }] },
      });
    });
    afterAll(() => proxied.close());

    it('name and password let nobody in, and are not called wrong', () =>
      expectClosed(proxied, basic(alice)));
  });

  const describeStore = isMissing || mongoUrl() === undefined ? describe.skip : describe;

  describeStore(`behind ${name}, while the store is down,`, () => {
    let mongod: Mongod;
    let proxied: ProxiedService;
    beforeAll(async () => {
      mongod = await startMongod({ replicaSet: true });
      proxied = await startProxied({ store: mongod.url, startProxy });
      expect((await proxied.ask({ headers: basic(alice) })).status).toBe(200);
      await mongod.kill();
      proxied.service.forget();
    }, 60_000);
    afterAll(async () => {
      await mongod.restart();
      await eventually(
        'the store is back',
        async () => (await proxied.ask({ headers: basic(alice) })).status === 200,
        20_000,
      );
      await proxied.close();
      await mongod.stop();
    }, 60_000);

    it.each([
      ['name and password', basic(alice)],
      ['a session', { cookie: unseenCookie }],
      ['a session in a browser', { ...navigation, cookie: unseenCookie }],
      ['an opaque token', { authorization: `Bearer ${'x'.repeat(43)}` }],
    ])('%s lets nobody in', (_what, headers) => expectClosed(proxied, headers), 30_000);
  });
}
