// What people do with their own account, by the API: where they are signed in, which apps have access, what was done.
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import sharp from 'sharp';
import { askApi } from '../support/account-api.ts';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import { approveDevice, pollDevice, startDevice } from '../support/device.ts';
import { eventually } from '../support/eventually.ts';
import { instanceHeader } from '../support/instances-front.ts';
import { openLogoutApp } from '../support/logout-app.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { addNewPerson, type NewPerson } from '../support/new-person.ts';
import {
  type Answer,
  refresh,
  signIn,
  type TokenBody,
  toAnswer,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  bob,
  migrator,
  ordersResource,
  partner,
  sampleClients,
  sampleTenant,
  shop,
  tv,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { withEachStore } from '../support/use-server.ts';

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const scope = 'openid account';

interface ShownSession {
  readonly id: string;
  readonly current: boolean;
  readonly address?: string;
  readonly browser?: string;
  readonly system?: string;
  readonly services: readonly string[];
  readonly apps: readonly { readonly client_id: string }[];
}

const logouts = await openLogoutApp();
afterAll(() => logouts.close());

const tenant = sampleTenant({
  clients: [
    ...sampleClients.filter(({ client_id: id }) => id !== partner.id),
    webClient(partner, { firstParty: false, backchannel_logout_uri: logouts.uri }),
  ],
});

await withEachStore({ instances: 2, tenants: { acme: tenant } }, (server) => {
  const issuer = server.issuer('acme');
  let person: NewPerson;
  let sub: string;

  beforeEach(async () => {
    ({ person, sub } = await addNewPerson(server));
  });

  const ask = (token: string | undefined, path: string, method = 'GET'): Promise<Answer> =>
    askApi(issuer, path, { method, token });
  const signInWith = (browser: Browser = createBrowser(), client = web): Promise<TokenBody> =>
    tokensFor(browser, { issuer, client, scope }, person);
  const sessionsOf = async (token: string | undefined): Promise<readonly ShownSession[]> => {
    const { status, body } = await ask(token, '/sessions');
    expect(status).toBe(200);
    return body.sessions as ShownSession[];
  };
  /** At both instances, which both keep answers for moments. */
  const statusOf = async (token: string | undefined): Promise<readonly number[]> =>
    Promise.all(
      ['0', '1'].map(
        async (index) => (await userinfo(issuer, token ?? '', { [instanceHeader]: index })).status,
      ),
    );
  const actionsOf = async () =>
    (await server.storage.forTenant('acme').audit.list({ sub, limit: 20 })).map(({ action }) => action);

  describe('the sessions of the person', () => {
    it('are shown with browser, address and apps', async () => {
      const browser = createBrowser({ 'user-agent': firefox });
      const first = await signInWith(browser);
      await signIn(browser, { issuer, client: shop }, person);
      const other = await signInWith(createBrowser({ 'user-agent': 'x'.repeat(5000) }));

      const shown = await sessionsOf(first.access_token);
      expect(shown).toHaveLength(2);
      const current = shown.find((session) => session.current);
      expect(current).toEqual({
        id: expect.stringMatching(/^[\w-]{43}$/),
        current: true,
        signed_in_at: expect.any(Number),
        expires_at: expect.any(Number),
        address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
        browser: 'Firefox',
        system: 'Linux',
        apps: expect.arrayContaining([
          { client_id: 'web', client_name: 'The web app' },
          { client_id: 'shop', client_name: 'The shop app' },
        ]),
        services: [],
      });
      expect(await sessionsOf(other.access_token)).toMatchObject(
        shown.map(({ id, current: isFirst }) => ({ id, current: !isFirst })),
      );
      const stored = await server.storage.forTenant('acme').artifacts.sessionsOf(sub);
      for (const { payload } of stored) expect(payload.length).toBeLessThan(1500);
    });

    it('end one by one, with tokens, sessions at services, and everywhere at once', async () => {
      const [mine, other] = [await signInWith(), await signInWith()];
      const shown = await sessionsOf(mine.access_token);
      const { id = '' } = shown.find(({ current }) => !current) ?? {};
      const { gatewaySessions } = await servedTenant(server, 'acme');
      const nowSeconds = Math.floor(Date.now() / 1000);
      const atService = await gatewaySessions.begin({
        ...{ sub, host: 'files.example.com', sessionId: id, signedInAt: nowSeconds, amr: ['pwd'] },
      });
      expect(await gatewaySessions.find(atService, 'files.example.com')).toBeDefined();
      expect((await sessionsOf(mine.access_token)).map(({ services }) => services).toSorted()).toEqual([
        [],
        ['files.example.com'],
      ]);

      expect((await ask(mine.access_token, `/sessions/${id}`, 'DELETE')).status).toBe(204);
      expect(await gatewaySessions.find(atService, 'files.example.com')).toBeUndefined();
      expect(await statusOf(other.access_token)).toEqual([401, 401]);
      expect((await refresh(issuer, web, other.refresh_token)).status).toBe(400);
      expect(await statusOf(mine.access_token)).toEqual([200, 200]);
      expect(await sessionsOf(mine.access_token)).toHaveLength(1);
      expect((await ask(mine.access_token, `/sessions/${id}`, 'DELETE')).status).toBe(404);
      expect(await actionsOf()).toContain('session.end');
    });

    it('of somebody else cannot be ended', async () => {
      const mine = await signInWith();
      const [hers] = await sessionsOf(mine.access_token);
      const bobs = await tokensFor(createBrowser(), { issuer, client: web, scope }, bob);
      expect((await ask(bobs.access_token, `/sessions/${hers?.id}`, 'DELETE')).status).toBe(404);
      expect(await statusOf(mine.access_token)).toEqual([200, 200]);
    });

    it('all end but the present one, with tokens that have no session', async () => {
      const mine = await signInWith();
      const others = [await signInWith(), await signInWith()];
      const form = { grant_type: 'password', scope: 'openid', ...person };
      const direct = (await tokenRequest(issuer, migrator, form)).body;
      expect(await statusOf(direct.access_token)).toEqual([200, 200]);

      const { status, body } = await ask(mine.access_token, '/sessions', 'DELETE');
      expect([status, body]).toEqual([200, { ended: 2 }]);
      for (const { access_token, refresh_token } of [...others, direct]) {
        expect(await statusOf(access_token)).toEqual([401, 401]);
        if (refresh_token !== undefined) expect((await refresh(issuer, web, refresh_token)).status).toBe(400);
      }
      expect(await sessionsOf(mine.access_token)).toHaveLength(1);
      expect((await refresh(issuer, web, mine.refresh_token)).status).toBe(200);
      expect(await actionsOf()).toContain('session.end_others');
    });

    it('all end but the presented token, if that has no session', async () => {
      const inBrowser = await signInWith();
      const form = { grant_type: 'password', scope, ...person };
      const mine = (await tokenRequest(issuer, migrator, form)).body;
      expect((await ask(mine.access_token, '/sessions', 'DELETE')).body).toEqual({ ended: 1 });
      expect(await statusOf(mine.access_token)).toEqual([200, 200]);
      expect(await statusOf(inBrowser.access_token)).toEqual([401, 401]);
    });
  });

  describe('the apps of the person', () => {
    const appsOf = async (token: string | undefined): Promise<readonly ShownApp[]> => {
      const { status, body } = await ask(token, '/apps');
      expect(status).toBe(200);
      return body.apps as ShownApp[];
    };

    it('are shown with what they may do, without the account page', async () => {
      const browser = createBrowser();
      const mine = await signInWith(browser);
      const asked = { scope: 'openid email orders:read', extra: { resource: ordersResource } };
      await tokensFor(browser, { issuer, client: partner, ...asked, consent: true }, person);
      await browser.follow(await browser.get(issuer));

      const apps = await appsOf(mine.access_token);
      expect(apps.map(({ client_id }) => client_id).toSorted()).toEqual(['partner', 'web']);
      expect(apps.find(({ client_id }) => client_id === 'partner')).toEqual({
        client_id: 'partner',
        client_name: 'The partner app',
        first_party: false,
        scopes: ['openid', 'email'],
        resources: [{ identifier: ordersResource, scopes: ['orders:read'] }],
        granted_at: expect.any(Number),
        expires_at: expect.any(Number),
      });
    });

    it('lose their access when it is withdrawn, with a logout token, and ask again', async () => {
      const browser = createBrowser();
      const mine = await signInWith(browser);
      const atPartner = { issuer, client: partner, scope: 'openid' };
      const theirs = await tokensFor(browser, { ...atPartner, consent: true }, person);
      expect((await signIn(browser, atPartner, person)).seen).toEqual([]);
      const before = logouts.tokens.length;

      expect((await ask(mine.access_token, '/apps/partner', 'DELETE')).status).toBe(204);
      expect(await statusOf(theirs.access_token)).toEqual([401, 401]);
      expect((await refresh(issuer, partner, theirs.refresh_token)).status).toBe(400);
      expect(await statusOf(mine.access_token)).toEqual([200, 200]);
      expect((await appsOf(mine.access_token)).map(({ client_id }) => client_id)).toEqual(['web']);
      expect((await sessionsOf(mine.access_token))[0]?.apps).toEqual([
        expect.objectContaining({ client_id: 'web' }),
      ]);
      await eventually('a logout token', () => logouts.tokens.length > before, 10_000);
      expect(decodeJwt(logouts.tokens.at(-1) ?? '')).toMatchObject({ sub, aud: 'partner' });
      expect(await actionsOf()).toContain('app.withdraw');

      expect((await ask(mine.access_token, '/apps/partner', 'DELETE')).status).toBe(404);
      expect((await signIn(browser, { ...atPartner, consent: true }, person)).seen).toEqual(['consent']);
    });

    it('lose their devices and tokens without session too', async () => {
      const mine = await signInWith();
      const started = await startDevice(issuer, { client: tv });
      await approveDevice(createBrowser(), issuer, started, person);
      const device = (await pollDevice(issuer, started)).body;
      const form = { grant_type: 'password', scope: 'openid', ...person };
      const direct = (await tokenRequest(issuer, migrator, form)).body;

      for (const client of [tv, migrator])
        expect((await ask(mine.access_token, `/apps/${client.id}`, 'DELETE')).status).toBe(204);
      for (const { access_token } of [device, direct])
        expect(await statusOf(access_token)).toEqual([401, 401]);
      expect((await ask(mine.access_token, '/devices')).body).toEqual({ devices: [] });
    });

    it('of somebody else, and the account page, are not found', async () => {
      const mine = await signInWith(createBrowser(), shop);
      const bobs = await tokensFor(createBrowser(), { issuer, client: web, scope }, bob);
      expect((await ask(bobs.access_token, '/apps/shop', 'DELETE')).status).toBe(404);
      expect((await ask(mine.access_token, '/apps/drawbridge-account', 'DELETE')).status).toBe(404);
      expect(await statusOf(mine.access_token)).toEqual([200, 200]);
    });
  });

  describe('the audit record of the person', () => {
    it('has what they did and what was done, without anything of other people', async () => {
      const failed = { grant_type: 'password', username: person.username, password: 'wrong' };
      await tokenRequest(issuer, migrator, failed);
      const mine = await signInWith();
      const { audit } = server.storage.forTenant('acme');
      const at = Date.now() + 60_000;
      const byAdmin = {
        actor: 'another-sub',
        object: sub,
        address: '192.0.2.1',
        reason: 'x',
        requestId: 'r',
      };
      await audit.append({ ...byAdmin, id: 'a1', at, action: 'user.edit', outcome: 'success' });
      await audit.append({
        id: 'a2',
        at,
        action: 'user.edit',
        outcome: 'success',
        actor: 'cli',
        object: 'bob',
      });

      const { status, body } = await ask(mine.access_token, '/audit');
      expect(status).toBe(200);
      const entries = body.entries as readonly Record<string, unknown>[];
      expect(entries[0]).toEqual({
        id: 'a1',
        at: Math.floor(at / 1000),
        action: 'user.edit',
        outcome: 'success',
        by: 'administrator',
      });
      expect(entries).toContainEqual({
        id: expect.any(String),
        at: expect.any(Number),
        action: 'sign_in.page',
        outcome: 'success',
        by: 'person',
        address: expect.any(String),
        client_id: 'web',
      });
      const attempt = entries.find(({ outcome }) => outcome === 'failure');
      expect(attempt).toMatchObject({ action: 'sign_in.password_grant', by: 'unknown' });
      expect(attempt).not.toHaveProperty('address');
      expect(entries.find(({ action }) => action === 'user.add')).toMatchObject({ by: 'administrator' });
      expect(JSON.stringify(entries)).not.toMatch(/another-sub|192\.0\.2\.1|bob/);
    });

    it('comes in pages', async () => {
      const mine = await signInWith();
      const { audit } = server.storage.forTenant('acme');
      for (let n = 0; n < 55; n += 1)
        await audit.append({ id: `${sub}-${n}`, at: n, action: 'test', outcome: 'success', actor: sub });
      const first = (await ask(mine.access_token, '/audit')).body;
      expect(first.entries).toHaveLength(50);
      const next = (await ask(mine.access_token, `/audit?before=${first.next}`)).body;
      expect(next).not.toHaveProperty('next');
      const ids = [...(first.entries as { id: string }[]), ...(next.entries as { id: string }[])].map(
        ({ id }) => id,
      );
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.filter((id) => id.startsWith(`${sub}-`))).toHaveLength(55);
    });
  });

  describe('the export', () => {
    it('has all that is kept of the person, without secrets', async () => {
      const browser = createBrowser({ 'user-agent': firefox });
      const mine = await signInWith(browser);
      const started = await startDevice(issuer, { client: tv });
      await approveDevice(browser, issuer, started, person);
      await pollDevice(issuer, started);

      const secrets = { sealedSecret: 'sealed-secret', lastStep: 1 };
      await server.storage.forTenant('acme').accounts.update(sub, {
        factors: [
          { type: 'totp', id: 'f1', name: 'Phone', createdAt: 1000, ...secrets },
          { type: 'recovery_codes', createdAt: 1000, hashes: ['hash-of-a-code'] },
        ],
      });
      const sealed = { address: 'd…@acme.example', content: 'sealed-content', attempts: 0, nextAttemptAt: 1 };
      await server.storage.forTenant('acme').mails.add([
        {
          ...sealed,
          id: 'm-of-the-export',
          sub,
          purpose: 'factor_added',
          state: 'kept',
          createdAt: Date.now(),
        },
      ]);
      await server.storage.forTenant('acme').apiKeys.insert({
        ...{ id: `key-of-${sub}`, sub, isOwn: true, note: 'Old program', services: ['files'], version: 1 },
        secrets: [{ publicId: `p${sub}`, hash: 'hash-of-a-key', createdAt: 1000 }],
        createdAt: 1000,
      });
      const { status, body } = await ask(mine.access_token, '/export');
      expect(status).toBe(200);
      expect(body.keys).toEqual([
        {
          ...{ id: `key-of-${sub}`, own: true, note: 'Old program', services: ['files'] },
          ...{ public_ids: [`db_p${sub}`], created_at: 1 },
        },
      ]);
      expect(body.mails).toEqual([
        {
          ...{ purpose: 'factor_added', address: 'd…@acme.example', state: 'kept' },
          created_at: expect.any(Number),
        },
      ]);
      expect(body).toMatchObject({
        exported_at: expect.any(Number),
        account: {
          sub,
          username: person.username,
          logins: expect.arrayContaining([person.username]),
          email: `${person.username}@acme.example`,
          has_password: true,
          factors: [{ type: 'totp', name: 'Phone', created_at: 1 }],
          recovery_codes_left: 1,
        },
        sessions: [{ client_ids: expect.arrayContaining(['web']), user_agent: firefox }],
        devices: [{ client_id: 'tv', created_at: expect.any(Number) }],
      });
      expect((body.apps as ShownApp[]).map(({ client_id }) => client_id)).toEqual(
        expect.arrayContaining(['web', 'tv']),
      );
      expect(body.audit).toContainEqual(expect.objectContaining({ action: 'sign_in.page', by: 'person' }));
      const account = await server.storage.forTenant('acme').accounts.findBySub(sub);
      expect(JSON.stringify(body)).not.toContain(account?.passwordHash);
      expect(JSON.stringify(body)).not.toMatch(/sealed-secret|hash-of-a-code|hash-of-a-key|sealed-content/);
    });

    it('needs a recent sign-in', async () => {
      const mine = await signInWith();
      moveTime(6 * 60);
      try {
        const refused = await ask(mine.access_token, '/export');
        expect([refused.status, refused.body.error]).toEqual([401, 'insufficient_user_authentication']);
        expect(refused.headers.get('www-authenticate')).toContain('max_age="300"');
        expect((await ask(mine.access_token, '/account')).status).toBe(200);
      } finally {
        restoreTime();
      }
    });
  });

  describe('the picture', () => {
    const upload = async (token: string | undefined, body: Buffer, type = 'image/png'): Promise<Answer> =>
      toAnswer(
        await fetch(`${issuer}/api/v1/picture`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${token}`, 'content-type': type },
          body: new Uint8Array(body),
        }),
      );
    const image = (width: number, height = width) =>
      sharp({ create: { width, height, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 0.5 } } });
    const claimOf = async (token: string | undefined) => (await userinfo(issuer, token ?? '')).body.picture;
    const withProfile = () =>
      tokensFor(createBrowser(), { issuer, client: web, scope: `${scope} profile` }, person);

    it('is written anew, served to everybody who knows its address, and is a claim', async () => {
      const mine = await withProfile();
      const secret = 'where it was taken';
      const sent = await image(300, 200)
        .withExif({ IFD0: { ImageDescription: secret } })
        .png()
        .toBuffer();
      expect(sent.includes(secret)).toBe(true);
      const { status, body } = await upload(mine.access_token, sent);
      expect(status).toBe(200);
      const url = String(body.picture);
      expect(url.startsWith(`${issuer}/pictures/${sub}/`)).toBe(true);

      const served = await fetch(url);
      expect(served.status).toBe(200);
      expect(Object.fromEntries(served.headers)).toMatchObject({
        'content-type': 'image/jpeg',
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'cross-origin',
        'cache-control': 'public, max-age=3600',
      });
      const file = Buffer.from(await served.arrayBuffer());
      expect(await sharp(file).metadata()).toMatchObject({ format: 'jpeg', width: 256, height: 256 });
      expect(file.includes(secret)).toBe(false);
      expect(await claimOf(mine.access_token)).toBe(url);
      expect((await ask(mine.access_token, '/account')).body.picture).toBe(url);
      const exported = (await ask(mine.access_token, '/export')).body.account as { picture: string };
      expect(exported.picture).toBe(`data:image/jpeg;base64,${file.toString('base64')}`);

      const next = String((await upload(mine.access_token, sent)).body.picture);
      expect([(await fetch(url)).status, (await fetch(next)).status]).toEqual([404, 200]);
      expect((await ask(mine.access_token, '/picture', 'DELETE')).status).toBe(204);
      expect((await ask(mine.access_token, '/picture', 'DELETE')).status).toBe(404);
      expect((await fetch(next)).status).toBe(404);
      expect(await claimOf(mine.access_token)).toBeUndefined();
      expect(await actionsOf()).toEqual(
        expect.arrayContaining(['account.picture', 'account.picture_removed']),
      );
    });

    it.each([
      ['of another type', async () => Buffer.from('hello'), 'text/plain', 415],
      ['that is none', async () => Buffer.from('hello'), 'image/png', 400],
      ['that is empty', async () => Buffer.alloc(0), 'image/png', 400],
      [
        'that could have scripts',
        async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        'image/png',
        400,
      ],
      ['that is damaged', async () => (await image(300).png().toBuffer()).subarray(0, 300), 'image/png', 400],
      ['with too many pixels', () => image(5100).png().toBuffer(), 'image/png', 400],
      ['that is too large', async () => Buffer.alloc(4_000_001), 'image/png', 413],
    ])('refuses a file %s', async (_what, file, type, status) => {
      const mine = await signInWith();
      const answer = await upload(mine.access_token, await file(), type);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('x-error-id')).toBe(answer.body.error_id);
      expect((await ask(mine.access_token, '/account')).body).not.toHaveProperty('picture');
    });

    it('goes with the account', async () => {
      const mine = await signInWith();
      const { body } = await upload(mine.access_token, await image(9).png().toBuffer());
      expect((await fetch(String(body.picture))).status).toBe(200);
      expect(await server.users('acme').remove(person.username)).toMatchObject({ ok: true });
      expect((await fetch(String(body.picture))).status).toBe(404);
    });

    it('is changed and removed on the account page', async () => {
      const browser = createBrowser();
      await signInWith(browser);
      const page = await browser.get(`${issuer}/account`);
      const csrf = formsOf(page).find(({ action }) => action.endsWith('/picture'))?.fields.csrf ?? '';
      const send = async (file: Buffer): Promise<string> => {
        const form = new FormData();
        form.set('csrf', csrf);
        form.set('picture', new Blob([new Uint8Array(file)]), 'me.png');
        const answer = await fetch(`${issuer}/account/picture`, {
          method: 'POST',
          body: form,
          redirect: 'manual',
          headers: {
            cookie: browser
              .cookies()
              .map(({ name, value }) => `${name}=${value}`)
              .join('; '),
          },
        });
        expect(answer.status).toBe(303);
        return textOf(await browser.get(new URL(answer.headers.get('location') ?? '', issuer).href));
      };
      expect(await send(Buffer.alloc(0))).toContain('Please choose a file first.');
      expect(await send(Buffer.from('hello'))).toContain('could not be read as a picture');
      expect(await send(Buffer.alloc(4_000_001))).toContain('too large');
      expect(await send(await image(9).webp().toBuffer())).toContain('Your picture has been changed.');
      const shown = await browser.get(`${issuer}/account`);
      const url = /<img[^>]* src="([^"]*pictures[^"]*)"/.exec(shown.body)?.[1] ?? '';
      expect((await fetch(url)).headers.get('content-type')).toBe('image/jpeg');
      const index = formsOf(shown).findIndex(({ action }) => action.endsWith('/picture/remove'));
      const removed = await browser.follow(await browser.submit(shown, {}, index));
      expect(textOf(removed)).toContain('Your picture has been removed.');
      expect((await fetch(url)).status).toBe(404);
    });
  });

  describe('the password', () => {
    const change = async (token: string | undefined, body: object): Promise<Answer> =>
      toAnswer(
        await fetch(`${issuer}/api/v1/password`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      );
    const next = 'another lantern in orbit';

    it('is changed by the old one, which ends all sessions and tokens', async () => {
      const [mine, other] = [await signInWith(), await signInWith()];
      const wrong = await change(mine.access_token, { old_password: 'wrong', new_password: next });
      expect([wrong.status, wrong.body.error]).toEqual([403, 'wrong_password']);
      expect(wrong.headers.get('x-error-id')).toBe(wrong.body.error_id);
      const weak = await change(mine.access_token, { old_password: person.password, new_password: 'x' });
      expect([weak.status, weak.body.error]).toEqual([400, 'password_refused']);
      expect(await statusOf(other.access_token)).toEqual([200, 200]);

      const changed = await change(mine.access_token, { old_password: person.password, new_password: next });
      expect(changed.status).toBe(204);
      for (const { access_token } of [mine, other]) expect(await statusOf(access_token)).toEqual([401, 401]);
      expect((await ask(mine.access_token, '/account')).status).toBe(401);
      person = { ...person, password: next };
      expect((await ask((await signInWith()).access_token, '/account')).status).toBe(200);
    });

    it('is not guessed without limit', async () => {
      const mine = await signInWith();
      const answers: number[] = [];
      while (!answers.includes(429) && answers.length < 60)
        answers.push((await change(mine.access_token, { old_password: 'wrong', new_password: next })).status);
      expect(answers.at(-1)).toBe(429);
      expect(new Set(answers.slice(0, -1))).toEqual(new Set([403]));
    });

    it('of a demo user stays', async () => {
      const bobs = await tokensFor(createBrowser(), { issuer, client: web, scope }, bob);
      const answer = await change(bobs.access_token, { old_password: bob.password, new_password: next });
      expect(answer.status).toBe(404);
    });
  });

  describe('the pages of the account', () => {
    /** A browser whose person is signed in at the tenant. */
    const visitor = async (headers: Readonly<Record<string, string>> = {}): Promise<Browser> => {
      const browser = createBrowser(headers);
      await signInWith(browser);
      return browser;
    };
    const formAt = (page: Page, path: string): number => {
      const index = formsOf(page).findIndex(({ action }) => action.includes(path));
      if (index < 0) throw new Error(`no form for ${path} on ${page.url}: ${textOf(page)}`);
      return index;
    };

    it('lead to each other, and to a sign-in without a session', async () => {
      const browser = await visitor();
      for (const path of ['', '/sessions', '/apps', '/activity']) {
        const page = await browser.get(`${issuer}/account${path}`);
        expect(page.status).toBe(200);
        expect(page.headers.get('cache-control')).toBe('no-store');
        const current = /<a href="([^"]*)" aria-current="page">/.exec(page.body)?.[1];
        expect(current).toBe(`${issuer}/account${path}`);
      }
      const stranger = createBrowser();
      const login = await stranger.follow(await stranger.get(`${issuer}/account/sessions`));
      const page = await stranger.follow(
        await stranger.submit(login, { login: person.username, password: person.password }),
      );
      expect(page.url).toBe(`${issuer}/account/sessions`);
    });

    it('end one sign-in, or all others', async () => {
      const browser = await visitor({ 'user-agent': firefox });
      const others = [await signInWith(), await signInWith()];
      const page = await browser.get(`${issuer}/account/sessions`);
      expect(textOf(page)).toContain('Firefox on Linux This browser');
      expect(textOf(page)).toContain('Apps: The web app');

      const ended = await browser.follow(await browser.submit(page, {}, formAt(page, '/end')));
      expect(textOf(ended)).toContain('That sign-in has ended');
      const alive = async () =>
        (await Promise.all(others.map(({ access_token }) => statusOf(access_token)))).flat().toSorted();
      expect(await alive()).toEqual([200, 200, 401, 401]);

      const all = await browser.follow(await browser.submit(ended, {}, formAt(ended, '/end-others')));
      expect(textOf(all)).toContain('You are signed out everywhere else.');
      expect(await alive()).toEqual([401, 401, 401, 401]);
      expect((await browser.get(`${issuer}/account/sessions`)).status).toBe(200);
      const again = await browser.follow(await browser.submit(page, {}, formAt(page, '/end')));
      expect(textOf(again)).toContain('That sign-in has already ended.');
    });

    it('withdraw the access of an app', async () => {
      const browser = await visitor({ 'accept-language': 'de' });
      const theirs = await tokensFor(browser, { issuer, client: partner, consent: true }, person);
      const page = await browser.get(`${issuer}/account/apps`);
      expect(textOf(page)).toContain('The partner app Erfahren, wer Sie sind');
      const withdrawn = await browser.follow(
        await browser.submit(page, {}, formAt(page, '/partner/withdraw')),
      );
      expect(textOf(withdrawn)).toContain('Die App hat keinen Zugriff mehr.');
      expect(textOf(withdrawn)).not.toContain('The partner app');
      expect(await statusOf(theirs.access_token)).toEqual([401, 401]);
    });

    it('show what was done', async () => {
      const browser = await visitor();
      const { audit } = server.storage.forTenant('acme');
      for (let n = 0; n < 26; n += 1)
        await audit.append({
          id: `v-${sub}-${n}`,
          at: n,
          action: `test.${n}`,
          outcome: 'success',
          actor: sub,
        });
      const page = await browser.get(`${issuer}/account/activity`);
      expect(textOf(page)).toContain('Signed in');
      expect(textOf(page)).toContain('Account created');
      expect(textOf(page)).not.toContain('test.0');
      const older = /href="([^"]*before=[^"]*)"/.exec(page.body)?.[1] ?? '';
      expect(textOf(await browser.get(older))).toContain('test.0');
    });

    it('give all that is kept as a file, after a recent sign-in', async () => {
      const browser = await visitor();
      const page = await browser.get(`${issuer}/account`);
      const file = await browser.submit(page, {}, formAt(page, '/export'));
      expect(file.headers.get('content-disposition')).toBe('attachment; filename="acme-account.json"');
      expect(file.headers.get('content-type')).toMatch(/^application\/json/);
      expect(file.headers.get('cache-control')).toBe('no-store');
      expect(JSON.parse(file.body)).toMatchObject({ account: { sub }, sessions: [{}] });
      moveTime(6 * 60);
      try {
        const later = await browser.submit(page, {}, formAt(page, '/export'));
        expect(new URL(later.location ?? '').searchParams.get('max_age')).toBe('300');
      } finally {
        restoreTime();
      }
    });

    it.each(['/sessions/end-others', '/apps/web/withdraw', '/export'])(
      'accept no form of another site: %s',
      async (path) => {
        const browser = await visitor();
        const other = await signInWith();
        const answer = await browser.post(`${issuer}/account${path}`, { csrf: 'x' });
        expect(answer.headers.get('content-disposition')).toBeNull();
        expect(answer.status).toBeGreaterThanOrEqual(300);
        expect(await statusOf(other.access_token)).toEqual([200, 200]);
      },
    );
  });
});

interface ShownApp {
  readonly client_id: string;
}
