import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import QRCode from 'qrcode';
import { hashId } from '../../src/crypto/ids.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { approve, approveDevice, enterCode, pollDevice, refuse, startDevice } from '../support/device.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { refresh, tokenRequest, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  alice,
  bob,
  openClient,
  publicClient,
  sampleClients,
  sampleTenant,
  tv,
  web,
} from '../support/sample-tenants.ts';
import { eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const hostile = '"><script>alert(1)</script>';
const hostileTv = openClient('hostile-tv', '');
const radio = openClient('radio', '');

/** Enough for tests that count something else. */
const plenty = { attempts: 1000, window: '1m' };
const unthrottled = { userCodeSession: plenty, userCodeAddress: plenty, userCodeTenant: plenty };

const clients = [
  ...sampleClients,
  publicClient(hostileTv, { client_name: hostile, grant_types: [deviceGrant], redirect_uris: [] }),
  publicClient(radio, { grant_types: [deviceGrant], redirect_uris: [] }),
];

eachStore((store) => {
  let server: TestServer;
  let issuer: string;

  beforeAll(async () => {
    server = await startTestServer({
      store,
      instances: 2,
      tenants: {
        acme: sampleTenant({ clients, throttle: unthrottled }),
        globex: sampleTenant({ clients, throttle: unthrottled }),
      },
    });
    issuer = server.issuer('acme');
  });
  afterEach(restoreTime);
  afterAll(() => server.close());

  describe('the device', () => {
    it('gets codes, both addresses, the lifetime and the interval', async () => {
      const started = await startDevice(issuer);

      expect(started).toMatchObject({
        verification_uri: `${issuer}/device`,
        verification_uri_complete: `${issuer}/device?user_code=${started.user_code}`,
        expires_in: 300,
        interval: 5,
      });
      expect(started.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    });

    it('hears that the person has not decided, then gets tokens that work and can be renewed', async () => {
      const started = await startDevice(issuer, { scope: 'openid profile' });
      const early = await pollDevice(issuer, started);
      const done = await approveDevice(createBrowser(), issuer, started);
      const { status, body } = await pollDevice(issuer, started);

      expect(early.body.error).toBe('authorization_pending');
      expect(textOf(done)).toContain('Device connected');
      expect(status).toBe(200);
      expect((await userinfo(issuer, body.access_token ?? '')).body).toMatchObject({ name: 'Alice Adams' });
      expect((await refresh(issuer, tv, body.refresh_token)).status).toBe(200);
    });

    it('is asked to slow down when it polls too soon, by five more seconds each time', async () => {
      const started = await startDevice(issuer);
      const poll = async () => (await pollDevice(issuer, started)).body.error;

      moveTime(0);
      expect(await poll()).toBe('authorization_pending'); // the first is free
      expect(await poll()).toBe('slow_down'); // 10 s from now on
      moveTime(6);
      expect(await poll()).toBe('slow_down'); // 15 s
      moveTime(16);
      expect(await poll()).toBe('authorization_pending');
      moveTime(10);
      expect(await poll()).toBe('slow_down'); // 20 s
      moveTime(16);
      expect(await poll()).toBe('slow_down'); // 25 s
      moveTime(26);
      expect(await poll()).toBe('authorization_pending');
    });

    it('may poll at the interval it was given', async () => {
      const started = await startDevice(issuer);
      const errors = [];
      for (let i = 0; i < 4; i += 1) {
        errors.push((await pollDevice(issuer, started)).body.error);
        moveTime(started.interval);
      }

      expect(errors).toEqual(Array(4).fill('authorization_pending'));
    });

    it('gets expired_token once the code has expired, which can no longer be entered', async () => {
      const started = await startDevice(issuer);
      moveTime(started.expires_in + 1);
      const { status, body } = await pollDevice(issuer, started);
      const page = await enterCode(createBrowser(), issuer, started.user_code);

      expect({ status, error: body.error }).toEqual({ status: 400, error: 'expired_token' });
      expect(textOf(page)).toContain('This code has expired');
    });

    it('hears access_denied once the person has refused', async () => {
      const started = await startDevice(issuer);
      const browser = createBrowser();
      const page = await refuse(browser, await enterCode(browser, issuer, started.user_code));
      const { status, body } = await pollDevice(issuer, started);

      expect(textOf(page)).toContain('Request denied');
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'access_denied' });
    });

    it('hears access_denied once the person has cancelled the sign-in', async () => {
      const started = await startDevice(issuer);
      const browser = createBrowser();
      const confirmation = await enterCode(browser, issuer, started.user_code);
      const login = await browser.follow(await browser.submit(confirmation, { confirm: 'yes' }));
      await browser.follow(await browser.submit(login, {}, 1));

      expect((await pollDevice(issuer, started)).body.error).toBe('access_denied');
    });

    it('gets nothing for a code that was asked for by another client', async () => {
      const started = await startDevice(issuer);
      await approveDevice(createBrowser(), issuer, started);

      expect((await pollDevice(issuer, started, radio)).body.error).toBe('invalid_grant');
      const [record] = await server.storage.forTenant('acme').audit.list({ limit: 1 });
      const misuse = { action: 'device_code.misuse', reason: 'other_client', clientId: radio.id };
      expect(record).toMatchObject(misuse);
      expect((await pollDevice(issuer, started)).status).toBe(200);
    });

    it('gets no codes as a client without the device grant', async () => {
      await expect(startDevice(issuer, { client: web })).rejects.toThrow('unauthorized_client');
    });

    it('gets tokens once, however many instances it asks at once', async () => {
      for (let round = 0; round < 5; round += 1) {
        const started = await startDevice(issuer);
        await approveDevice(createBrowser(), issuer, started);
        const answers = await Promise.all(Array.from({ length: 20 }, () => pollDevice(issuer, started)));

        const [winner, ...others] = answers.filter(({ status }) => status === 200);
        expect(others).toEqual([]);
        expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(19);
        expect((await pollDevice(issuer, started)).body.error).toBe('invalid_grant');
        expect((await userinfo(issuer, winner?.body.access_token ?? '')).status).toBe(200);
        expect((await refresh(issuer, tv, winner?.body.refresh_token)).status).toBe(200);
      }
    });

    it('loses its tokens when its code comes again after the grace', async () => {
      const browser = createBrowser();
      const other = await startDevice(issuer);
      await approveDevice(browser, issuer, other);
      const kept = (await pollDevice(issuer, other)).body;
      const started = await startDevice(issuer);
      await approveDevice(browser, issuer, started);
      const { body } = await pollDevice(issuer, started);
      moveTime(11);
      expect((await pollDevice(issuer, started)).body.error).toBe('invalid_grant');
      expect((await userinfo(issuer, body.access_token ?? '')).status).toBe(401);
      expect((await userinfo(issuer, kept.access_token ?? '')).status).toBe(200);
      const [record] = await server.storage.forTenant('acme').audit.list({ limit: 1 });
      expect(record).toMatchObject({
        action: 'device_code.replay',
        reason: 'tokens_revoked',
        clientId: tv.id,
      });
    });

    it('gets no tokens for a person who was disabled after approving', async () => {
      await server.users('acme').add({ username: 'carol', password: 'a very long passphrase' });
      const started = await startDevice(issuer);
      const carol = { username: 'carol', password: 'a very long passphrase' };
      const done = await approveDevice(createBrowser(), issuer, started, carol);
      await server.users('acme').disable('carol');

      expect(textOf(done)).toContain('Device connected');
      expect((await pollDevice(issuer, started)).body).toMatchObject({ error: 'invalid_grant' });
    });
  });

  describe('the person', () => {
    it('sees which app, which code, when and from where before deciding', async () => {
      const started = await startDevice(issuer, { headers: { 'user-agent': 'Living Room TV/7.1' } });
      const page = await enterCode(createBrowser(), issuer, started.user_code);

      expect(textOf(page)).toContain('The tv app');
      expect(textOf(page)).toContain(started.user_code);
      expect(textOf(page)).toContain('127.0.0.1');
      expect(textOf(page)).toContain('Living Room TV/7.1');
      const [, requested = ''] = /<time datetime="([^"]+)"/.exec(page.body) ?? [];
      expect(Math.abs(Date.parse(requested) - Date.now())).toBeLessThan(60_000);
      expect((await pollDevice(issuer, started)).body.error).toBe('authorization_pending');
    });

    it('is asked to confirm even when the address carries the code', async () => {
      const started = await startDevice(issuer);
      const browser = createBrowser();
      const opened = await browser.get(started.verification_uri_complete);
      const confirmation = await browser.submit(opened);

      expect(textOf(confirmation)).toContain('Connect this device?');
      expect(textOf(confirmation)).toContain(started.user_code);
      expect((await pollDevice(issuer, started)).body.error).toBe('authorization_pending');
    });

    it('sees what a hostile device says of itself as text', async () => {
      const started = await startDevice(issuer, { client: hostileTv, headers: { 'user-agent': hostile } });
      const page = await enterCode(createBrowser(), issuer, started.user_code);

      expect(page.body).not.toContain('<script>alert');
      expect(textOf(page)).toContain(`${hostile} wants to use your account`);
    });

    it('may type the code in small letters, without the hyphen and with spaces', async () => {
      const started = await startDevice(issuer);
      const typed = ` ${started.user_code.toLowerCase().replace('-', ' ')} `;

      expect(textOf(await enterCode(createBrowser(), issuer, typed))).toContain('Connect this device?');
    });

    it.each([
      ['', 'Please enter the code.'],
      ['BBBB-BBBB', 'This code is wrong.'],
      ['"><script>alert(1)</script>', 'This code is wrong.'],
    ])('learns what is wrong with the code %j', async (code, words) => {
      const page = await enterCode(createBrowser(), issuer, code);

      expect(textOf(page)).toContain(words);
      expect(page.body).not.toContain('<script>alert');
    });

    it('cannot enter a code of another tenant', async () => {
      const started = await startDevice(server.issuer('globex'));
      const page = await enterCode(createBrowser(), issuer, started.user_code);

      expect(textOf(page)).toContain('This code is wrong.');
    });

    it('cannot decide twice', async () => {
      const started = await startDevice(issuer);
      const browser = createBrowser();
      const confirmation = await enterCode(browser, issuer, started.user_code);
      await approve(browser, confirmation);
      const again = await enterCode(createBrowser(), issuer, started.user_code);

      expect(textOf(again)).toContain('This code has already been used.');
      expect((await pollDevice(issuer, started)).status).toBe(200);
    });

    it('wins alone when several people approve the same code at once, on two instances', async () => {
      const browsers = await signedInBrowsers(issuer, [alice, bob, alice, bob]);
      for (let round = 0; round < 5; round += 1) {
        const started = await startDevice(issuer);
        const confirmations: Page[] = [];
        for (const browser of browsers)
          confirmations.push(await enterCode(browser, issuer, started.user_code));
        const ends = await Promise.all(
          browsers.map((browser, i) => approve(browser, confirmations[i] as Page)),
        );

        expect(ends.filter((page) => textOf(page).includes('Device connected'))).toHaveLength(1);
        expect((await pollDevice(issuer, started)).status).toBe(200);
      }
    });

    it.each([
      ['approves', 'Device connected', { confirm: 'yes' }],
      ['refuses', 'The device was not connected', { abort: 'yes' }],
    ])('%s, and a reload of the page sends nothing again', async (_what, words, decision) => {
      const [browser = createBrowser()] = await signedInBrowsers(issuer, [alice]);
      const started = await startDevice(issuer);
      const done = await browser.submit(await enterCode(browser, issuer, started.user_code), decision);

      expect(done.url).toBe(`${issuer}/device?notice=yes`);
      expect([done.status, textOf(done)]).toEqual([200, expect.stringContaining(words)]);
      expect(textOf(await browser.get(done.url))).toBe(textOf(done));
      expect(textOf(await browser.get(`${issuer}/device`))).not.toContain(words);
    });

    it('may send a form whose session is over: it is asked for again, and then continues', async () => {
      const started = await startDevice(issuer);
      const form = await createBrowser().get(`${issuer}/device`);
      const browser = createBrowser();
      const again = await browser.submit(form, { user_code: started.user_code });
      const confirmation = await browser.submit(again, { user_code: started.user_code });

      expect(again.status).toBe(400);
      expect(textOf(again)).toContain('Please enter the code again.');
      expect(textOf(confirmation)).toContain('Connect this device?');
    });

    it('cannot be made to approve by a form from elsewhere', async () => {
      const started = await startDevice(issuer);
      const browser = createBrowser();
      await enterCode(browser, issuer, started.user_code);
      const forged = await browser.post(`${issuer}/device`, {
        user_code: started.user_code,
        confirm: 'yes',
        xsrf: 'guessed',
      });

      expect(forged.location).toBeUndefined();
      expect((await pollDevice(issuer, started)).body.error).toBe('authorization_pending');
    });
  });

  describe('what stands for a device code while a person decides', () => {
    it('is no device code, neither on the pages nor in the store', async () => {
      const started = await startDevice(issuer);
      const browser = createBrowser();
      const confirmation = await enterCode(browser, issuer, started.user_code);
      const toLogin = await browser.submit(confirmation, { confirm: 'yes' });
      const login = await browser.follow(toLogin);
      const uid = new URL(login.url).pathname.split('/').at(-1) ?? '';
      const { artifacts } = await server.storage
        .forTenant('acme')
        .artifacts.load([{ kind: 'Interaction', id: hashId(uid) }]);
      const stored = JSON.parse(artifacts[0]?.payload ?? '{}') as { deviceCode?: string };

      expect(confirmation.body + login.body).not.toContain(started.device_code);
      expect(stored.deviceCode).toBeDefined();
      expect(JSON.stringify(stored)).not.toContain(started.device_code);
      await browser.follow(await browser.submit(login, { login: alice.username, password: alice.password }));
      const withHandle = await pollDevice(issuer, { device_code: stored.deviceCode ?? '' });
      expect(withHandle.body.error).toBe('invalid_grant');
      expect((await pollDevice(issuer, started)).status).toBe(200);
    });

    it('is worth nothing as a user code, an authorization code or a refresh token', async () => {
      const started = await startDevice(issuer);
      const asCode = await tokenRequest(issuer, web, {
        grant_type: 'authorization_code',
        code: started.device_code,
        redirect_uri: web.redirectUri,
        code_verifier: 'v'.repeat(43),
      });
      const page = await enterCode(createBrowser(), issuer, started.device_code);

      expect(asCode.body.error).toBe('invalid_grant');
      expect((await refresh(issuer, tv, started.device_code)).body.error).toBe('invalid_grant');
      expect(textOf(page)).toContain('This code is wrong.');
    });
  });

  describe('the QR picture', () => {
    it('shows the complete address, without a look-up', async () => {
      const started = await startDevice(issuer);
      server.trips();
      const answer = await fetch(`${issuer}/device/qr?user_code=${started.user_code}`);
      const expected = await QRCode.toString(started.verification_uri_complete, {
        type: 'svg',
        margin: 2,
        errorCorrectionLevel: 'M',
      });

      expect(answer.headers.get('content-type')).toContain('image/svg+xml');
      expect(await answer.text()).toBe(expected);
      expect(server.trips()).toEqual([]);
    });

    it.each(['', '<svg onload=alert(1)>', 'AAAA-AAAA', 'https://evil.example'])(
      'is not drawn for %j',
      async (code) => {
        const answer = await fetch(`${issuer}/device/qr?user_code=${encodeURIComponent(code)}`);

        expect(answer.status).toBe(400);
        expect(await answer.text()).not.toContain('<svg');
      },
    );
  });
});

const signedInBrowsers = (
  issuer: string,
  people: readonly (typeof alice | typeof bob)[],
): Promise<Browser[]> =>
  Promise.all(
    people.map(async (who) => {
      const browser = createBrowser();
      const login = await browser.follow(await browser.get(issuer));
      await browser.follow(await browser.submit(login, { login: who.username, password: who.password }));
      return browser;
    }),
  );

eachStore((store) => {
  describe('guessing of user codes', () => {
    let server: TestServer;

    const few = { attempts: 3, window: '1m' };
    const tenantWith = (name: 'userCodeSession' | 'userCodeAddress' | 'userCodeTenant') =>
      sampleTenant({ throttle: { ...unthrottled, [name]: few } });

    beforeAll(async () => {
      server = await startTestServer({
        store,
        instances: 2,
        tenants: {
          'by-session': tenantWith('userCodeSession'),
          'by-address': tenantWith('userCodeAddress'),
          'by-tenant': tenantWith('userCodeTenant'),
        },
        settings: { server: { trustedProxies: ['127.0.0.1', '::1'] } },
      });
    });
    afterEach(restoreTime);
    afterAll(() => server.close());

    const browserFrom = (address: string): Browser => createBrowser({ 'x-forwarded-for': address });

    /** Three guesses by `first`, then one with a right code by `then`. */
    const guess = async (tenant: string, first: () => Browser, then: () => Browser) => {
      const issuer = server.issuer(tenant);
      const { user_code: right } = await startDevice(issuer);
      for (let i = 0; i < 3; i += 1) {
        expect(textOf(await enterCode(first(), issuer, 'BBBB-BBBB'))).toContain('This code is wrong.');
      }
      const browser = then();
      const form = await browser.get(`${issuer}/device`);
      server.trips();
      const page = await browser.submit(form, { user_code: right });
      return { page, trips: server.trips(), right, browser };
    };

    it('is throttled within a session, before any look-up, and unlocks by itself', async () => {
      const browser = browserFrom('192.0.2.1');
      const { page, trips, right } = await guess(
        'by-session',
        () => browser,
        () => browser,
      );

      expect(page.status).toBe(429);
      expect(textOf(page)).toMatch(/Too many attempts\. Please try again in/);
      expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(page.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect(trips.filter((name) => ['load', 'aggregate', 'find'].includes(name))).toHaveLength(1); // its session
      const elsewhere = await enterCode(browserFrom('192.0.2.2'), server.issuer('by-session'), right);
      expect(textOf(elsewhere)).toContain('Connect this device?');
      moveTime(61);
      const later = await enterCode(browser, server.issuer('by-session'), right);
      expect(textOf(later)).toContain('Connect this device?');
    });

    it('is throttled by address, and counts an IPv6 network as one', async () => {
      let host = 0;
      const neighbour = (): Browser => {
        host += 1;
        return browserFrom(`2001:db8:1:2::${host.toString(16)}`);
      };
      const { page, right } = await guess('by-address', neighbour, neighbour);
      const otherNetwork = await enterCode(
        browserFrom('2001:db8:1:3::1'),
        server.issuer('by-address'),
        right,
      );

      expect(page.status).toBe(429);
      expect(textOf(otherNetwork)).toContain('Connect this device?');
    });

    it('is throttled in the whole tenant, however many addresses guess', async () => {
      let host = 0;
      const anybody = (): Browser => {
        host += 1;
        return browserFrom(`198.51.100.${host}`);
      };
      const issuer = server.issuer('by-tenant');
      const [known] = await signedInBrowsers(issuer, [alice]);
      const { page, right } = await guess('by-tenant', anybody, anybody);
      const other = await startDevice(server.issuer('by-address'));
      const unharmed = await enterCode(anybody(), server.issuer('by-address'), other.user_code);

      expect(page.status).toBe(429);
      expect(textOf(unharmed)).toContain('Connect this device?');
      if (known === undefined) throw new Error('nobody is signed in');
      expect(textOf(await enterCode(known, issuer, right))).toContain('Connect this device?');
    });
  });
});
