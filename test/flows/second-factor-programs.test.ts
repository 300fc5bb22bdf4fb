import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createBrowser } from '../support/browser.ts';
import { basicOf, callerIn, identifyAt, requestOf, serviceOf } from '../support/callers.ts';
import { type Parameters, tokenRequest } from '../support/oauth-client.ts';
import { alice, migrator, sampleClients, sampleTenant, shop, web } from '../support/sample-tenants.ts';
import { type AuthenticatorApp, afterPassword, setUpApp } from '../support/second-factor.ts';
import { createTestClock } from '../support/test-clock.ts';
import { withEachStore } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const secondMigrator = { ...migrator, id: 'second-migrator' };
const clients = [
  ...sampleClients,
  {
    client_id: secondMigrator.id,
    client_secret: migrator.secret as string,
    grant_types: ['password' as const],
  },
];
const tenant = sampleTenant({ clients, secondFactor: { required: { clients: [shop.id] } } });
const tenants = { acme: tenant, raced: tenant, basic: tenant };

await withEachStore({ clock, instances: 2, tenants }, (server) => {
  const appOf = async (id: string): Promise<AuthenticatorApp> => {
    const browser = createBrowser();
    const { redirectUri } = web;
    const request = { issuer: server.issuer(id), client: web, extra: { acr_values: 'mfa' } };
    const { page } = await afterPassword(browser, request);
    const { app } = await setUpApp(browser, page, { redirectUri, nowMs: () => clock.now() });
    return app;
  };
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
      const app = await appOf('raced');
      const otp = nextCode(app);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => grant('raced', { username, password, otp })),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status !== 200 && status !== 400 && status !== 429)).toEqual([]);
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
});
