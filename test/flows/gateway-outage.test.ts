import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { newApiKey, writeApiKey } from '../../src/crypto/api-key.ts';
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

const expectClosed = async (
  { status, reason }: Row,
  proxied: ProxiedService,
  headers: Readonly<Record<string, string>>,
): Promise<void> => {
  const answer = await proxied.ask({ headers });
  expect(answer.status).toBe(status);
  expect(answer.headers['x-auth-reason']).toBe(reason);
  expect(answer.headers).not.toHaveProperty('location');
  expect(proxied.service.seen).toEqual([]);
};

for (const row of rows) {
  const describeProxy = row.isMissing === true ? describe.skip : describe;

  describeProxy(`behind ${row.name}, while the place where people are kept gives no answer,`, () => {
    let proxied: ProxiedService;
    beforeAll(async () => {
      const url = `http://127.0.0.1:${await findFreePort()}/check`;
      const secret = 'a-secret-of-the-tests-0123456789';
      proxied = await startProxied({
        store: sqliteStore,
        startProxy: row.startProxy,
        tenant: { sources: [{ id: 'legacy', type: 'http', url, secret, timeout: '1s' }] },
      });
    });
    afterAll(() => proxied.close());

    it('name and password are refused, and not called wrong', () => expectClosed(row, proxied, basic(alice)));
  });
}

const describeStore = mongoUrl() === undefined ? describe.skip : describe;

describeStore('while the store is down,', () => {
  const present = rows.filter(({ isMissing = false }) => !isMissing);
  const proxies = new Map<string, ProxiedService>();
  let mongod: Mongod;
  beforeAll(async () => {
    mongod = await startMongod({ replicaSet: true });
    for (const [index, { name, startProxy }] of present.entries()) {
      const store = mongod.url.replace('/?', `/behind-${index}?`);
      const proxied = await startProxied({ store, startProxy });
      proxies.set(name, proxied);
      expect((await proxied.ask({ headers: basic(alice) })).status).toBe(200);
    }
    await mongod.kill();
    for (const { service } of proxies.values()) service.forget();
  }, 60_000);
  afterAll(async () => {
    await mongod.restart();
    for (const [name, proxied] of proxies) {
      await eventually(
        `the store is back behind ${name}`,
        async () => (await proxied.ask({ headers: basic(alice) })).status === 200,
        20_000,
      );
      await proxied.close();
    }
    await mongod.stop();
  }, 60_000);

  describe.each(rows)('behind $name', (row) => {
    const itThere = row.isMissing === true ? it.skip : it;

    // at once: each waits for the store as long as it may
    itThere(
      'no credential lets anybody in',
      async () => {
        const proxied = proxies.get(row.name);
        if (proxied === undefined) throw new Error(`${row.name} was not started`);
        const credentials = [
          basic(alice),
          { cookie: unseenCookie },
          { ...navigation, cookie: unseenCookie },
          { authorization: `Bearer ${'x'.repeat(43)}` },
          { 'x-api-key': writeApiKey(newApiKey()) },
        ];
        await Promise.all(credentials.map((headers) => expectClosed(row, proxied, headers)));
      },
      30_000,
    );
  });
});
