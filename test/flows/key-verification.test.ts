// Keys of a person's own that are refused until the code of a mail is presented.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { type Answer, tokensFor } from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-http.ts';
import { alice, bob, sampleTenant, web } from '../support/sample-tenants.ts';
import { type Service, startService } from '../support/service.ts';
import { lastMailedCode, shownMails } from '../support/shown-mails.ts';
import { eachStore, sqliteStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

interface Made {
  readonly key: { readonly id: string };
  readonly secret: string;
  readonly api_key: string;
  readonly api_secret: string;
  readonly verification_id: string;
}

let clock: TestClock;
let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const open = async (store: Parameters<typeof startTestServer>[0]['store']) => {
  clock = createTestClock(Date.now());
  const target = { url: service.url, connectTimeoutMs: 2000, timeoutMs: 5000, idleTimeoutMs: 60_000 };
  const files = serviceOf('files', {
    host: 'files.test',
    target: { ...target, hostHeader: 'public', authorization: 'none' },
  });
  return startTestServer({
    ...{ store, clock, instances: 2 },
    tenants: {
      acme: sampleTenant({ apiKeys: { verification: 'mail', own: { services: ['files'] } } }),
      plain: sampleTenant({ apiKeys: { own: { services: ['files'] } } }),
    },
    settings: { gateway: { services: [files] } },
  });
};

/** What a person does at a server. */
const personAt = async (server: TestServer, person: typeof alice | typeof bob = alice, tenant = 'acme') => {
  const issuer = server.issuer(tenant);
  const request = { issuer, client: web, scope: 'openid account' };
  const { access_token: token } = await tokensFor(createBrowser(), request, person);
  const post = (path: string, body?: object): Promise<Answer> => {
    clock.advance(1); // so that one mail is the newest
    return askApi(issuer, `/account/keys${path}`, {
      method: 'POST',
      token,
      ...(body === undefined ? {} : { body }),
    });
  };
  return {
    post,
    list: async () => (await askApi(issuer, '/account/keys', { token })).body.keys as readonly object[],
    make: async (more: object = {}): Promise<Made> => {
      const { status, body } = await post('', { note: 'Nightly build', ...more });
      if (status !== 201) throw new Error(JSON.stringify(body));
      return body as unknown as Made;
    },
    verify: (made: Made, code: string, more: object = {}): Promise<Answer> =>
      post(`/${made.key.id}/verification`, { verification_id: made.verification_id, code, ...more }),
  };
};

/** The answers of both instances to a program with the two halves, and with the whole key. */
const statusesAt = async (server: TestServer, made: Made, tenant = 'acme'): Promise<readonly number[]> => {
  const forms = [
    [`X-API-Key: ${made.api_key}`, `X-API-Secret: ${made.api_secret}`],
    [`Authorization: Bearer ${made.secret}`],
  ];
  const { port } = new URL(server.publicUrl);
  const headers = ['Host: files.test', `X-ID-TENANT-NAME: ${tenant}`];
  const statuses: number[] = [];
  for (const form of [...forms, ...forms])
    statuses.push(
      (await rawRequest({ port: Number(port), target: '/', headers: [...headers, ...form] })).status,
    );
  return [...new Set(statuses)];
};

/** Another code than this one. */
const otherThan = (code: string): string => `${(Number(code.slice(0, 1)) + 1) % 10}${code.slice(1)}`;

eachStore((store) => {
  it('is refused on every instance before the code, and accepted by all after it, for one of 20 callers', async () => {
    const server = await open(store);
    try {
      const person = await personAt(server);
      const made = await person.make();
      expect(`${made.api_key}_${made.api_secret}`).toBe(made.secret);
      expect(await statusesAt(server, made)).toEqual([401]);
      expect(await person.list()).toEqual([]);
      const code = await lastMailedCode(server, 'acme');
      expect((await person.verify(made, otherThan(code))).body.error).toBe('invalid_code');
      expect(await statusesAt(server, made)).toEqual([401]);
      const answers = await Promise.all(Array.from({ length: 20 }, () => person.verify(made, code)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(400)]);
      expect(await statusesAt(server, made)).toEqual([200]);
      expect(await person.list()).toHaveLength(1);
      const subjects = (await shownMails(server, 'acme')).map(({ subject }) => subject);
      expect(subjects).toContain('An API key was made for your account');
    } finally {
      await server.close();
    }
  });
});

describe('the code of a key', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await open(sqliteStore);
  });
  afterEach(() => server.close());

  it('is asked for where the tenant says so, and the two halves are everywhere', async () => {
    const person = await personAt(server, alice, 'plain');
    const made = await person.make({ roles: ['admin'] });
    expect(await person.list()).toEqual([expect.objectContaining({ roles: ['admin'], services: ['files'] })]);
    expect((await person.post('', { note: 'Build', roles: ['owner'] })).status).toBe(400);
    expect(made).not.toHaveProperty('verification_id');
    expect(await statusesAt(server, made, 'plain')).toEqual([200]);
  });

  it('is good for its own key, id and person alone', async () => {
    const person = await personAt(server);
    const [one, two] = [await person.make(), await person.make()];
    const code = await lastMailedCode(server, 'acme');
    expect((await person.verify(one, code)).status).toBe(400);
    expect((await person.verify({ ...one, verification_id: two.verification_id }, code)).status).toBe(400);
    const other = await personAt(server, bob);
    expect((await other.verify(two, code)).status).toBe(400);
    expect((await other.post(`/${two.key.id}/code`)).status).toBe(404);
    expect((await person.verify(two, code)).status).toBe(200);
    expect(await statusesAt(server, one)).toEqual([401]);
  });

  it('is guessed five times, and another one may be asked for', async () => {
    const person = await personAt(server);
    const made = await person.make();
    const code = await lastMailedCode(server, 'acme');
    for (let n = 0; n < 5; n += 1) expect((await person.verify(made, otherThan(code))).status).toBe(400);
    expect((await person.verify(made, code)).status).toBe(400);
    const again = await person.post(`/${made.key.id}/code`);
    expect(again.status).toBe(202);
    const renewed = { ...made, verification_id: String(again.body.verification_id) };
    expect((await person.verify(renewed, await lastMailedCode(server, 'acme'))).status).toBe(200);
    expect(await statusesAt(server, made)).toEqual([200]);
    expect((await person.post(`/${made.key.id}/code`)).status).toBe(404);
  });

  it('is sent five times an hour, and to verified addresses', async () => {
    const person = await personAt(server);
    for (let n = 0; n < 5; n += 1) await person.make();
    const refused = await person.post('', { note: 'One more' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([
      429,
      expect.stringMatching(/^\d+$/),
    ]);
    const unverified = await (await personAt(server, bob)).post('', { note: 'Build' });
    expect([unverified.status, unverified.body.error]).toEqual([400, 'no_verified_email']);
  });

  it('ends after ten minutes, and the key that waits for it after fifteen', async () => {
    const person = await personAt(server);
    const made = await person.make();
    const code = await lastMailedCode(server, 'acme');
    clock.advance(600_000);
    expect((await person.verify(made, code)).status).toBe(400);
    clock.advance(301_000);
    expect((await person.post(`/${made.key.id}/code`)).status).toBe(404);
    const artifact = { kind: 'PendingApiKey', id: made.key.id } as const;
    expect((await server.storage.forTenant('acme').artifacts.load([artifact])).artifacts).toEqual([]);
  });

  it('is needed again when the key has expired', async () => {
    const person = await personAt(server);
    const made = await person.make({ expires_in: 60 });
    expect((await person.verify(made, await lastMailedCode(server, 'acme'))).status).toBe(200);
    expect((await person.post(`/${made.key.id}/rotation`)).status).toBe(200);
    clock.advance(60_000);
    expect(await statusesAt(server, made)).toEqual([401]);
    expect((await person.post(`/${made.key.id}/rotation`)).status).toBe(404);
  });

  it('is entered on the page without JavaScript, below the key', async () => {
    const browser = createBrowser();
    const send = async (page: Page, fields: Readonly<Record<string, string>>, end = ''): Promise<Page> => {
      const actions = [...page.body.matchAll(/<form[^>]* action="([^"]*)"/g)];
      const index = actions.findIndex(([, action = '']) => action.endsWith(end));
      return browser.follow(await browser.submit(page, fields, index));
    };
    const login = await browser.follow(await browser.get(`${server.issuer('acme')}/account/keys/new`));
    const form = await send(login, { login: alice.username, password: alice.password });
    const asked = await send(form, { note: 'Old mail program' });
    const secretOf = ({ body }: Page) => /<code class="secret">(db_\w+)<\/code>/.exec(body)?.[1] ?? '';
    const secret = secretOf(asked);
    const made = { secret, api_key: secret.slice(0, 19), api_secret: secret.slice(20) } as Made;
    expect(await statusesAt(server, made)).toEqual([401]);
    const code = await lastMailedCode(server, 'acme');
    let wrong = asked;
    for (let n = 0; n < 5; n += 1) wrong = await send(wrong, { code: otherThan(code) }, '/code');
    expect([wrong.status, secretOf(wrong)]).toEqual([400, secret]);
    expect(await send(wrong, { code }, '/code')).toMatchObject({ status: 400 });
    clock.advance(1);
    const again = await send(wrong, {}, '/code/again');
    expect(again.body).toContain('Another code is on its way.');
    const done = await send(again, { code: await lastMailedCode(server, 'acme') }, '/code');
    expect(done.body).toContain('The key works now.');
    expect(done.body).not.toContain(secret);
    expect(await statusesAt(server, made)).toEqual([200]);
    expect((await browser.get(asked.url)).status).toBe(404);
  });
});
