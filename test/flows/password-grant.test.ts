import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { UserChange } from '../../src/accounts/user-change.ts';
import { createBrowser } from '../support/browser.ts';
import { dumpStore } from '../support/dump-store.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  type Answer,
  goToAuthorization,
  introspect,
  type Parameters,
  postAs,
  prepareAuthorization,
  refresh,
  tokenRequest,
  userinfo,
} from '../support/oauth-client.ts';
import {
  alice,
  bob,
  confidential,
  desktop,
  migrator,
  ordersResource,
  reportsResource,
  sampleClients,
  sampleTenant,
  secretOf,
  shop,
  web,
} from '../support/sample-tenants.ts';
import { describeOnce } from '../support/stores.ts';
import { withEachStore } from '../support/use-server.ts';

const ending = confidential('ending');
const single = confidential('single');
const reporter = confidential('reporter');
const dpopBound = 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImRwb3Arand0In0.e30.AA';

const passwordClient = (id: string, more: object = {}) => ({
  client_id: id,
  client_secret: secretOf(id),
  firstParty: true,
  grant_types: ['password' as const],
  ...more,
});

const clients = [
  ...sampleClients,
  passwordClient(ending.id, { passwordGrant: { sunset: '2100-01-01' } }),
  passwordClient(single.id),
  passwordClient(reporter.id),
];

/** What an answer tells, without what differs from one answer to the next by design. */
const tells = ({ status, headers, body }: Answer) => ({
  status,
  body,
  headers: Object.fromEntries(
    [...headers].filter(([name]) => !['date', 'x-request-id', 'x-error-id'].includes(name)),
  ),
});

const tenants = {
  acme: sampleTenant({ clients }),
  closed: sampleTenant({
    grants: { password: false },
    clients: sampleClients.filter(({ client_id }) => client_id !== migrator.id),
  }),
  crowd: sampleTenant(),
  strict: sampleTenant({ throttle: { account: { attempts: 4, window: '15m' } } }),
  'by-address': sampleTenant({ throttle: { address: { attempts: 4, window: '15m' } } }),
};

await withEachStore({ instances: 2, tenants }, (server, store) => {
  const issuer = server.issuer('acme');
  afterEach(restoreTime);

  const ask = (form: Parameters, { client = migrator, tenant = 'acme' } = {}): Promise<Answer> =>
    tokenRequest(server.issuer(tenant), client, { grant_type: 'password', ...form });

  const addUser = (username: string, tenant = 'acme'): Promise<UserChange> =>
    server.users(tenant).add({ username, password: `the passphrase of ${username}` });

  describeOnce(store, 'an app that asks with the right password', () => {
    it.each([
      ['the user name', 'alice'],
      ['the e-mail address', 'alice@acme.example'],
      ['the user name in other letters', ' ALICE'],
    ])('gets tokens for %s', async (_what, username) => {
      const { status, body, headers } = await ask({ ...alice, username, scope: 'openid profile groups' });
      const me = await userinfo(issuer, body.access_token ?? '');

      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'openid profile groups' });
      expect(me.body).toMatchObject({ name: 'Alice Adams', groups: ['staff', 'engineering'] });
      expect(decodeJwt(body.id_token ?? '')).toMatchObject({
        iss: issuer,
        aud: migrator.id,
        sub: me.body.sub,
        amr: ['pwd'],
      });
    });

    it('gets an opaque token that it may introspect, and no ID token without openid', async () => {
      const { body } = await ask({ ...alice, scope: 'profile' });
      const seen = await introspect(issuer, migrator, body.access_token ?? '');

      expect(body.id_token).toBeUndefined();
      expect(body.access_token).not.toContain('.');
      expect(seen.body).toMatchObject({ active: true, client_id: migrator.id, scope: 'profile' });
    });

    it('gets a JWT for a resource', async () => {
      const { body } = await ask({ ...alice, scope: 'orders:read groups', resource: ordersResource });
      const claims = decodeJwt(body.access_token ?? '');

      expect(claims).toMatchObject({ iss: issuer, aud: ordersResource, scope: 'orders:read' });
      expect(claims.groups).toEqual(['staff', 'engineering']);
      expect((await introspect(issuer, migrator, body.access_token ?? '')).body.active).toBe(true);
    });

    it.each([
      ['that there is not', 'https://elsewhere.example.com'],
      ['that other clients may ask for', reportsResource],
    ])('gets nothing for a resource %s', async (_what, resource) => {
      expect((await ask({ ...alice, resource })).body.error).toBe('invalid_target');
    });

    it('gets a refresh token that is rotated, if it lists that grant', async () => {
      const first = await ask({ ...alice, scope: 'openid' });
      const second = await refresh(issuer, migrator, first.body.refresh_token);
      const third = await refresh(issuer, migrator, second.body.refresh_token);

      expect([first.status, second.status, third.status]).toEqual([200, 200, 200]);
      expect(new Set([first, second, third].map(({ body }) => body.refresh_token)).size).toBe(3);
      expect((await ask(alice, { client: single })).body.refresh_token).toBeUndefined();
    });

    it('cannot use what it got once the person is disabled', async () => {
      await addUser('dora');
      const { body } = await ask({ username: 'dora', password: 'the passphrase of dora', scope: 'openid' });
      await server.users('acme').disable('dora');

      expect((await refresh(issuer, migrator, body.refresh_token)).body.error).toBe('invalid_grant');
      expect((await introspect(issuer, migrator, body.access_token ?? '')).body).toEqual({ active: false });
      expect((await userinfo(issuer, body.access_token ?? '')).status).toBe(401);
    });
  });

  describeOnce(store, 'a refusal', () => {
    it('is the same for an unknown person and a wrong password', async () => {
      const wrong = await ask({ username: bob.username, password: 'wrong', scope: 'openid' });
      const unknown = await ask({ username: 'nobody-here', password: 'wrong', scope: 'openid' });

      expect(wrong.body.error).toBe('invalid_grant');
      expect(wrong.status).toBe(400);
      expect(tells(unknown)).toEqual(tells(wrong));
    });

    it('is the same for people who are disabled or locked, even with the right password', async () => {
      const wrong = await ask({ username: 'nobody-here', password: 'wrong' });
      await addUser('erin');
      await addUser('finn');
      await server.users('acme').disable('erin');
      const records = server.storage.forTenant('acme').accounts;
      const finn = await records.findByLogin('finn');
      await records.update(finn?.sub ?? '', { lockedAt: Date.now() });

      for (const username of ['erin', 'finn']) {
        expect(tells(await ask({ username, password: `the passphrase of ${username}` }))).toEqual(
          tells(wrong),
        );
      }
    });

    it.each([
      ['no user name', { password: 'x' }],
      ['no password', { username: 'alice' }],
      ['an empty password', { username: 'alice', password: '' }],
      ['an empty user name', { username: '', password: 'x' }],
    ])('meets a request with %s before anybody is looked up', async (_what, form) => {
      server.trips();
      const { status, body } = await ask(form);

      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
      // the record for `drawbridge explain error`
      expect(server.trips()).toEqual(['write']);
    });

    it.each([
      ['a NUL', '\0'],
      ['the right password and a NUL', `${alice.password}\0`],
      ['spaces alone', '   '],
      ['ten thousand letters', 'a'.repeat(10_000)],
      ['the right password and ten thousand letters', alice.password + 'a'.repeat(10_000)],
      ['the right password in capitals', alice.password.toUpperCase()],
      ['the right password with a space', `${alice.password} `],
      ['an operator of a database', '{"$gt":""}'],
    ])('meets %s as password', async (_what, password) => {
      const { status, body } = await ask({ username: 'alice', password });

      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
      expect((await ask(alice)).status).toBe(200); // also: alice is not throttled by the next one of these
    });

    it('meets clients that do not list the grant, public ones, and tenants that do not allow it', async () => {
      const notAllowed = {
        error: 'unauthorized_client',
        error_description: 'requested grant type is not allowed for this client',
      };
      expect((await ask(alice, { client: web })).body).toMatchObject(notAllowed);
      expect((await ask(alice, { client: desktop })).body).toMatchObject(notAllowed);
      // where no client may, there is no such grant
      expect((await ask(alice, { client: web, tenant: 'closed' })).body.error).toBe('unsupported_grant_type');
      expect((await ask(alice, { client: { ...migrator, secret: 'wrong' } })).status).toBe(401);
      expect((await ask(alice, { client: { id: migrator.id } as typeof migrator })).status).toBe(401);
    });

    it('meets DPoP, which this grant cannot bind', async () => {
      const answer = await postAs(migrator, `${issuer}/token`, {
        form: { grant_type: 'password', ...alice },
        headers: { DPoP: dpopBound },
      });

      expect({ status: answer.status, error: answer.body.error }).toEqual({
        status: 400,
        error: 'invalid_request',
      });
    });
  });

  it('takes no operators of a database where names or values should be', async () => {
    const url = `${issuer}/token`;
    const pairs = [
      'username[$ne]=&password[$gt]=',
      'username[$ne]=x&password=correct%20horse%20battery',
      'username=alice&password[$ne]=x',
      'username=alice&username=bob&password=correct%20horse%20battery',
      'username=alice&password=correct%20horse%20battery&password=x',
    ];
    const headers = {
      authorization: `Basic ${Buffer.from(`${migrator.id}:${migrator.secret}`).toString('base64')}`,
    };
    for (const pair of pairs) {
      const body = `grant_type=password&${pair}`;
      const type = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await fetch(url, { method: 'POST', headers: { ...headers, ...type }, body });
      expect({ pair, status: answer.status }).toEqual({ pair, status: 400 });
    }
    const json = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'password', username: { $ne: '' }, password: { $gt: '' } }),
    });
    expect(json.status).toBe(400);
  });

  describe('guessing', () => {
    const guess = (username: string, tenant = 'strict') => ask({ username, password: 'wrong' }, { tenant });

    const guessOnPage = async (username: string) => {
      const browser = createBrowser();
      const prepared = prepareAuthorization({ issuer: server.issuer('strict'), client: web });
      const login = await goToAuthorization(browser, prepared, web.redirectUri);
      return browser.submit(login, { login: username, password: 'wrong' });
    };

    it('is counted with that on the login page, ends in 429, and unlocks by itself', async () => {
      const pages = [await guessOnPage('alice'), await guessOnPage('ALICE')];
      const answers = [await guess(' Alice '), await guess('alice')];
      const right = await ask(alice, { tenant: 'strict' });
      const page = await guessOnPage('alice');
      moveTime(15 * 60 + 1);
      const later = await ask(alice, { tenant: 'strict' });

      expect(pages.map(({ status }) => status)).toEqual([400, 400]);
      expect(answers.map(({ body }) => body.error)).toEqual(['invalid_grant', 'invalid_grant']);
      expect(right.status).toBe(429);
      expect(right.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(Number(right.headers.get('retry-after'))).toBeLessThanOrEqual(15 * 60);
      expect(page.status).toBe(429);
      expect(later.status).toBe(200);
    });

    it('of one name is throttled whether or not there is such a person', async () => {
      const seen = async (username: string) => {
        const answers = [];
        for (let i = 0; i < 6; i += 1) answers.push((await guess(username)).status);
        return answers;
      };

      expect(await seen('nobody-here')).toEqual([400, 400, 400, 400, 429, 429]);
      expect(await seen('bob')).toEqual([400, 400, 400, 400, 429, 429]);
    });

    it('of many names from one address is throttled', async () => {
      const answers = [];
      for (const name of ['a', 'b', 'c', 'd', 'e']) answers.push(await guess(name, 'by-address'));

      expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 429]);
    });

    it('two hundred times at once over two instances tries ten passwords at most', async () => {
      await addUser('gail', 'crowd');
      const wrong = () => ask({ username: 'gail', password: 'wrong' }, { tenant: 'crowd' });
      const answers = await Promise.all(Array.from({ length: 200 }, wrong));
      const records = await server.storage.forTenant('crowd').audit.list({ limit: 1000 });
      const verified = records.filter(({ actor, reason }) => actor === 'gail' && reason === 'wrong_password');

      expect(verified).toHaveLength(10);
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(10);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(190);
    });
  });

  describe('the end of the grant', () => {
    it('is announced until it comes, and then here', async () => {
      const before = await ask(alice, { client: ending });
      moveTime((Date.UTC(2100, 0, 1) - Date.now()) / 1000);
      const after = await ask(alice, { client: ending });
      const others = await ask(alice);

      expect(before.status).toBe(200);
      expect(before.headers.get('sunset')).toBe('Fri, 01 Jan 2100 00:00:00 GMT');
      expect(before.headers.get('deprecation')).toMatch(/^@\d+$/);
      expect({ status: after.status, error: after.body.error }).toEqual({
        status: 400,
        error: 'unauthorized_client',
      });
      expect(others.status).toBe(200);
      expect(others.headers.get('sunset')).toBeNull();
    });
  });

  it('is counted per client: uses, the last one, and how many people', async () => {
    const startedAt = Date.now();
    const askReporter = (who: Parameters) => ask(who, { client: reporter });
    await askReporter(alice);
    await askReporter(alice);
    await askReporter(bob);
    await askReporter({ username: 'bob', password: 'wrong' });
    const report = await server.storage.forTenant('acme').usage.report();
    const line = report.find(({ clientId }) => clientId === reporter.id);

    expect(line).toMatchObject({ count: 3, distinctUsers: 2 });
    expect(line?.lastUsedAt).toBeGreaterThanOrEqual(startedAt);
    expect(report.find(({ clientId }) => clientId === shop.id)).toBeUndefined();
  });

  it('leaves no password behind, in the log or in the store', async () => {
    const wrong = 'a wrong guess that nobody else makes';
    await ask({ username: 'alice', password: wrong });
    await ask(alice);
    await ask({ username: 'alice', password: wrong, resource: 'https://elsewhere.example.com' });
    await ask({ username: 'alice', password: wrong }, { client: web });

    for (const text of [server.logLines().join('\n'), await dumpStore(server.storeUrl)]) {
      expect(text).toContain('alice');
      expect(text).not.toContain(wrong);
      expect(text).not.toContain(alice.password);
      expect(text).not.toContain(encodeURIComponent(alice.password));
      expect(text).not.toContain(migrator.secret);
    }
  });
});
