// All by which a person is signed in: one list in pages, and how one of them ends, or all, on all instances.
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SignInEntry, SignInKind } from '../../src/accounts/sign-ins/sign-in-entry.ts';
import type { SignIns } from '../../src/accounts/sign-ins/sign-ins.ts';
import { readApiKey } from '../../src/crypto/api-key.ts';
import { askApi } from '../support/account-api.ts';
import { createBrowser, formsOf } from '../support/browser.ts';
import { approveDevice, pollDevice, startDevice } from '../support/device.ts';
import { app, directClients } from '../support/direct-login.ts';
import { instanceHeader } from '../support/instances-front.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { addNewPerson, type NewPerson } from '../support/new-person.ts';
import { refresh, tokenRequest, tokensFor, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, migrator, sampleClients, sampleTenant, tv, web } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { lastMailedCode } from '../support/shown-mails.ts';
import { withEachStore } from '../support/use-server.ts';

const host = 'files.example.com';
const scope = 'openid account';
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const tenant = sampleTenant({
  clients: [...sampleClients, ...directClients],
  lifetimes: { session: '12h' },
});

await withEachStore({ instances: 2, tenants: { acme: tenant, globex: tenant } }, (server) => {
  const issuer = server.issuer('acme');
  let person: NewPerson;
  let sub: string;
  let signIns: SignIns;

  beforeEach(async () => {
    ({ person, sub } = await addNewPerson(server));
    ({ signIns } = await servedTenant(server, 'acme'));
  });

  const inBrowser = (browser = createBrowser(), asked = scope) =>
    tokensFor(
      browser,
      { issuer, client: web, scope: asked, extra: { prompt: 'consent' }, consent: true },
      person,
    );
  const onAppsPage = async (): Promise<string> => {
    const body = { client_id: app.id, username: person.username, password: person.password };
    return String((await askApi(issuer, '/login', { method: 'POST', body })).body.access_token);
  };
  const byPassword = async () =>
    (await tokenRequest(issuer, migrator, { grant_type: 'password', scope: 'openid', ...person })).body;
  const byDevice = async (asked = 'openid') => {
    const started = await startDevice(issuer, { client: tv, scope: asked });
    await approveDevice(createBrowser(), issuer, started, person);
    return (await pollDevice(issuer, started)).body;
  };
  const atService = async (sessionId?: string): Promise<string> => {
    const { gatewaySessions } = await servedTenant(server, 'acme');
    const signedInAt = Math.floor(Date.now() / 1000);
    return gatewaySessions.begin({
      ...{ sub, host, signedInAt, amr: ['pwd'] },
      ...(sessionId === undefined
        ? { provenBy: ['local'], origin: { address: '192.0.2.7', userAgent: 'git/2.45' } }
        : { sessionId }),
    });
  };
  const makeKey = async (): Promise<string> => {
    const { apiKeys, accounts } = await servedTenant(server, 'acme');
    const account = await accounts.findBySub(sub);
    if (account === undefined) throw new Error('the person is not there');
    const made = await apiKeys.create(account, { note: 'Nightly build' }, { actor: 'cli' });
    return made.ok ? made.secret : '';
  };
  /** At both instances, which both keep answers for moments. */
  const onBoth = async (token: string | undefined): Promise<readonly number[]> =>
    Promise.all(
      ['0', '1'].map(
        async (index) => (await userinfo(issuer, token ?? '', { [instanceHeader]: index })).status,
      ),
    );
  const serviceOnBoth = async (cookie: string): Promise<readonly boolean[]> =>
    Promise.all(
      [0, 1].map(async (instance) => {
        const { gatewaySessions } = await servedTenant(server, 'acme', instance);
        return (await gatewaySessions.find(cookie, host)) !== undefined;
      }),
    );
  const all = async (): Promise<readonly SignInEntry[]> => (await signIns.list(sub, {})).entries;
  const idOf = async (kind: SignInKind): Promise<string> =>
    (await all()).find((entry) => entry.kind === kind)?.id ?? '';
  const shown = async (token: string | undefined, query = ''): Promise<readonly ShownSignIn[]> => {
    const { status, body } = await askApi(issuer, `/account/sign-ins${query}`, { token });
    expect(status).toBe(200);
    return body.sign_ins as ShownSignIn[];
  };
  const end = async (token: string | undefined, place: string, at = issuer): Promise<number> =>
    (await askApi(at, `/account/sign-ins/${place}`, { method: 'DELETE', token })).status;

  describe('the list', () => {
    it('has everything that is signed in, each once, and says what it belongs to', async () => {
      const mine = await inBrowser(createBrowser({ 'user-agent': firefox }), `${scope} offline_access`);
      await atService(await idOf('session'));
      await atService();
      await onAppsPage();
      await byPassword();
      await byDevice('openid offline_access');
      await makeKey();

      const found = await shown(mine.access_token);
      const ofKind = (kind: SignInKind) => found.filter((entry) => entry.kind === kind);
      expect(found.map(({ kind }) => kind)).toEqual([
        ...['session', 'session', 'session', 'gateway_session', 'refresh_token', 'refresh_token'],
        ...['device', 'api_key'],
      ]);
      expect(ofKind('session')).toContainEqual({
        ...{ kind: 'session', id: expect.any(String), current: true, amr: ['pwd'] },
        ...{ browser: 'Firefox', system: 'Linux', address: expect.any(String), services: [host] },
        apps: [{ client_id: 'web', client_name: 'The web app' }],
        signed_in_at: expect.any(Number),
        expires_at: expect.any(Number),
      });
      expect(ofKind('session').find(({ page_of: page }) => page !== undefined)).toMatchObject({
        ...{ page_of: { client_id: 'app' }, apps: [{ client_id: 'app' }], current: false },
      });
      expect(ofKind('gateway_session')).toMatchObject([
        { services: [host], apps: [], browser: 'git', address: '192.0.2.7', amr: ['pwd'] },
      ]);
      const apps = ofKind('refresh_token').map((entry) => [entry.apps[0]?.client_id, entry.current]);
      expect(new Map(apps as [string, boolean][])).toEqual(
        new Map([
          ['web', true],
          ['migrator', false],
        ]),
      );
      expect(ofKind('device')).toMatchObject([
        { apps: [{ client_id: 'tv' }], last_used_at: expect.any(Number) },
      ]);
      expect(ofKind('api_key')).toMatchObject([{ name: 'Nightly build', apps: [], services: [] }]);
    });

    it.each([1, 2, 3])('comes in pages of %i, in the same order', async (limit) => {
      for (const signIn of [inBrowser, inBrowser, byPassword, byDevice, makeKey, onAppsPage]) await signIn();
      const whole = await all();
      const pages: SignInEntry[] = [];
      let cursor: string | undefined;
      do {
        const page = await signIns.list(sub, { limit, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.entries.length).toBeGreaterThan(0);
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        pages.push(...page.entries);
        cursor = page.next;
      } while (cursor !== undefined);
      expect(pages).toEqual(whole);
      expect((await signIns.list(sub, { kind: 'device' })).entries).toEqual(
        whole.filter(({ kind }) => kind === 'device'),
      );
    });

    it('says of an app that refreshes when that was, under the same id', async () => {
      const mine = await inBrowser(createBrowser(), `${scope} offline_access`);
      const [before] = await shown(mine.access_token, '?kind=refresh_token');
      expect(before).not.toHaveProperty('last_used_at');
      moveTime(5);
      try {
        expect((await refresh(issuer, web, mine.refresh_token)).status).toBe(200);
      } finally {
        restoreTime();
      }
      const after = await shown(mine.access_token, '?kind=refresh_token');
      expect(after).toEqual([
        { ...before, last_used_at: expect.any(Number), expires_at: expect.any(Number) },
      ]);
    });

    it('has the session that a code by e-mail began', async () => {
      const body = { client_id: app.id, email: 'alice@acme.example' };
      const begun = (await askApi(issuer, '/sessions', { method: 'POST', body })).body;
      for (const { afterAnswer } of server.instances) await afterAnswer.idle();
      const proof = { client_id: app.id, verification_id: begun.verification_id };
      const code = await lastMailedCode(server, 'acme');
      const verified = await askApi(issuer, '/session/verify', { method: 'POST', body: { ...proof, code } });
      const token = String(verified.body.access_token);
      const [mine] = (await shown(token)).filter(({ current }) => current);
      expect(mine).toMatchObject({ kind: 'session', page_of: { client_id: 'app' }, amr: ['email'] });
      expect(await end(token, `session/${mine?.id}`)).toBe(204);
      expect(await onBoth(token)).toEqual([401, 401]);
    });

    it('leaves out what a new password has ended, though it has no session', async () => {
      await byPassword();
      await byDevice('openid offline_access');
      await inBrowser(createBrowser(), `${scope} offline_access`);
      moveTime(2 * 86_400);
      try {
        const kinds = (await all()).map(({ kind }) => kind);
        expect(kinds).toEqual(['refresh_token', 'refresh_token', 'device']);
        await server.users('acme').setPassword(person.username, 'another lantern in orbit');
        expect(await all()).toEqual([]);
      } finally {
        restoreTime();
      }
    });

    it('leaves out a token that was refreshed while its grant ended', async () => {
      await byPassword();
      const id = await idOf('refresh_token');
      await server.storage.forTenant('acme').artifacts.write([{ op: 'remove', kind: 'Grant', id }]);
      expect(await all()).toEqual([]);
    });

    it.each(['bm9uc2Vuc2U', 'WyJzZXNzaW9uIiwxXQ', 'x', 'WyJrZXkiXQ'])(
      'refuses the cursor %s',
      async (cursor) => {
        const { access_token: token } = await inBrowser();
        const { status, body } = await askApi(issuer, `/account/sign-ins?cursor=${cursor}`, { token });
        expect([status, body.error]).toEqual([400, 'invalid_request']);
      },
    );
  });

  describe('one of them', () => {
    it('ends alone, at once on all instances', async () => {
      const mine = await inBrowser();
      const others = {
        refresh_token: await byPassword(),
        device: await byDevice('openid offline_access'),
      };
      const cookie = await atService();
      expect(await serviceOnBoth(cookie)).toEqual([true, true]);
      for (const { access_token } of Object.values(others))
        expect(await onBoth(access_token)).toEqual([200, 200]);

      for (const [kind, client] of [['refresh_token', migrator] as const, ['device', tv] as const]) {
        const place = `${kind}/${await idOf(kind)}`;
        expect(await end(mine.access_token, place)).toBe(204);
        expect(await onBoth(others[kind].access_token)).toEqual([401, 401]);
        expect((await refresh(issuer, client, others[kind].refresh_token)).status).toBe(400);
        expect(await end(mine.access_token, place)).toBe(404);
      }
      expect(await end(mine.access_token, `gateway_session/${await idOf('gateway_session')}`)).toBe(204);
      expect(await serviceOnBoth(cookie)).toEqual([false, false]);
      expect(await onBoth(mine.access_token)).toEqual([200, 200]);
    });

    it('has no token left, however often it was refreshed meanwhile', async () => {
      const mine = await inBrowser();
      const theirs = await byPassword();
      const place = `refresh_token/${await idOf('refresh_token')}`;
      const [ended, ...answers] = await Promise.all([
        end(mine.access_token, place),
        ...Array.from({ length: 20 }, () => refresh(issuer, migrator, theirs.refresh_token)),
      ]);
      expect(ended).toBe(204);
      const given = [theirs, ...answers.map(({ body }) => body)];
      for (const { access_token: token } of given)
        if (token !== undefined) expect(await onBoth(token)).toEqual([401, 401]);
      for (const { refresh_token: token } of given)
        if (token !== undefined) expect((await refresh(issuer, migrator, token)).status).toBe(400);
      expect(await idOf('refresh_token')).toBe('');
    });

    it('may be a session, with its apps and services', async () => {
      const ended = await inBrowser();
      const cookie = await atService(await idOf('session'));
      const place = `session/${await idOf('session')}`;
      const mine = await inBrowser();
      expect(await end(mine.access_token, place)).toBe(204);
      expect(await onBoth(ended.access_token)).toEqual([401, 401]);
      expect((await refresh(issuer, web, ended.refresh_token)).status).toBe(400);
      expect(await serviceOnBoth(cookie)).toEqual([false, false]);
    });

    it('of somebody else, or of another tenant, is not there', async () => {
      const hers = await inBrowser();
      await byPassword();
      const device = await byDevice();
      const cookie = await atService();
      await makeKey();
      const entries = await all();
      const bobs = await addNewPerson(server);
      const his = await tokensFor(createBrowser(), { issuer, client: web, scope }, bobs.person);
      const elsewhere = server.issuer('globex');
      const alices = await tokensFor(createBrowser(), { issuer: elsewhere, client: web, scope }, alice);
      for (const { kind, id } of entries) {
        expect(await signIns.end(bobs.sub, { kind, id }, { actor: bobs.sub })).toBe(false);
        if (kind === 'api_key') continue;
        expect(await end(his.access_token, `${kind}/${id}`)).toBe(404);
        expect(await end(alices.access_token, `${kind}/${id}`, elsewhere)).toBe(404);
      }
      expect(await all()).toEqual(entries);
      expect(await onBoth(hers.access_token)).toEqual([200, 200]);
      expect(await onBoth(device.access_token)).toEqual([200, 200]);
      expect(await serviceOnBoth(cookie)).toEqual([true, true]);
    });

    it('is no key here: keys are revoked on a page and by an operation of their own', async () => {
      const mine = await inBrowser();
      await makeKey();
      const place = `api_key/${await idOf('api_key')}`;
      expect(await end(mine.access_token, place)).toBe(400);
      expect(await signIns.end(sub, { kind: 'api_key', id: await idOf('api_key') }, { actor: 'cli' })).toBe(
        true,
      );
      expect(await idOf('api_key')).toBe('');
    });
  });

  describe('all of them', () => {
    it('end, and keys only where it is asked for', async () => {
      const tokens = [await inBrowser(createBrowser(), `${scope} offline_access`), await byPassword()];
      const device = await byDevice('openid offline_access');
      const cookie = await atService();
      await makeKey();
      const key = readApiKey(await makeKey());
      if (key === undefined) throw new Error('no key was made');
      const { findKey } = await servedTenant(server, 'acme', 1);
      const isKeyGood = async () =>
        (await findKey(key, { address: '192.0.2.7', requestId: 'r' })) !== undefined;
      expect(await signIns.endAll(sub, { actor: 'cli' })).toEqual({ sessions: 3, keys: 0 });
      for (const { access_token } of [...tokens, device])
        expect(await onBoth(access_token)).toEqual([401, 401]);
      expect((await refresh(issuer, web, tokens[0]?.refresh_token)).status).toBe(400);
      expect(await serviceOnBoth(cookie)).toEqual([false, false]);
      expect((await all()).map(({ kind }) => kind)).toEqual(['api_key', 'api_key']);
      expect(await server.storage.forTenant('acme').artifacts.grantsOf(sub, { limit: 9 })).toEqual([]);
      expect(await isKeyGood()).toBe(true);
      expect(await signIns.endAll(sub, { actor: 'cli' }, { keys: true })).toEqual({ sessions: 0, keys: 2 });
      expect(await isKeyGood()).toBe(false);
      expect(await all()).toEqual([]);
      expect(await onBoth((await inBrowser()).access_token)).toEqual([200, 200]);
    });
  });

  describe('the page', () => {
    it('shows all of them in both languages, and ends one', async () => {
      const browser = createBrowser({ 'accept-language': 'de' });
      await inBrowser(browser, `${scope} offline_access`);
      const device = await byDevice('openid offline_access');
      await atService();
      await makeKey();
      const page = await browser.get(`${issuer}/account/sessions`);
      for (const words of ['Browser und Apps', 'Programme an Diensten', 'Apps, die angemeldet bleiben'])
        expect(textOf(page)).toContain(words);
      expect(textOf(page)).toContain('Nightly build');
      const inEnglish = await browser.get(`${issuer}/account/sessions?lang=en`);
      expect(inEnglish.status).toBe(200);

      const place = (await idOf('device')).replaceAll('-', '\\-');
      const index = formsOf(page).findIndex(({ action }) => new RegExp(`/${place}/end$`).test(action));
      const ended = await browser.follow(await browser.submit(page, {}, index));
      expect(textOf(ended)).toContain('Diese Anmeldung ist beendet');
      expect(textOf(ended)).not.toContain('Geräte Gerät');
      expect(await onBoth(device.access_token)).toEqual([401, 401]);
    });

    it('goes on where there are more than it shows', async () => {
      const browser = createBrowser();
      await inBrowser(browser);
      const { artifacts } = server.storage.forTenant('acme');
      const signedInAt = Math.floor(Date.now() / 1000) - 60;
      const many = Array.from({ length: 60 }, (_, n) => ({
        ...{ kind: 'Session' as const, id: `s-${sub}-${n}`, payload: '{}', expiresAt: signedInAt + 3600 },
        ...{ accountId: sub, signedInAt, authorizations: {} },
      }));
      await artifacts.write(many.map((artifact) => ({ op: 'insert', artifact })));
      const first = await browser.get(`${issuer}/account/sessions`);
      const more = /href="([^"]*cursor=[^"]*)"/.exec(first.body)?.[1] ?? '';
      const second = await browser.get(more.replaceAll('&amp;', '&'));
      const ids = [first, second].flatMap(({ body }) => body.match(/\/s-[\w-]+\/end/g) ?? []);
      expect(ids).toHaveLength(60);
      expect(new Set(ids).size).toBe(60);
      expect(textOf(second)).not.toContain('More sign-ins');
    });
  });
});

interface ShownSignIn {
  readonly kind: SignInKind;
  readonly id: string;
  readonly current: boolean;
  readonly page_of?: { readonly client_id: string };
  readonly apps: readonly { readonly client_id: string }[];
}
