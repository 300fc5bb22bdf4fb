import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { askApi } from '../support/account-api.ts';
import { createBrowser } from '../support/browser.ts';
import { basicOf, callerIn, identifyAt, requestOf, serviceOf } from '../support/callers.ts';
import { challenge, app as direct, directClients, firstRequest, nextOf } from '../support/direct-login.ts';
import { type Credentials, type Parameters, pkce, tokenRequest } from '../support/oauth-client.ts';
import { alice, bob, migrator, sampleClients, sampleTenant, shop, web } from '../support/sample-tenants.ts';
import {
  type AuthenticatorApp,
  afterPassword,
  isFactorPage,
  type SetUpApp,
  sendTo,
  setUpApp,
} from '../support/second-factor.ts';
import { createTestClock } from '../support/test-clock.ts';
import { withEachStore } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const secondMigrator = { ...migrator, id: 'second-migrator' };
const clients = [
  ...sampleClients,
  ...directClients,
  {
    client_id: secondMigrator.id,
    client_secret: migrator.secret as string,
    grant_types: ['password' as const],
  },
];
const tenant = sampleTenant({ clients, secondFactor: { required: { clients: [shop.id] } } });
const tenants = { acme: tenant, raced: tenant, basic: tenant, guessed: tenant };

await withEachStore({ clock, instances: 2, tenants }, (server) => {
  const setUpAt = async (id: string, who: Credentials = alice): Promise<SetUpApp> => {
    const browser = createBrowser();
    const { redirectUri } = web;
    const request = { issuer: server.issuer(id), client: web, extra: { acr_values: 'mfa' } };
    const { page } = await afterPassword(browser, request, who);
    return setUpApp(browser, page, { redirectUri, nowMs: () => clock.now() });
  };
  const appOf = async (id: string): Promise<AuthenticatorApp> => (await setUpAt(id)).app;
  const nextCode = (app: AuthenticatorApp): string => {
    clock.advance(30_000);
    return app.next();
  };
  const grant = (id: string, form: Parameters, client = migrator) =>
    tokenRequest(server.issuer(id), client, { grant_type: 'password', scope: 'openid', ...form });
  const { username, password } = alice;

  describe('the password grant for a person with a second factor', () => {
    it('asks for it with an mfa_token, which is good for one sign-in of this client', async () => {
      const app = await appOf('acme');
      const first = await grant('acme', { username, password });
      expect(first.status).toBe(400);
      expect(first.headers.get('x-error-id')).toEqual(expect.any(String));
      expect(first.body).toMatchObject({ error: 'mfa_required', methods: ['totp', 'recovery_code'] });
      const mfa_token = String(first.body.mfa_token);

      const wrong = await grant('acme', { mfa_token, otp: '000000' });
      expect(wrong.body).toMatchObject({ error: 'invalid_grant' });
      expect(wrong.body.error_description).toContain('invalid_otp');
      const otherClient = await grant('acme', { mfa_token, otp: nextCode(app) }, secondMigrator);
      expect(otherClient.body.error_description).toContain('mfa_token');
      const right = await grant('acme', { mfa_token, otp: nextCode(app) });
      expect(right.status).toBe(200);
      expect(decodeJwt(right.body.id_token ?? '')).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] });
      const again = await grant('acme', { mfa_token, otp: nextCode(app) });
      expect(again.body.error_description).toContain('mfa_token');

      const atOnce = await grant('acme', { username, password, otp: nextCode(app) });
      expect(atOnce.status).toBe(200);
      const wrongPassword = await grant('acme', { username, password: 'wrong', otp: nextCode(app) });
      expect(wrongPassword.body).toEqual({
        error: 'invalid_grant',
        error_description: expect.not.stringContaining('otp'),
      });
      expect(server.logLines().join()).not.toContain(mfa_token);
    });

    it('accepts a code of twenty callers at two instances once', async () => {
      const { app } = await setUpAt('raced');
      const { recoveryCodes } = await setUpAt('raced', bob);
      const presented = [
        { ...alice, otp: nextCode(app) },
        { ...bob, otp: recoveryCodes[0] ?? '' },
      ];
      for (const form of presented) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => grant('raced', form)));
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
        const others = answers.filter(({ status }) => status !== 200 && status !== 400 && status !== 429);
        expect(others).toEqual([]);
      }
    });
  });

  it('the relay takes a code in X-OTP, for one request', async () => {
    const app = await appOf('basic');
    const [instance] = server.instances;
    if (instance === undefined) throw new Error('no instance');
    const identify = identifyAt(instance, { clock, basicCacheSeconds: 60 });
    const authorization = basicOf(username, password);
    const ask = (otp?: string) =>
      identify(
        requestOf({ authorization, tenant: 'basic', ...(otp === undefined ? {} : { otp }) }),
        serviceOf({ tenants: ['basic'] }),
      );
    const missing = { status: 'bad', scheme: 'Basic', error: 'credentials' };
    expect(await ask()).toMatchObject({ ...missing, description: expect.stringContaining('X-OTP') });
    const otp = nextCode(app);
    expect(callerIn(await ask(otp))).toMatchObject({ username, acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] });
    expect(await ask()).toMatchObject(missing);
    expect(await ask(otp)).toMatchObject(missing);
  });

  it('counts the guesses of all places together, and checks no code after ten', async () => {
    const app = await appOf('guessed');
    const [instance] = server.instances;
    if (instance === undefined) throw new Error('no instance');
    const issuer = server.issuer('guessed');
    const identify = identifyAt(instance, { clock });
    const relay = (otp: string) =>
      identify(
        requestOf({ authorization: basicOf(username, password), tenant: 'guessed', otp }),
        serviceOf({ tenants: ['guessed'] }),
      );
    const logIn = (body: object) =>
      askApi(issuer, '/login', { method: 'POST', body: { client_id: direct.id, ...body } });
    const page = async (code: string) => {
      const browser = createBrowser();
      const asked = await afterPassword(browser, { issuer, client: web });
      expect(isFactorPage(asked.page)).toBe(true);
      return sendTo(browser, asked.page, { fields: { code }, redirectUri: web.redirectUri });
    };
    const secondStep = async (otp: string) => {
      const { mfa_token } = (await grant('guessed', { username, password })).body;
      return grant('guessed', { mfa_token: String(mfa_token), otp });
    };
    const challenged = async (otp: string) => {
      const first = await challenge(issuer, { ...firstRequest(pkce()), username, password });
      return challenge(issuer, { ...nextOf(first), otp });
    };
    const apiStep = async (otp: string) => {
      const { mfa_token } = (await logIn({ username, password })).body;
      return logIn({ mfa_token, otp });
    };
    const statuses = async (otp: string): Promise<readonly (number | string)[]> => [
      (await page(otp)).status,
      (await grant('guessed', { username, password, otp })).status,
      (await secondStep(otp)).status,
      (await logIn({ username, password, otp })).status,
      (await apiStep(otp)).status,
      (await challenge(issuer, { ...firstRequest(pkce()), username, password, otp })).status,
      (await challenged(otp)).status,
      (await relay(otp)).status,
    ];
    expect(await statuses('000000')).toEqual([400, 400, 400, 401, 401, 403, 403, 'bad']);
    for (const guess of ['111111', 'no code']) expect((await apiStep(guess)).status).toBe(401);
    const refused = [429, 429, 429, 429, 429, 429, 429, 'throttled'];
    expect(await statuses(nextCode(app))).toEqual(refused);
  });
});
