// What the operations of the administration API do.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { adminOperations } from '../../src/admin/api/operations.ts';
import { databaseFile } from '../../src/storage/sqlite/connection.ts';
import { loadDriver } from '../../src/storage/sqlite/driver.ts';
import {
  type AdminQuestion,
  type AdminSample,
  adminSamples,
  askAdmin,
  keyOf,
  type Things,
} from '../support/admin-api.ts';
import { createBrowser } from '../support/browser.ts';
import { type Answer, tokensFor, userinfo } from '../support/oauth-client.ts';
import { alice, sampleTenant, web } from '../support/sample-tenants.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestServer } from '../support/test-server.ts';
import { withEachStore } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const day = 86_400;

const settings = {
  server: { trustedProxies: ['127.0.0.1', '::1'] },
  administration: {
    tenant: 'operations',
    operators: { subs: [], roles: ['operator'], groups: [] },
    secondFactor: true,
    maxAgeSeconds: 3600,
  },
} as const;

const tenants = {
  acme: sampleTenant({
    administration: { administrators: { roles: ['boss'] }, helpDesk: { roles: ['support'] } },
  }),
  operations: sampleTenant({ administration: { administrators: { roles: ['boss'] } } }),
};

const changing = adminOperations.filter(({ method }) => method !== 'GET');
const methodOf = (id: string): string => adminOperations.find((one) => one.id === id)?.method ?? '';

const things = async (server: TestServer, name: string): Promise<Things> => {
  const added = await server.users('acme').add({ username: `person-${name}`, password: 'a long enough one' });
  if (!added.ok) throw new Error(added.message);
  const { sub, id } = await keyOf(server, 'acme', `robot-${name}`, { scopes: ['openid'] });
  return { tenant: 'acme', sub: added.account.sub, systemUser: sub, key: id };
};

await withEachStore({ clock, tenants, settings, instances: 2 }, (server, store) => {
  let operator: { readonly sub: string; readonly secret: string };
  let boss: { readonly sub: string; readonly secret: string };

  beforeAll(async () => {
    operator = await keyOf(server, 'operations', 'operator', { roles: ['operator'] });
    boss = await keyOf(server, 'acme', 'boss', { roles: ['boss'] });
  });

  const ask = (path: string, question: AdminQuestion = {}): Promise<Answer> =>
    askAdmin(server, `/tenants/acme${path}`, { key: boss.secret, ...question });
  const post = (
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => ask(path, { method: 'POST', body, headers });

  describe('a system user', () => {
    it('is made, listed, changed, disabled and deleted', async () => {
      const made = await post('/system-users', { username: 'Reporter', roles: ['reports'] });
      expect([made.status, made.body]).toEqual([
        201,
        expect.objectContaining({ username: 'Reporter', roles: ['reports'], groups: [], status: 'enabled' }),
      ]);
      const at = `/system-users/${made.body.sub}`;
      const listed = (await ask('/system-users')).body.system_users as readonly { username: string }[];
      expect(listed.map(({ username }) => username)).toContain('Reporter');
      expect(listed.map(({ username }) => username)).not.toContain(alice.username);

      const changed = await ask(at, {
        method: 'PATCH',
        body: { roles: ['reports', 'more'], name: 'Reports' },
      });
      expect(changed.body).toMatchObject({ roles: ['reports', 'more'], name: 'Reports' });
      expect((await post(`${at}/disable`)).body.status).toBe('disabled');
      expect((await post(`${at}/enable`)).body.status).toBe('enabled');
      expect((await ask(at, { method: 'DELETE' })).status).toBe(204);
      expect((await ask(at)).status).toBe(404);
    });

    it('is listed by cursor', async () => {
      for (const n of [1, 2, 3]) await post('/system-users', { username: `page-${n}` });
      const seen: string[] = [];
      let next: unknown;
      do {
        const { body } = await ask(`/system-users?limit=2${next === undefined ? '' : `&after=${next}`}`);
        seen.push(...(body.system_users as readonly { username: string }[]).map(({ username }) => username));
        next = body.next;
      } while (next !== undefined);
      expect(seen).toEqual(expect.arrayContaining(['page-1', 'page-2', 'page-3', 'boss']));
      expect(new Set(seen).size).toBe(seen.length);
    });

    it('is changed in the version that the caller knows, and in no other', async () => {
      const { sub } = (await post('/system-users', { username: 'versioned' })).body;
      const at = `/system-users/${sub}`;
      const etag = (await ask(at)).headers.get('etag') ?? '';
      const change = (roles: readonly string[], ifMatch: string) =>
        ask(at, { method: 'PATCH', body: { roles }, headers: { 'if-match': ifMatch } });
      const all = await Promise.all(['a', 'b', 'c', 'd'].map((role) => change([role], etag)));
      expect(all.map(({ status }) => status).toSorted()).toEqual([200, 412, 412, 412]);
      const winner = all.find(({ status }) => status === 200);
      expect((await ask(at)).body.roles).toEqual(winner?.body.roles);
      expect(winner?.headers.get('etag')).not.toBe(etag);
      expect((await change(['e'], '"never"')).body.code).toBe('precondition_failed');
      const refused = await ask(at, { method: 'DELETE', headers: { 'if-match': etag } });
      expect(refused.status).toBe(412);
    });

    it('is made once by many requests with one Idempotency-Key', async () => {
      const send = (username: string) =>
        post('/system-users', { username }, { 'idempotency-key': 'one-and-only' });
      const all = await Promise.all(Array.from({ length: 10 }, () => send('once')));
      expect(all.map(({ status }) => status).toSorted()).toEqual([...Array<number>(9).fill(200), 201]);
      expect(new Set(all.map(({ body }) => body.sub)).size).toBe(1);
      expect((await send('another')).body.code).toBe('idempotency_key_reused');
      expect((await post('/system-users', { username: 'once' })).body.code).toBe('username_taken');
      const owner = all[0]?.body.sub;
      const sendKey = (limits: object) =>
        post('/keys', { owner, note: 'two spaces  ', ...limits }, { 'idempotency-key': 'a-key' });
      expect((await sendKey({ networks: ['10.0.0.0/8'] })).status).toBe(201);
      expect((await sendKey({ networks: ['10.0.0.0/8'] })).status).toBe(200);
      expect((await sendKey({})).body.code).toBe('idempotency_key_reused');
      // the key of somebody else is another key
      const { body, status } = await ask('/system-users', {
        ...{ method: 'POST', key: operator.secret, body: { username: 'theirs' } },
        headers: { 'idempotency-key': 'one-and-only' },
      });
      expect([status, body.username]).toEqual([201, 'theirs']);
    });
  });

  describe('rights', () => {
    it('are not reached by way of somebody who has more', async () => {
      const own = await keyOf(server, 'operations', 'local-boss', { roles: ['boss'] });
      const atOperations = (path: string, body?: object, method = 'POST') =>
        askAdmin(server, `/tenants/operations${path}`, { method, key: own.secret, body });
      const refused = [
        await atOperations('/system-users', { username: 'x', roles: ['operator'] }),
        await atOperations('/keys', { owner: operator.sub }),
        await atOperations(`/system-users/${operator.sub}/disable`),
        await atOperations(`/system-users/${operator.sub}`, { roles: [] }, 'PATCH'),
        await atOperations(`/system-users/${own.sub}`, { roles: ['boss', 'operator'] }, 'PATCH'),
      ];
      expect(refused.map(({ status, body }) => [status, body.code])).toEqual(
        refused.map(() => [403, 'forbidden']),
      );
      const plain = await atOperations('/system-users', { username: 'y', roles: ['boss'] });
      expect(plain.status).toBe(201);
    });

    it('of a help desk do not undo what an administrator did, nor touch one', async () => {
      const support = await keyOf(server, 'acme', 'support', { roles: ['support'] });
      const asSupport = (path: string, method = 'POST') => ask(path, { method, key: support.secret });
      const { sub } = await things(server, 'locked');
      const { accounts } = server.storage.forTenant('acme');
      await accounts.update(sub, { lockedAt: clock.now(), lockedBy: 'ldap' });
      expect((await asSupport(`/people/${sub}/unlock`)).body.status).toBe('enabled');
      await post(`/people/${sub}/disable`);
      expect((await asSupport(`/people/${sub}/unlock`)).body.code).toBe('disabled');
      expect((await ask(`/people/${sub}`)).body.status).toBe('disabled');

      const chief = await server
        .users('acme')
        .add({ username: 'chief', password: 'a long enough one', roles: ['boss'] });
      if (!chief.ok) throw new Error(chief.message);
      expect((await asSupport(`/people/${chief.account.sub}/sign-ins`, 'DELETE')).status).toBe(403);
    });
  });

  describe('a key', () => {
    it('is made once, shown once, rotated, reassigned, listed and revoked', async () => {
      const { systemUser: owner } = await things(server, 'keys');
      const wanted = { owner, note: 'Reports', scopes: ['openid'], expires_in: 10 * day };
      const send = () => post('/keys', wanted, { 'idempotency-key': 'key-1' });
      const all = await Promise.all(Array.from({ length: 6 }, send));
      const first = all.find(({ status }) => status === 201);
      expect(all.filter(({ body }) => body.secret !== undefined)).toEqual([first]);
      const made = first?.body as unknown as { readonly key: { id: string }; readonly secret: string };
      const { id } = made.key;
      expect(new Set(all.map(({ body }) => (body.key as { id: string }).id))).toEqual(new Set([id]));
      expect((await post('/keys', { ...wanted, note: 'x' }, { 'idempotency-key': 'key-1' })).status).toBe(
        422,
      );

      const soon = async (days: number) =>
        ((await ask(`/expiring-keys?days=${days}`)).body.keys as readonly { id: string }[]).map(
          (key) => key.id,
        );
      expect([await soon(9), await soon(11)]).toEqual([
        expect.not.arrayContaining([id]),
        expect.arrayContaining([id]),
      ]);

      const rotated = await post(`/keys/${id}/rotate`, { overlap: 60 });
      expect((rotated.body.key as { secrets: unknown[] }).secrets).toHaveLength(2);
      const stale = await post(`/keys/${id}/reassign`, undefined, {
        'if-match': first?.headers.get('etag') ?? '',
      });
      expect(stale.status).toBe(412);
      const reassigned = await post(`/keys/${id}/reassign`, undefined, {
        'if-match': rotated.headers.get('etag') ?? '',
      });
      expect((reassigned.body.key as { secrets: unknown[] }).secrets).toHaveLength(1);
      const text = JSON.stringify((await ask(`/keys?owner=${owner}`)).body);
      for (const secret of [made.secret, rotated.body.secret, reassigned.body.secret]) {
        expect(secret).toMatch(/^db_/);
        expect(text).not.toContain(String(secret).slice(20));
      }
      expect((await ask(`/keys/${id}`, { method: 'DELETE' })).status).toBe(204);
      expect((await ask(`/keys/${id}`)).status).toBe(404);
    });

    it('has no name of a service, scope or role that is not there', async () => {
      const { systemUser: owner } = await things(server, 'names');
      for (const limits of [
        { scopes: ['amdin'] },
        { services: ['nowhere'] },
        { roles: ['boss'] },
        { networks: ['x'] },
      ]) {
        const { status, body } = await post('/keys', { owner, ...limits });
        expect([status, body.code]).toEqual([400, 'invalid_request']);
      }
    });
  });

  describe('people', () => {
    it('are listed without secrets, found by name, and lose their sessions', async () => {
      const issuer = server.issuer('acme');
      const { access_token: token } = await tokensFor(createBrowser(), { issuer, client: web });
      const found = (await ask(`/people?login=${alice.username.toUpperCase()}`)).body.people as readonly {
        sub: string;
      }[];
      const sub = found[0]?.sub ?? '';
      expect(found).toEqual([expect.objectContaining({ username: alice.username, origin: 'demo' })]);
      expect(JSON.stringify((await ask('/people')).body)).not.toMatch(/argon2|hash/i);

      const sessions = (await ask(`/people/${sub}/sign-ins`)).body.sign_ins as readonly { id: string }[];
      expect(sessions).toEqual([expect.objectContaining({ kind: 'session', clients: [web.id] })]);
      expect(
        (await ask(`/people/${sub}/sign-ins/session/${sessions[0]?.id}`, { method: 'DELETE' })).status,
      ).toBe(204);
      expect((await userinfo(issuer, token)).status).toBe(401);
      expect((await ask(`/people/${sub}/sign-ins`, { method: 'DELETE' })).body).toEqual({ ended: 0 });
    });
  });

  describe('the audit record', () => {
    it('has each change with its actor, and nothing is changed without a record', async () => {
      const { audit } = server.storage.forTenant('acme');
      const newest = async () => (await audit.list({ limit: 1 }))[0]?.id;
      for (const { id, method } of changing) {
        if (id === 'endSignIn') continue; // see above: there has to be one
        const sample = adminSamples(await things(server, `audit-${id}`))[id] as AdminSample;
        const before = await newest();
        const { status, headers } = await askAdmin(server, sample.path, {
          ...{ method, key: operator.secret, body: sample.body },
        });
        expect({ id, status: Math.floor(status / 100) }).toEqual({ id, status: 2 });
        const records = await audit.list({ limit: 5 });
        const own = records.slice(
          0,
          records.findIndex((record) => record.id === before),
        );
        expect({ id, records: own }).toEqual({
          id,
          records: [
            expect.objectContaining({
              ...{ actor: `operations/${operator.sub}`, actorKind: 'operator', channel: 'api' },
              ...{ outcome: 'success', requestId: headers.get('x-request-id') },
              address: expect.stringMatching(/^198\.18\./),
            }),
          ],
        });
      }
    });

    it('is listed by cursor and filter, verified, and exported whole', async () => {
      const first = (await ask('/audit?limit=2')).body;
      expect(first.entries).toHaveLength(2);
      const second = (await ask(`/audit?limit=2&before=${first.next}`)).body;
      expect(JSON.stringify(second.entries)).not.toContain(JSON.stringify((first.entries as unknown[])[0]));
      const added = (await ask('/audit?action=user.add&outcome=success&limit=200')).body.entries as readonly {
        action: string;
      }[];
      expect(new Set(added.map(({ action }) => action))).toEqual(new Set(['user.add']));

      expect((await ask('/audit/verification')).body).toMatchObject({ intact: true, findings: [] });

      const { secret: key } = boss;
      const exported = async (format: string) => {
        const response = await fetch(
          `${server.publicUrl}/admin/api/v1/tenants/acme/audit/export?format=${format}`,
          {
            headers: { authorization: `Bearer ${key}` },
          },
        );
        return { type: response.headers.get('content-type'), lines: (await response.text()).split('\n') };
      };
      const [json, csv, cef] = await Promise.all(['json', 'csv', 'cef'].map(exported));
      expect(json?.type).toBe('application/x-ndjson; charset=utf-8');
      expect(JSON.parse(json?.lines[0] ?? '')).toHaveProperty('action');
      expect(csv?.lines.length).toBe((json?.lines.length ?? 0) + 1);
      expect(cef?.lines[0]).toMatch(/^CEF:0\|Drawbridge\|/);
    });
  });

  if (store.name === 'sqlite')
    it('changes nothing when the audit record cannot be written', async () => {
      const some = await things(server, 'closed');
      const database = (await loadDriver())(databaseFile(server.storeUrl.slice('file:'.length)));
      const kept = () =>
        ['accounts', 'api_keys', 'artifacts'].map((table) =>
          database.prepare(`SELECT * FROM ${table} WHERE tenant = 'acme'`).all(),
        );
      // the key was just used, which is noted a moment later
      await ask('/people');
      for (const { afterAnswer } of server.instances) await afterAnswer.idle();
      const before = kept();
      database.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END");
      try {
        for (const { id } of changing) {
          if (id === 'endSignIn') continue;
          const { path, body } = adminSamples(some)[id] as AdminSample;
          const { status } = await askAdmin(server, path, { method: methodOf(id), key: boss.secret, body });
          expect({ id, status }).toEqual({ id, status: 503 });
        }
        expect(kept()).toEqual(before);
      } finally {
        database.exec('DROP TRIGGER full');
        database.close();
      }
    });
});
