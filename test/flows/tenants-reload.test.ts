import { open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { createBrowser, type Page } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { instanceHeader } from '../support/instances-front.ts';
import {
  goToAuthorization,
  introspect,
  prepareAuthorization,
  redeem,
  refresh,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  alice,
  sampleClients,
  sampleTenant,
  service,
  type TenantContent,
  web,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** A change is live within a second (and a little for this machine, on which other tests run). */
const soonMs = 1500;

const instances = [{ [instanceHeader]: '0' }, { [instanceHeader]: '1' }] as const;

let server: TestServer;
let issuer: string;

beforeAll(async () => {
  server = await startTestServer({ store: sqliteStore, instances: 2 });
  issuer = server.issuer('acme');
  // a tenant makes its keys on first use, which takes longer than to see a change
  for (const headers of instances) for (const id of ['acme', 'globex']) await statusOf(id, headers);
});
afterAll(() => server.close());

const pathOf = (id: string): string => join(server.tenantsDirectory, `${id}.yaml`);
const write = (id: string, content: TenantContent | string): Promise<void> =>
  writeFile(pathOf(id), typeof content === 'string' ? content : stringify(content));

/** As careful editors and deployments do. */
const replace = async (id: string, content: TenantContent): Promise<void> => {
  const draft = join(server.tenantsDirectory, `.${id}.draft`);
  await writeFile(draft, stringify(content));
  await rename(draft, pathOf(id));
};

const eachInstance = async (
  holds: (headers: Record<string, string>) => Promise<boolean>,
): Promise<boolean> => {
  for (const headers of instances) if (!(await holds({ ...headers }))) return false;
  return true;
};

const statusOf = async (id: string, headers: Record<string, string> = {}): Promise<number> =>
  (await fetch(`${server.issuer(id)}/.well-known/openid-configuration`, { headers })).status;

const isCalled = (id: string, name: string) => (headers: Record<string, string>) =>
  createBrowser(headers)
    .get(`${server.issuer(id)}/device`)
    .then((page) => textOf(page).includes(name));

const isListed = (id: string) => (headers: Record<string, string>) =>
  createBrowser(headers)
    .get(`${server.publicUrl}/`)
    .then((page) => page.body.includes(`tenant=${id}`));

const becomes = (id: string, status: number): Promise<void> =>
  eventually(
    `${id} answers ${status}`,
    () => eachInstance(async (headers) => (await statusOf(id, headers)) === status),
    soonMs,
  );

const goesBy = (id: string, name: string): Promise<void> =>
  eventually(`${id} is called ${name}`, () => eachInstance(isCalled(id, name)), soonMs);

interface Ready {
  readonly status: string;
  readonly tenants: { readonly broken: number };
  readonly broken?: readonly {
    readonly tenant: string;
    readonly faults: readonly string[];
    readonly isServed: boolean;
  }[];
}
const readyz = async (headers: Record<string, string> = {}): Promise<Ready> =>
  (await (await fetch(`${server.publicUrl}/readyz`, { headers })).json()) as Ready;

describe('a tenant file', () => {
  afterEach(async () => {
    await server.putTenant('acme', sampleTenant());
    await server.putTenant('globex', sampleTenant({ displayName: 'Globex' }));
  });

  it('that is changed is live at once on every instance', async () => {
    await write('acme', sampleTenant({ displayName: 'Acme renamed' }));
    await goesBy('acme', 'Acme renamed');
    await replace('acme', sampleTenant({ displayName: 'Acme replaced' }));
    await goesBy('acme', 'Acme replaced');
  });

  it('that is added is live at once', async () => {
    expect(await statusOf('newcomer')).toBe(404);
    await write('newcomer', sampleTenant({ displayName: 'Newcomer' }));
    await eventually('it is known', () => eachInstance(isListed('newcomer')), soonMs);
    const grant = { grant_type: 'client_credentials' };

    expect((await tokenRequest(server.issuer('newcomer'), service, grant)).status).toBe(200);
    expect(await statusOf('acme')).toBe(200);
  });

  it('that is removed takes its tenant and its tokens away, and brings both back with it', async () => {
    const globex = server.issuer('globex');
    const tokens = await tokensFor(createBrowser(), { issuer: globex, client: web });
    await rm(pathOf('globex'));
    await becomes('globex', 404);
    const gone = await userinfo(globex, tokens.access_token);
    const elsewhere = await introspect(issuer, web, tokens.access_token);
    await write('globex', sampleTenant({ displayName: 'Globex' }));
    await becomes('globex', 200);

    expect(gone.status).toBe(404);
    expect(elsewhere.body).toEqual({ active: false });
    expect((await userinfo(globex, tokens.access_token)).status).toBe(200);
  });

  it('that is changed breaks no sign-in under way', async () => {
    const browser = createBrowser();
    const prepared = prepareAuthorization({ issuer, client: web });
    const login = await goToAuthorization(browser, prepared, web.redirectUri);
    await write('acme', sampleTenant({ displayName: 'Changed in between' }));
    await goesBy('acme', 'Changed in between');
    const resume = await browser.submit(login, { login: alice.username, password: alice.password });
    await write('acme', sampleTenant({ displayName: 'Changed once more' }));
    await goesBy('acme', 'Changed once more');
    const back = await browser.follow(resume, (url) => url.startsWith(web.redirectUri));
    const code = new URL(back.location ?? back.url).searchParams.get('code') ?? '';
    await write('acme', sampleTenant({ displayName: 'And again' }));
    await goesBy('acme', 'And again');
    const { status, body } = await redeem({ issuer, client: web }, { ...prepared, code });

    expect(status).toBe(200);
    expect((await userinfo(issuer, body.access_token ?? '')).status).toBe(200);
    expect((await refresh(issuer, web, body.refresh_token)).status).toBe(200);
  });

  it('that is being written is not taken for its first half', async () => {
    const [instance] = server.instances;
    const text = stringify(sampleTenant());
    const middle = text.indexOf('\n', text.length / 2) + 1;
    const logged = server.logLines().length;
    for (let round = 0; round < 5; round += 1) {
      const file = await open(pathOf('acme'), 'w');
      await file.write(text.slice(0, middle));
      const rescan = instance?.tenants.rescan();
      for (let turns = 0; turns < 500; turns += 1) await new Promise((resolve) => setImmediate(resolve));
      await file.write(text.slice(middle));
      await file.close();
      await rescan;
    }

    // a busy machine may see the file while it is still empty, which is a fault and changes nothing
    const lines = server
      .logLines()
      .slice(logged)
      .filter((line) => !line.includes('the file is empty'));
    expect(lines.join('\n')).not.toMatch(/a tenant has changed|a tenant file is broken/);
  });

  it('that loses a client refuses what the client has, also in the middle of a sign-in', async () => {
    const browser = createBrowser();
    const tokens = await tokensFor(browser, { issuer, client: web });
    const other = createBrowser();
    const login = await goToAuthorization(
      other,
      prepareAuthorization({ issuer, client: web }),
      web.redirectUri,
    );
    const without = sampleClients.filter(({ client_id }) => client_id !== web.id);
    const changes = { clients: without, pkceExemptions: [], displayName: 'Without it', resources: [] };
    await write('acme', sampleTenant(changes));
    await goesBy('acme', 'Without it');
    const answer = await other.submit(login, { login: alice.username, password: alice.password });

    expect((await refresh(issuer, web, tokens.refresh_token)).status).toBe(401);
    expect((await userinfo(issuer, tokens.access_token)).status).toBe(401);
    expect(answer.status).toBe(404);
  });

  it('that takes a grant type from a client ends what it had by it', async () => {
    const tokens = await tokensFor(createBrowser(), { issuer, client: web });
    const clients = sampleClients.map((client) =>
      client.client_id === web.id ? { ...client, grant_types: ['authorization_code' as const] } : client,
    );
    await write('acme', sampleTenant({ clients, displayName: 'No refresh' }));
    await goesBy('acme', 'No refresh');

    expect((await refresh(issuer, web, tokens.refresh_token)).status).toBe(400);
  });
});

describe('a broken file', () => {
  afterEach(async () => {
    await server.putTenant('acme', sampleTenant());
    await server.putTenant('globex', sampleTenant({ displayName: 'Globex' }));
    await rm(pathOf('stillborn'), { force: true });
  });

  const brokenTenants = async (): Promise<readonly string[]> =>
    ((await readyz()).broken ?? []).map(({ tenant }) => tenant);

  it.each([
    ['no YAML', 'displayName: [unclosed\n'],
    ['an unknown key', 'displayName: Acme\ndisplayNmae: Acme\n'],
    ['wrong values', 'displayName: Acme\nclients:\n  - client_id: __proto__\n'],
    ['nothing of a tenant', '- a\n- list\n'],
  ])('with %s keeps the last good version and harms nobody', async (_what, text) => {
    const tokens = await tokensFor(createBrowser(), { issuer, client: web });
    const logged = server.logLines().length;
    await write('acme', text);
    await eventually('it is noticed', async () => (await brokenTenants()).includes('acme'), soonMs);

    expect(await isCalled('acme', 'Acme')({})).toBe(true);
    expect((await userinfo(issuer, tokens.access_token)).status).toBe(200);
    expect((await tokensFor(createBrowser(), { issuer, client: web })).access_token).toBeDefined();
    expect(await statusOf('globex')).toBe(200);
    const lines = server
      .logLines()
      .slice(logged)
      .filter((line) => line.includes('a tenant file is broken'));
    expect(lines.length).toBeGreaterThanOrEqual(1);
    expect(lines[0]).toMatch(/acme\.yaml:\d+:\d+/);
  });

  it('is named to this machine with line and reason, to others only counted', async () => {
    await write('acme', 'displayName: Acme\ndisplayNmae: Acme\n');
    await eventually('it is noticed', async () => (await brokenTenants()).includes('acme'), soonMs);
    const here = await readyz();
    const strangers = [
      { 'x-forwarded-for': '203.0.113.7' },
      { forwarded: 'for=203.0.113.7' },
      { via: '1.1 proxy' },
      { 'x-forwarded-for': '127.0.0.1' },
    ];

    expect(here).toMatchObject({ status: 'ready', tenants: { broken: 1 } });
    expect(here.broken).toEqual([
      { tenant: 'acme', isServed: true, faults: [expect.stringMatching(/acme\.yaml:2:1 .*displayNmae/)] },
    ]);
    for (const headers of strangers) {
      const there = await readyz(headers);
      expect(there).toMatchObject({ status: 'ready', tenants: { broken: 1 } });
      expect(JSON.stringify(there)).not.toMatch(/acme|yaml|displayN|sqlite|mongodb/);
    }
  });

  it('is live again once it is right', async () => {
    await write('acme', 'nonsense: true\n');
    await eventually('it is noticed', async () => (await brokenTenants()).includes('acme'), soonMs);
    await write('acme', sampleTenant({ displayName: 'Acme repaired' }));
    await goesBy('acme', 'Acme repaired');

    expect(await brokenTenants()).toEqual([]);
  });

  it('from the start on is a 503 for that tenant alone, which does not say why', async () => {
    await write(
      'stillborn',
      'displayName: x\nclients:\n  - client_id: web\n    client_secret: very-secret-thing\n',
    );
    await becomes('stillborn', 503);
    const page = await createBrowser().get(server.issuer('stillborn'));
    const json = await fetch(`${server.issuer('stillborn')}/jwks`);

    expect(page.status).toBe(503);
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(page.body + (await json.text())).not.toMatch(/client_secret|very-secret|yaml/);
    expect(server.logLines().join('\n')).not.toContain('very-secret-thing');
    expect((await readyz()).status).toBe('ready');
    expect(await statusOf('acme')).toBe(200);
  });
});

describe('demo tenants', () => {
  it('are not served at a public address', async () => {
    const server = await startTestServer({
      store: sqliteStore,
      tenants: { acme: sampleTenant(), real: { displayName: 'Real' } },
      settings: { server: { publicUrl: 'https://login.example.com', port: 0, tlsTerminatedByProxy: true } },
    });
    try {
      const [instance] = server.instances;
      await eventually('all files are checked', () => instance?.tenants.status().isChecked === true, 5000);
      const [refused, served] = await Promise.all(['acme', 'real'].map((id) => instance?.tenants.find(id)));

      expect(refused?.status).toBe('refused');
      expect(served?.status).toBe('served');
      expect((await instance?.tenants.list())?.map(({ id }) => id)).toEqual(['real']);
      const line = server.logLines().find((one) => one.includes('a tenant is not served'));
      expect(line).toContain('https://login.example.com');
      expect(line).toContain('"tenant":"acme"');
      expect(line).not.toContain(alice.password);
    } finally {
      await server.close();
    }
  });
});

describe('more tenants than are kept warm', () => {
  it('all work, also with sign-ins under way at each', async () => {
    const ids = ['one', 'two', 'three', 'four'];
    const server = await startTestServer({
      store: sqliteStore,
      tenants: Object.fromEntries(ids.map((id) => [id, sampleTenant({ displayName: `Tenant ${id}` })])),
      settings: { tenants: { warmLimit: 2 } },
    });
    try {
      const visits = ids.map((id) => ({
        issuer: server.issuer(id),
        browser: createBrowser(),
        prepared: prepareAuthorization({ issuer: server.issuer(id), client: web }),
      }));
      const logins: Page[] = [];
      for (const { browser, prepared } of visits)
        logins.push(await goToAuthorization(browser, prepared, web.redirectUri));
      for (const [index, { browser, issuer, prepared }] of visits.entries()) {
        const resume = await browser.submit(logins[index] as Page, {
          login: alice.username,
          password: alice.password,
        });
        const back = await browser.follow(resume, (url) => url.startsWith(web.redirectUri));
        const code = new URL(back.location ?? back.url).searchParams.get('code') ?? '';
        const { status, body } = await redeem({ issuer, client: web }, { ...prepared, code });
        expect(status).toBe(200);
        expect((await userinfo(issuer, body.access_token ?? '')).status).toBe(200);
      }
      const kids = async (id: string) =>
        ((await (await fetch(`${server.issuer(id)}/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(
          ({ kid }) => kid,
        );
      const before = await kids('one');
      for (const id of ids) await kids(id);
      server.trips();
      await kids('four');
      expect(readsOfKeys(server)).toBe(0); // still warm
      await kids('one');
      expect(readsOfKeys(server)).toBe(1); // was forgotten
      await Promise.all([...ids, ...ids, ...ids].map(kids));
      expect(await kids('one')).toEqual(before);
    } finally {
      await server.close();
    }
  });
});

/** A tenant reads its keys when it is built; SQLite names the operation, MongoDB the collection. */
const readsOfKeys = (server: TestServer): number =>
  server.tripDetails().filter(({ name, detail }) => {
    const { find } = (detail ?? {}) as { readonly find?: unknown };
    return name === 'key.list' || find === 'keys';
  }).length;
