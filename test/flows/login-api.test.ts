import { describe, expect, it } from '@jest/globals';
import { type ApiQuestion, askApi } from '../support/account-api.ts';
import { createBrowser } from '../support/browser.ts';
import { basicOf, callerIn, identifyAt, requestOf, serviceOf } from '../support/callers.ts';
import { app, appOrigin, backend, directClients, signInDirectly } from '../support/direct-login.ts';
import { type Answer, refresh, tokenRequest, tokensFor, userinfo } from '../support/oauth-client.ts';
import {
  alice,
  bob,
  migrator,
  openClient,
  partner,
  publicClient,
  sampleClients,
  sampleTenant,
  secretOf,
  shop,
  web,
} from '../support/sample-tenants.ts';
import { type AuthenticatorApp, afterPassword, setUpApp } from '../support/second-factor.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { useServer } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const bound = openClient('bound', 'https://bound.example.com/callback');
const clients = [
  ...sampleClients,
  ...directClients,
  publicClient(bound, { directLogin: true, emailCode: true, dpop_bound_access_tokens: true }),
];
const tenant = sampleTenant({ clients });
const server = await useServer({
  store: sqliteStore,
  clock,
  instances: 2,
  tenants: {
    acme: tenant,
    factor: tenant,
    guessed: tenant,
    enrolment: sampleTenant({ clients, secondFactor: { required: { everyone: true } } }),
    brief: sampleTenant({ clients, lifetimes: { directLogin: '5m' } }),
    none: sampleTenant(),
  },
});
const issuer = server.issuer('acme');
const { username, password } = alice;

const post = (
  path: string,
  { at = issuer, ...asked }: ApiQuestion & { readonly at?: string },
): Promise<Answer> => askApi(at, path, { method: 'POST', ...asked });
const logIn = (body: object, at = issuer): Promise<Answer> =>
  post('/login', { body: { client_id: app.id, ...body }, at });
const tokenOf = ({ status, body }: Answer): string => {
  if (status !== 200) throw new Error(`no token, but ${JSON.stringify(body)}`);
  return String(body.access_token);
};
const logOut = (token: string): Promise<Answer> => post('/logout', { token });

describe('the login API', () => {
  it('gives a token for name and password, which a service takes as Basic user name too', async () => {
    const answer = await logIn({ username, password });
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^[\w-]{43}$/),
        token_type: 'Bearer',
        expires_in: 86_400,
        scope: 'openid account',
      },
    ]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const token = tokenOf(answer);
    expect((await userinfo(issuer, token)).body.sub).toEqual(expect.any(String));
    const own = await fetch(`${issuer}/api/v1/sessions`, { headers: { authorization: `Bearer ${token}` } });
    const { sessions } = (await own.json()) as {
      readonly sessions: readonly { readonly current: boolean }[];
    };
    expect(sessions.find(({ current }) => current)).toMatchObject({
      address: '127.0.0.1',
      apps: [{ client_id: app.id, client_name: 'The app app' }],
    });
    const [instance] = server.instances;
    if (instance === undefined) throw new Error('no instance');
    const ask = async () =>
      identifyAt(instance, { clock })(
        requestOf({ authorization: basicOf(token, ''), tenant: 'acme' }),
        serviceOf(),
      );
    expect(callerIn(await ask())).toMatchObject({ username, amr: ['pwd'], clientId: app.id });

    expect((await logOut(token)).status).toBe(204);
    expect(await ask()).toMatchObject({ status: 'bad' });
    expect((await userinfo(issuer, token)).status).toBe(401);
    const again = await logOut(token);
    expect([again.status, again.body.error]).toEqual([401, 'invalid_token']);
  });

  it('ends with the token all that hangs on its session', async () => {
    const { access_token: direct, refresh_token: directly } = await signInDirectly(issuer, bob);
    expect((await post('/logout', { headers: { authorization: basicOf(direct, '') } })).status).toBe(204);
    expect((await refresh(issuer, app, directly)).body.error).toBe('invalid_grant');

    const browser = createBrowser();
    const first = await tokensFor(browser, { issuer, client: web }, bob);
    const second = await tokensFor(browser, { issuer, client: shop }, bob);
    expect((await logOut(first.access_token)).status).toBe(204);
    expect((await userinfo(issuer, second.access_token)).status).toBe(401);

    const form = { grant_type: 'password', scope: 'openid', ...bob };
    const { body } = await tokenRequest(issuer, migrator, form);
    expect((await logOut(String(body.access_token))).status).toBe(204);
    expect((await refresh(issuer, migrator, body.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('does not let a third party sign people out', async () => {
    const request = { issuer, client: partner, consent: true };
    const { access_token } = await tokensFor(createBrowser(), request, bob);
    const refused = await logOut(access_token);
    expect([refused.status, refused.body.error]).toEqual([403, 'insufficient_scope']);
    expect((await userinfo(issuer, access_token)).status).toBe(200);
  });

  it('asks for the second factor', async () => {
    const at = server.issuer('factor');
    const browser = createBrowser();
    const request = { issuer: at, client: web, extra: { acr_values: 'mfa' } };
    const { page } = await afterPassword(browser, request);
    const { redirectUri } = web;
    const { app: authenticator } = await setUpApp(browser, page, { redirectUri, nowMs: () => clock.now() });
    const nextCode = (from: AuthenticatorApp = authenticator): string => {
      clock.advance(30_000);
      return from.next();
    };
    const asked = await logIn({ username, password }, at);
    expect([asked.status, asked.body]).toMatchObject([
      401,
      {
        error: 'mfa_required',
        methods: ['totp', 'recovery_code'],
        error_id: asked.headers.get('x-error-id'),
      },
    ]);
    expect(asked.headers.get('www-authenticate')).toContain('Bearer');
    const mfa_token = String(asked.body.mfa_token);
    const codeOf = async (body: object): Promise<unknown> => (await logIn(body, at)).body.error;
    expect(await codeOf({ mfa_token, otp: '000000' })).toBe('invalid_otp');
    expect(await codeOf({ mfa_token })).toBe('invalid_request');
    expect(await codeOf({ mfa_token, otp: nextCode(), username, password })).toBe('invalid_request');
    expect(await codeOf({ mfa_token: 'x'.repeat(43), otp: nextCode() })).toBe('invalid_mfa_token');
    const otherClient = { client_id: backend.id, client_secret: secretOf(backend.id) };
    expect(await codeOf({ ...otherClient, mfa_token, otp: nextCode() })).toBe('invalid_mfa_token');
    const otp = nextCode();
    const answers = await Promise.all(Array.from({ length: 20 }, () => logIn({ mfa_token, otp }, at)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await codeOf({ mfa_token, otp: nextCode() })).toBe('invalid_mfa_token');
    expect(await codeOf({ username, password, otp: '000000' })).toBe('invalid_otp');
    expect((await logIn({ username, password, otp: nextCode() }, at)).status).toBe(200);
    expect(await codeOf({ username, password: 'wrong', otp: nextCode() })).toBe('invalid_credentials');
    expect(server.logLines().join()).not.toContain(mfa_token);
  });

  it('leads to a browser who has to set a factor up', async () => {
    const refused = await logIn({ username, password }, server.issuer('enrolment'));
    expect([refused.status, refused.body.error]).toEqual([403, 'mfa_enrolment_required']);
  });

  it('counts wrong passwords with those of the pages', async () => {
    const at = server.issuer('guessed');
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++)
      statuses.push((await logIn({ username, password: `wrong ${attempt}` }, at)).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    const right = await logIn({ username, password }, at);
    expect([right.status, right.headers.get('retry-after')]).toEqual([429, expect.any(String)]);
  });

  it('answers an unknown name as a wrong password', async () => {
    const [known, unknown] = await Promise.all(
      [username, 'nobody-here'].map((name) => logIn({ username: name, password: 'no such password' })),
    );
    const shown = (answer: Answer | undefined) => ({
      status: answer?.status,
      body: { ...answer?.body, error_id: '' },
      names: [...(answer?.headers.keys() ?? [])],
    });
    expect(shown(unknown)).toEqual(shown(known));
  });

  it('lives as long as the tenant says, and no longer than its person may sign in', async () => {
    const at = server.issuer('brief');
    const answer = await logIn({ username, password }, at);
    expect(answer.body.expires_in).toBe(300);
    expect((await userinfo(at, tokenOf(answer))).status).toBe(200);
    await server.users('brief').disable(username);
    expect((await userinfo(at, tokenOf(answer))).status).toBe(401);
    expect((await logIn({ username, password }, at)).body.error).toBe('invalid_credentials');
  });

  it('gives scopes that the client may have, and no refresh token', async () => {
    const { body } = await logIn({ username, password, scope: 'openid email offline_access orders:read x' });
    expect(body.scope).toBe('openid email');
    expect(body).not.toHaveProperty('refresh_token');
  });

  it('is for clients with directLogin, with their secret', async () => {
    for (const client_id of [web.id, partner.id, 'unknown']) {
      const refused = await logIn({ client_id, username, password });
      expect([client_id, refused.status, refused.body.error]).toEqual([
        client_id,
        403,
        'unauthorized_client',
      ]);
    }
    const ask = async (client_secret?: string): Promise<number> =>
      (await logIn({ client_id: backend.id, client_secret, username, password })).status;
    expect(await ask()).toBe(401);
    expect(await ask('wrong')).toBe(401);
    expect(await ask(secretOf(backend.id))).toBe(200);
    expect((await logIn({ username, password }, server.issuer('none'))).status).toBe(404);
    const email = 'alice@acme.example';
    for (const [path, proof] of [
      ['/login', { username, password }],
      ['/sessions', { email }],
    ] as const) {
      const refused = await post(path, { body: { client_id: bound.id, ...proof } });
      expect([refused.status, refused.body.error]).toEqual([403, 'unauthorized_client']);
    }
  });

  it('lets the pages of the client read its answers, and no others', async () => {
    const ask = (origin: string) =>
      post('/login', { body: { client_id: app.id, username, password }, headers: { origin } });
    const own = await ask(appOrigin);
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, appOrigin]);
    const foreign = await ask('https://evil.example');
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([400, null]);
  });
});
