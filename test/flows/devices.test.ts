import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TenantRevocation } from '../../src/accounts/revocation-hub.ts';
import { type Browser, createBrowser } from '../support/browser.ts';
import { serviceOf } from '../support/callers.ts';
import {
  approve,
  approveDevice,
  enterCode,
  pollDevice,
  type StartedDevice,
  startDevice,
} from '../support/device.ts';
import { eventually } from '../support/eventually.ts';
import { instanceHeader } from '../support/instances-front.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  type Answer,
  introspect,
  isConsentPage,
  type Parameters,
  postAs,
  refresh,
  signOut,
  toAnswer,
  tokenRequest,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  alice,
  bob,
  type KnownClient,
  migrator,
  openClient,
  ordersApi,
  ordersResource,
  publicClient,
  sampleClients,
  sampleTenant,
  service,
  tv,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import type { TestServerOptions } from '../support/test-server.ts';
import { withEachStore } from '../support/use-server.ts';

const hostile = '"><script>alert(1)</script>';
const origin = 'https://spa.example.com';
const theirs = openClient('their-tv', '');
const grant_types = ['urn:ietf:params:oauth:grant-type:device_code' as const, 'refresh_token' as const];
const plenty = { attempts: 1000, window: '1m' };
const tenant = sampleTenant({
  clients: [
    ...sampleClients.filter(({ client_id: id }) => id !== web.id),
    webClient(web, { allowedOrigins: [origin] }),
    publicClient(theirs, { grant_types, redirect_uris: [], firstParty: false }),
  ],
  throttle: { userCodeSession: plenty, userCodeAddress: plenty, userCodeTenant: plenty, account: plenty },
  lifetimes: { session: '1d', refreshToken: '30d' },
});
const timeoutMs = 10_000;

interface ListedDevice {
  readonly id: string;
  readonly name?: string;
  readonly serial?: string;
  readonly created_at: number;
  readonly last_seen_at: number;
  readonly signed_in: boolean;
  readonly current: boolean;
}

interface LetIn {
  readonly access: string;
  readonly refresh: string;
}

const options: Omit<TestServerOptions, 'store'> = {
  instances: 2,
  tenants: { acme: tenant, globex: tenant },
  settings: {
    server: { trustedProxies: ['127.0.0.1', '::1'] },
    gateway: { services: [serviceOf({ name: 'films', host: 'films.example.com' })] },
  },
};

await withEachStore(options, (server) => {
  const issuer = server.issuer('acme');
  let heard: TenantRevocation[][];
  let person = 0;

  beforeAll(() => {
    for (const [index, { hub }] of server.instances.entries())
      hub.subscribe({ event: (event) => void heard[index]?.push(event), lost: () => {} });
  });
  beforeEach(() => {
    heard = [[], []];
  });
  afterEach(restoreTime);

  /** Somebody who has no devices yet. */
  const newPerson = async () => {
    person += 1;
    const who = { username: `person-${person}`, password: 'a very long passphrase' };
    await server.users('acme').add(who);
    return who;
  };
  const signedIn = async (who: { username: string; password: string }): Promise<Browser> => {
    const browser = createBrowser();
    const login = await browser.follow(await browser.get(issuer));
    await browser.follow(await browser.submit(login, { login: who.username, password: who.password }));
    return browser;
  };
  const begin = async (form: Parameters, client: KnownClient = tv): Promise<StartedDevice> => {
    const { status, body } = await postAs(client, `${issuer}/device/auth`, {
      form: { scope: 'openid', ...form },
    });
    expect(status).toBe(200);
    return body as unknown as StartedDevice;
  };
  const letIn = async (browser: Browser, form: Parameters = {}): Promise<LetIn> => {
    const started = await begin(form);
    await approveDevice(browser, issuer, started);
    const { status, body } = await pollDevice(issuer, started);
    expect(status).toBe(200);
    return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
  };

  const call = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> =>
    toAnswer(await fetch(`${issuer}/devices${path}`, { ...init, method }));
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const list = async (token: string): Promise<readonly ListedDevice[]> => {
    const { status, body } = await call('GET', '', { headers: bearer(token) });
    expect(status).toBe(200);
    return body.devices as ListedDevice[];
  };
  const rename = (token: string, id: string, body: unknown): Promise<Answer> =>
    call('PATCH', `/${id}`, {
      headers: { ...bearer(token), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const revoke = (token: string, id: string): Promise<Answer> =>
    call('DELETE', `/${id}`, { headers: bearer(token) });
  /** An app of this browser, which asks for what the person's devices are. */
  const appOf = async (browser: Browser): Promise<string> =>
    (await tokensFor(browser, { issuer, client: web })).access_token;
  const onBoth = (token: string): Promise<number[]> =>
    Promise.all(
      ['0', '1'].map(async (index) => (await userinfo(issuer, token, { [instanceHeader]: index })).status),
    );

  describe('a device', () => {
    it('is there once it has its token, as it called itself', async () => {
      const browser = await signedIn(await newPerson());
      const app = await appOf(browser);
      const started = await begin({ device_name: ' Hall ', device_model: 'M1', device_serial: 'S-1' });
      await approveDevice(browser, issuer, started);
      const before = await list(app);
      await pollDevice(issuer, started);
      const now = Math.floor(Date.now() / 1000);

      expect(before).toEqual([]);
      const [device, ...more] = await list(app);
      expect(more).toEqual([]);
      expect(device).toEqual({
        id: expect.stringMatching(/^[\w-]{22}$/),
        name: 'Hall',
        model: 'M1',
        serial: 'S-1',
        client_id: tv.id,
        client_name: 'The tv app',
        created_at: expect.any(Number),
        last_seen_at: device?.created_at,
        signed_in: true,
        current: false,
      });
      expect(Math.abs((device?.created_at ?? 0) - now)).toBeLessThan(60);
    });

    it('may say nothing of itself', async () => {
      const browser = await signedIn(await newPerson());
      await letIn(browser, { device_name: '', device_serial: '  ' });
      const [device] = await list(await appOf(browser));

      expect(device).toMatchObject({ client_id: tv.id, signed_in: true });
      expect(device).not.toHaveProperty('name');
      expect(device).not.toHaveProperty('serial');
    });

    it('is one device when it is asked for twenty times at once', async () => {
      const browser = await signedIn(await newPerson());
      const started = await begin({});
      await approveDevice(browser, issuer, started);
      await Promise.all(Array.from({ length: 20 }, () => pollDevice(issuer, started)));

      expect(await list(await appOf(browser))).toHaveLength(1);
    });

    it('is seen when it gets tokens, at most once a minute', async () => {
      const browser = await signedIn(await newPerson());
      moveTime(0);
      const { refresh: first } = await letIn(browser, { device_serial: 'seen' });
      const app = await appOf(browser);
      const [device] = await list(app);
      const seenAfter = async (): Promise<number> => {
        const [now] = await list(app);
        return (now?.last_seen_at ?? 0) - (device?.created_at ?? 0);
      };
      moveTime(59);
      const second = (await refresh(issuer, tv, first)).body.refresh_token;
      const early = await seenAfter();
      moveTime(2);
      expect((await refresh(issuer, tv, second)).status).toBe(200);

      expect(early).toBe(0);
      expect(await seenAfter()).toBe(61);
      expect((await list(app))[0]?.created_at).toBe(device?.created_at);
    });

    it.each(['openid', 'openid offline_access'])(
      'that signs in again (%s) is the same one, with its name, and its older sign-ins are over',
      async (scope) => {
        const who = await newPerson();
        const browser = await signedIn(who);
        const sayings = { scope, device_name: 'Hall', device_serial: 'same' };
        const signIns = [await letIn(browser, sayings)];
        const app = await appOf(browser);
        const [device] = await list(app);
        await rename(app, device?.id ?? '', { name: 'Kitchen' });
        for (const again of [browser, await signedIn(who), browser]) {
          const former = signIns.at(-1);
          const latest = await letIn(again, { ...sayings, device_model: 'M2' });
          signIns.push(latest);
          const [known, ...more] = await list(app);

          expect(more).toEqual([]);
          expect(known).toMatchObject({ id: device?.id, name: 'Kitchen', model: 'M2', signed_in: true });
          expect(await onBoth(former?.access ?? '')).toEqual([401, 401]);
          expect((await refresh(issuer, tv, former?.refresh)).body.error).toBe('invalid_grant');
          expect(await onBoth(latest.access)).toEqual([200, 200]);
        }
      },
    );

    it('of another person, another app, or without a serial is another one', async () => {
      const [one, other] = [await signedIn(await newPerson()), await signedIn(await newPerson())];
      const ofOne = await letIn(one, { device_serial: 'shared' });
      await letIn(other, { device_serial: 'shared' });
      await letIn(one);
      await letIn(one);
      const devices = await list(await appOf(one));

      expect(devices.map(({ serial }) => serial).sort()).toEqual(['shared', undefined, undefined]);
      expect(devices.every(({ signed_in }) => signed_in)).toBe(true);
      expect(await onBoth(ofOne.access)).toEqual([200, 200]);
      expect(await list(await appOf(other))).toHaveLength(1);
    });

    it.each([
      ['device_name', 'x'.repeat(101)],
      ['device_model', 'a\u0007b'],
      ['device_serial', '\u202Etxt'],
    ])('may not call itself just anything: %s', async (name, value) => {
      const { status, body } = await postAs(tv, `${issuer}/device/auth`, {
        form: { scope: 'openid', [name]: value },
      });

      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
      expect(body.error_description).toContain(name);
    });

    it('is let in with consent where its app is a stranger', async () => {
      const browser = await signedIn(await newPerson());
      for (const serial of ['a', 'b']) {
        const started = await begin({ device_serial: serial }, theirs);
        const page = await approve(browser, await enterCode(browser, issuer, started.user_code));
        const isAsked = isConsentPage(page, theirs.id);
        if (isAsked) await browser.follow(await browser.submit(page, { decision: 'allow' }));
        const { status, body } = await pollDevice(issuer, started, theirs);

        expect(isAsked).toBe(serial === 'a');
        expect(status).toBe(200);
        expect((await refresh(issuer, theirs, body.refresh_token)).status).toBe(200);
      }
      expect((await list(await appOf(browser))).map(({ signed_in }) => signed_in)).toEqual([true, true]);
    });
  });

  describe('the person', () => {
    it('sees what asks to be let in, as text', async () => {
      const started = await begin({ device_name: hostile, device_model: 'M1', device_serial: 'S-1' });
      const page = await enterCode(createBrowser(), issuer, started.user_code);

      expect(page.body).not.toContain('<script>alert');
      expect(textOf(page)).toContain(hostile);
      expect(textOf(page)).toMatch(/Model\s*M1/);
      expect(textOf(page)).toMatch(/Serial number\s*S-1/);
    });

    it('sees no empty lines where a device says nothing', async () => {
      const page = await enterCode(createBrowser(), issuer, (await startDevice(issuer)).user_code);

      expect(textOf(page)).not.toMatch(/Model|Serial number/);
    });

    it('signs one device out: at once, everywhere, and nothing else', async () => {
      const browser = await signedIn(await newPerson());
      const [one, other] = [await letIn(browser), await letIn(browser)];
      const app = await appOf(browser);
      const [own] = (await list(one.access)).filter(({ current }) => current);
      const { status } = await revoke(app, own?.id ?? '');

      expect(status).toBe(204);
      expect(await onBoth(one.access)).toEqual([401, 401]);
      expect((await refresh(issuer, tv, one.refresh)).body.error).toBe('invalid_grant');
      expect(await onBoth(other.access)).toEqual([200, 200]);
      expect((await refresh(issuer, tv, other.refresh)).status).toBe(200);
      expect(await onBoth(app)).toEqual([200, 200]);
      expect(await onBoth(await appOf(browser))).toEqual([200, 200]); // without a password
      expect((await list(app)).map(({ id }) => id)).not.toContain(own?.id);
      expect(await list(app)).toHaveLength(1);
      await eventually(
        'both instances hear of it',
        () => heard.every((events) => events.length > 0),
        timeoutMs,
      );
      for (const events of heard)
        expect(events).toContainEqual(
          expect.objectContaining({ what: 'grant', reason: 'device.revoke', tenant: 'acme' }),
        );
      expect(heard.flat().filter(({ what }) => what !== 'grant')).toEqual([]);
    });

    it('signs a device out whose token services behind the gateway have just seen', async () => {
      const browser = await signedIn(await newPerson());
      const [one, other] = [await letIn(browser), await letIn(browser)];
      const [own] = (await list(one.access)).filter(({ current }) => current);
      const atGateway = async (token: string, index: string): Promise<number> => {
        const original = {
          'x-forwarded-method': 'GET',
          'x-forwarded-proto': 'http',
          'x-forwarded-host': 'films.example.com',
          'x-forwarded-uri': '/',
          'x-forwarded-for': '203.0.113.7',
        };
        const headers = { ...bearer(token), ...original, [instanceHeader]: index };
        return (await fetch(`${server.publicUrl}/api/authz/acme/forward-auth`, { headers })).status;
      };
      const onAll = (token: string): Promise<number[]> =>
        Promise.all(['0', '1'].map((index) => atGateway(token, index)));
      const before = await onAll(one.access);
      await revoke(other.access, own?.id ?? '');

      expect(before).toEqual([200, 200]);
      // in less than what anything found out about a caller may be kept for
      await eventually(
        'both refuse it',
        async () => (await onAll(one.access)).every((status) => status === 401),
        2000,
      );
      expect(await onAll(other.access)).toEqual([200, 200]);
    });

    it('ends its JWTs too, where they are asked about', async () => {
      const browser = await signedIn(await newPerson());
      const form = { resource: ordersResource, scope: 'orders:read', device_serial: 'jwt' };
      const { access } = await letIn(browser, form);
      const app = await appOf(browser);
      const [device] = await list(app);
      const before = await introspect(issuer, ordersApi, access);
      await revoke(app, device?.id ?? '');

      expect(before.body.active).toBe(true);
      expect((await introspect(issuer, ordersApi, access)).body.active).toBe(false);
    });

    it('may connect a device again that was signed out', async () => {
      const browser = await signedIn(await newPerson());
      await letIn(browser, { device_name: 'Hall', device_serial: 'again' });
      const app = await appOf(browser);
      const [device] = await list(app);
      await rename(app, device?.id ?? '', { name: 'Kitchen' });
      await revoke(app, device?.id ?? '');
      const { access } = await letIn(browser, { device_name: 'Hall', device_serial: 'again' });

      expect(await onBoth(access)).toEqual([200, 200]);
      expect(await list(app)).toEqual([expect.objectContaining({ name: 'Hall', signed_in: true })]);
    });

    it('signs out in a browser: the devices that were let in there are signed out, no others', async () => {
      const who = await newPerson();
      const [here, there] = [await signedIn(who), await signedIn(who)];
      const form = { scope: 'openid offline_access' };
      const [one, offline] = [await letIn(here), await letIn(here, form)];
      const other = await letIn(there);
      await signOut(here, issuer);

      for (const ended of [one, offline]) {
        expect(await onBoth(ended.access)).toEqual([401, 401]);
        expect((await refresh(issuer, tv, ended.refresh)).body.error).toBe('invalid_grant');
      }
      expect((await refresh(issuer, tv, other.refresh)).status).toBe(200);
      const states = (await list(await appOf(there))).map(({ signed_in }) => signed_in);
      expect(states.sort()).toEqual([false, false, true]);
    });

    it('is away for long: what asked for offline_access goes on, the rest has ended', async () => {
      const who = await newPerson();
      const browser = await signedIn(who);
      const [online, offline] = [
        await letIn(browser),
        await letIn(browser, { scope: 'openid offline_access' }),
      ];
      moveTime(2 * 86_400);

      expect((await refresh(issuer, tv, online.refresh)).body.error).toBe('invalid_grant');
      expect((await refresh(issuer, tv, offline.refresh)).status).toBe(200);
      const states = (await list(await appOf(await signedIn(who)))).map(({ signed_in }) => signed_in);
      expect(states.sort()).toEqual([false, true]);
    });

    it('is disabled: all devices are over', async () => {
      const who = await newPerson();
      const browser = await signedIn(who);
      const [one, other] = [await letIn(browser), await letIn(browser, { scope: 'openid offline_access' })];
      await server.users('acme').disable(who.username);

      for (const { access, refresh: token } of [one, other]) {
        expect(await onBoth(access)).toEqual([401, 401]);
        expect((await refresh(issuer, tv, token)).body.error).toBe('invalid_grant');
      }
      await server.users('acme').enable(who.username);
      expect((await refresh(issuer, tv, one.refresh)).body.error).toBe('invalid_grant');
    });
  });

  describe('a device of a disabled person', () => {
    it('is signed out, though the browser that let it in is long gone', async () => {
      const who = await newPerson();
      await letIn(await signedIn(who), { scope: 'openid offline_access' });
      moveTime(2 * 86_400);
      const sub = (await server.users('acme').find(who.username))?.sub ?? '';
      const found = await server.instances[0]?.tenants.find('acme');
      const isSignedIn = async () =>
        found?.status === 'served' && (await found.tenant.devices.list({ sub, limit: 9 }))[0]?.isSignedIn;
      const before = await isSignedIn();
      await server.users('acme').disable(who.username);

      expect([before, await isSignedIn()]).toEqual([true, false]);
    });
  });

  describe('the list', () => {
    it('renames a device, for its owner alone', async () => {
      const [browser, stranger] = [await signedIn(await newPerson()), await signedIn(await newPerson())];
      const { access } = await letIn(browser);
      const [device] = await list(access);
      const id = device?.id ?? '';
      const strange = await appOf(stranger);
      const refused = [await rename(strange, id, { name: 'Mine' }), await revoke(strange, id)];
      const renamed = await rename(access, id, { name: '  Küche 📺 ' });

      expect(refused.map(({ status }) => status)).toEqual([404, 404]);
      expect(await list(strange)).toEqual([]);
      expect({ status: renamed.status, body: renamed.body }).toMatchObject({
        status: 200,
        body: { id, name: 'Küche 📺', current: true, signed_in: true },
      });
      expect(await list(access)).toEqual([expect.objectContaining({ name: 'Küche 📺' })]);
    });

    it.each([
      ['no name', {}],
      ['an empty one', { name: '  ' }],
      ['a number', { name: 7 }],
      ['one that is too long', { name: 'x'.repeat(101) }],
      ['one with a line break', { name: 'a\nb' }],
      ['a list', ['x']],
    ])('takes no name but a plain one: %s', async (_, body) => {
      const { access } = await letIn(await signedIn(await newPerson()), { device_name: 'Hall' });
      const [device] = await list(access);
      const { status, headers } = await rename(access, device?.id ?? '', body);

      expect(status).toBe(400);
      expect(headers.get('x-error')).toBeTruthy();
      expect(headers.get('x-error-id')).toBeTruthy();
      expect((await list(access))[0]?.name).toBe('Hall');
    });

    it('has no device that is not there, and takes no body but JSON', async () => {
      const app = await appOf(await signedIn(alice));
      const text = { headers: bearer(app), body: 'name=x' };

      expect((await rename(app, 'never', { name: 'x' })).status).toBe(404);
      expect((await revoke(app, 'never')).status).toBe(404);
      expect((await call('PATCH', '/never', text)).status).toBe(400);
      expect((await call('PUT', '/never', { headers: bearer(app) })).status).toBe(405);
      expect((await call('GET', '/never', { headers: bearer(app) })).status).toBe(405);
    });

    it('refuses requests without a valid token', async () => {
      const none = await call('GET', '');
      const wrong = await call('GET', '', { headers: bearer('x'.repeat(43)) });
      const elsewhere = await tokensFor(createBrowser(), { issuer: server.issuer('globex'), client: web });
      const basic = { headers: { authorization: `Basic ${Buffer.from('alice:x').toString('base64')}` } };

      expect(none.status).toBe(401);
      expect(none.headers.get('www-authenticate')).toBe(`Bearer realm="${issuer}"`);
      expect(none.headers.get('x-error-id')).toBeTruthy();
      expect(none.headers.get('cache-control')).toBe('no-store');
      expect(wrong.status).toBe(401);
      expect(wrong.headers.get('www-authenticate')).toContain('error="invalid_token"');
      expect((await call('GET', '', { headers: bearer(elsewhere.access_token) })).status).toBe(401);
      expect((await call('GET', '', basic)).status).toBe(401);
      expect((await call('GET', `?access_token=${elsewhere.access_token}`)).status).toBe(401);
    });

    it('is for no token of a client, of another service, or without openid', async () => {
      const own = (await tokenRequest(issuer, service, { grant_type: 'client_credentials' })).body;
      const started = await begin({ resource: ordersResource, scope: 'orders:read' });
      await approveDevice(await signedIn(bob), issuer, started);
      const jwt = (await pollDevice(issuer, started)).body;
      const password = { grant_type: 'password', ...bob };
      const opaque = (await tokenRequest(issuer, migrator, password)).body;

      for (const { access_token: token } of [own, jwt, opaque]) {
        const { status, headers } = await call('GET', '', { headers: bearer(token ?? '') });
        expect({ token: token !== undefined, status }).toEqual({ token: true, status: 403 });
        expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"');
      }
    });

    it('shows a third-party app its own devices, and lets it touch no other', async () => {
      const browser = await signedIn(await newPerson());
      const { access } = await letIn(browser, { device_name: 'Hall' });
      const asked = await begin({ device_name: 'Theirs' }, theirs);
      const page = await approve(browser, await enterCode(browser, issuer, asked.user_code));
      expect(isConsentPage(page, theirs.id)).toBe(true);
      await browser.follow(await browser.submit(page, { decision: 'allow' }));
      const strange = (await pollDevice(issuer, asked, theirs)).body.access_token ?? '';
      const [hall] = (await list(access)).filter(({ current }) => current);
      const [own, ...more] = await list(strange);

      expect(more).toEqual([]);
      expect(own).toMatchObject({ name: 'Theirs', current: true });
      expect((await rename(strange, hall?.id ?? '', { name: 'x' })).status).toBe(404);
      expect((await revoke(strange, hall?.id ?? '')).status).toBe(404);
      expect((await list(access)).map(({ name }) => name).sort()).toEqual(['Hall', 'Theirs']);
      expect((await revoke(strange, own?.id ?? '')).status).toBe(204);
      expect((await call('GET', '', { headers: bearer(strange) })).status).toBe(401);
    });

    it('is read by pages of the origins that the app lists, and by no others', async () => {
      const app = await appOf(await signedIn(alice));
      const sharing = async (from: string, token?: string): Promise<string | null> => {
        const headers = { origin: from, ...(token === undefined ? {} : bearer(token)) };
        return (await call('GET', '', { headers })).headers.get('access-control-allow-origin');
      };
      const preflight = await call('OPTIONS', '/x', {
        headers: { origin, 'access-control-request-method': 'DELETE' },
      });
      const { access } = await letIn(await signedIn(alice));

      expect(await sharing(origin, app)).toBe(origin);
      expect(await sharing(origin)).toBe(origin);
      expect(await sharing(origin, access)).toBeNull(); // of an app that does not list it
      expect(await sharing('https://evil.example', app)).toBeNull();
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
      expect(preflight.headers.get('access-control-allow-methods')).toContain('DELETE');
      const strange = await call('OPTIONS', '/x', { headers: { origin: 'https://evil.example' } });
      expect(strange.headers.get('access-control-allow-origin')).toBeNull();
    });

    it('is written down: who let a device in, renamed it, signed it out', async () => {
      const who = await newPerson();
      const { access } = await letIn(await signedIn(who));
      const [device] = await list(access);
      await rename(access, device?.id ?? '', { name: 'x' });
      await revoke(access, device?.id ?? '');
      const sub = (await server.users('acme').find(who.username))?.sub;
      const records = (await server.storage.forTenant('acme').audit.list({ limit: 50 })).filter(
        ({ action, actor }) => action.startsWith('device.') && actor === sub,
      );

      expect(records.map(({ action }) => action)).toEqual([
        'device.revoke',
        'device.rename',
        'device.sign_in',
      ]);
      expect(records[0]).toMatchObject({ object: `device ${device?.id} of ${sub}`, address: '127.0.0.1' });
      expect(records[2]).toMatchObject({ clientId: tv.id, requestId: expect.any(String) });
    });
  });
});
