import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createBrowser } from '../support/browser.ts';
import {
  app,
  appOrigin,
  backend,
  challenge,
  directClients,
  firstRequest,
  nextOf,
  redeemDirectly,
  signInDirectly,
} from '../support/direct-login.ts';
import { documentedBlocks } from '../support/documented.ts';
import {
  type Answer,
  formOf,
  type Parameters,
  pkce,
  redeem,
  refresh,
  signIn,
  toAnswer,
  tokenRequest,
  userinfo,
} from '../support/oauth-client.ts';
import {
  alice,
  bob,
  mobile,
  ordersResource,
  partner,
  sampleClients,
  sampleTenant,
  shop,
  web,
} from '../support/sample-tenants.ts';
import { type AuthenticatorApp, afterPassword, setUpApp } from '../support/second-factor.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { useServer } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const clients = [...sampleClients, ...directClients];
// the provider's own clock stands still while the test's goes on
const tenant = sampleTenant({ clients, lifetimes: { authorizationCode: '10m' } });
const tenants = {
  acme: tenant,
  factor: tenant,
  guessed: tenant,
  stopped: tenant,
  enrolment: sampleTenant({ clients, secondFactor: { required: { everyone: true } } }),
  elsewhere: sampleTenant({
    clients,
    sources: [
      { id: 'local', type: 'local' },
      {
        id: 'corp',
        type: 'oidc',
        issuer: 'http://127.0.0.1:9/corp',
        displayName: 'Corp',
        clientId: 'bridge',
        clientSecret: 'a-secret-between-us',
        domains: ['corp.example'],
      },
    ],
  }),
  none: sampleTenant(),
};
const { username, password } = alice;

const server = await useServer({ store: sqliteStore, clock, instances: 2, tenants });
const issuer = server.issuer('acme');
const appOf = async (id: string): Promise<AuthenticatorApp> => {
  const browser = createBrowser();
  const request = { issuer: server.issuer(id), client: web, extra: { acr_values: 'mfa' } };
  const { page } = await afterPassword(browser, request);
  const { redirectUri } = web;
  return (await setUpApp(browser, page, { redirectUri, nowMs: () => clock.now() })).app;
};
const nextCode = (authenticator: AuthenticatorApp): string => {
  clock.advance(30_000);
  return authenticator.next();
};

describe('a sign-in on an app’s own page', () => {
  it('takes name and password at once, and gives a code for the token endpoint', async () => {
    const proof = pkce();
    const answer = await challenge(issuer, {
      ...firstRequest(proof, { nonce: 'n-1', scope: 'openid orders:read', resource: ordersResource }),
      username,
      password,
    });
    expect([answer.status, Object.keys(answer.body)]).toEqual([200, ['authorization_code']]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toBeNull();

    const tokens = await redeemDirectly(issuer, answer, { ...proof, resource: ordersResource });
    expect(tokens.body).toMatchObject({ token_type: 'Bearer', scope: 'orders:read' });
    const claims = decodeJwt(tokens.body.id_token ?? '');
    expect(claims).toMatchObject({
      aud: app.id,
      nonce: 'n-1',
      amr: ['pwd'],
      auth_time: expect.any(Number),
    });
    expect(decodeJwt(String(tokens.body.access_token))).toMatchObject({
      aud: ordersResource,
      sub: claims.sub,
    });
    const again = await redeemDirectly(issuer, answer, proof);
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant']);
    expect((await refresh(issuer, app, tokens.body.refresh_token)).status).toBe(200);
  });

  it('takes them one after the other', async () => {
    const proof = pkce();
    const begun = await challenge(issuer, firstRequest(proof));
    expect([begun.status, begun.body]).toEqual([
      403,
      {
        error: 'insufficient_authorization',
        error_description: expect.stringMatching(/^credentials_required: /),
        auth_session: expect.stringMatching(/^[\w-]{43}$/),
        required: ['username', 'password'],
      },
    ]);
    expect(begun.headers.get('x-error-id')).toEqual(expect.any(String));
    const named = await challenge(issuer, { ...nextOf(begun), username });
    expect(named.body).toMatchObject({ error: 'insufficient_authorization', required: ['password'] });
    const wrong = await challenge(issuer, { ...nextOf(named), password: 'wrong' });
    expect(wrong.body.error_description).toMatch(/^invalid_credentials: /);
    const done = await challenge(issuer, { ...nextOf(wrong), password });
    expect((await redeemDirectly(issuer, done, proof)).status).toBe(200);
  });

  it('asks for the second factor, which no order of requests leaves out', async () => {
    const at = server.issuer('factor');
    const authenticator = await appOf('factor');
    const proof = pkce();
    const asked = await challenge(at, { ...firstRequest(proof), username, password });
    const { auth_session } = nextOf(asked);
    expect([asked.status, asked.body]).toEqual([
      403,
      {
        error: 'insufficient_authorization',
        error_description: expect.stringMatching(/^mfa_required: /),
        auth_session,
        required: ['otp'],
        methods: ['totp', 'recovery_code'],
      },
    ]);
    const others: readonly Parameters[] = [
      { auth_session, username, password },
      { auth_session, scope: 'openid orders:read' },
      { auth_session, code_challenge: pkce().challenge },
    ];
    for (const form of others) {
      const refused = await challenge(at, form);
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_request']);
    }
    const otherClient = await challenge(
      at,
      { auth_session, otp: nextCode(authenticator) },
      { client: backend },
    );
    expect(otherClient.body.error).toBe('invalid_session');
    const otherTenant = await challenge(issuer, { auth_session, otp: '000000' });
    expect(otherTenant.body.error).toBe('invalid_session');
    const asCode = await redeemDirectly(at, { ...asked, body: { authorization_code: auth_session } }, proof);
    expect(asCode.body.error).toBe('invalid_grant');

    const wrong = await challenge(at, { auth_session, otp: '000000' });
    expect(wrong.body.error_description).toMatch(/^invalid_otp: /);
    const used = await challenge(at, { auth_session, otp: nextCode(authenticator) });
    expect([used.status, used.body.error]).toEqual([400, 'invalid_session']);
    const empty = await challenge(at, { ...nextOf(wrong) });
    expect(empty.body.required).toEqual(['otp']);
    const done = await challenge(at, { ...nextOf(empty), otp: nextCode(authenticator) });
    const { body } = await redeemDirectly(at, done, proof);
    expect(decodeJwt(body.id_token ?? '')).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] });

    const codeFirst = await challenge(at, { ...firstRequest(proof), otp: nextCode(authenticator) });
    expect(codeFirst.body.required).toEqual(['username', 'password']);
    const onlyPassword = await challenge(at, { ...nextOf(codeFirst), username, password });
    expect(onlyPassword.body.required).toEqual(['otp']);
    const atOnce = { username, password, otp: nextCode(authenticator) };
    expect((await signInDirectly(at, atOnce)).id_token).toBeDefined();
    expect(server.logLines().join()).not.toContain(auth_session);
  });

  it('accepts a step of twenty callers at two instances once', async () => {
    const begun = await challenge(issuer, firstRequest(pkce()));
    // with connections that are open, the requests come at the same moment
    await Promise.all(Array.from({ length: 20 }, () => challenge(issuer, { auth_session: 'none' })));
    const form = { ...nextOf(begun), username: bob.username, password: bob.password };
    const answers = await Promise.all(Array.from({ length: 20 }, () => challenge(issuer, form)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_session')).toHaveLength(19);
  });

  it('counts wrong passwords with those of the pages', async () => {
    const at = server.issuer('guessed');
    const form = { ...firstRequest(pkce()), username: bob.username };
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++)
      statuses.push((await challenge(at, { ...form, password: `wrong ${attempt}` })).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([403, 429]);
    const right = await challenge(at, { ...form, password: bob.password });
    expect([right.status, right.body.error]).toEqual([429, 'too_many_requests']);
    const page = await afterPassword(createBrowser(), { issuer: at, client: web }, bob);
    expect(page.page.body).toMatch(/too many/i);
  });

  it('answers an unknown name as a wrong password', async () => {
    const ask = (name: string) =>
      challenge(issuer, { ...firstRequest(pkce()), username: name, password: 'no such password' });
    const [known, unknown] = [await ask(username), await ask('nobody-here')];
    const shown = ({ status, body, headers }: typeof known) => ({
      status,
      body: { ...body, auth_session: undefined },
      names: [...headers.keys()],
    });
    expect(shown(unknown)).toEqual(shown(known));
  });
});

describe('the authorization challenge endpoint', () => {
  it('is for clients with directLogin, as they are registered', async () => {
    const form = { ...firstRequest(pkce()), username, password };
    for (const client of [mobile, shop, partner]) {
      const refused = await challenge(issuer, form, { client });
      expect([client.id, refused.status, refused.body.error]).toEqual([
        client.id,
        400,
        'unauthorized_client',
      ]);
    }
    expect((await challenge(issuer, form, { client: backend })).status).toBe(200);
    const withoutSecret = await challenge(issuer, form, { client: { id: backend.id, redirectUri: '' } });
    expect([withoutSecret.status, withoutSecret.body.error]).toEqual([401, 'invalid_client']);
    const atToken = await tokenRequest(issuer, app, {
      ...form,
      grant_type: 'urn:drawbridge:grant-type:authorization-challenge',
    });
    expect(atToken.body.error).toBe('unsupported_grant_type');
    expect((await challenge(server.issuer('none'), form)).status).toBe(404);
  });

  it('is in the metadata of tenants that have it', async () => {
    const metadataAt = async (id: string): Promise<Readonly<Record<string, unknown>>> =>
      (await (await fetch(`${server.issuer(id)}/.well-known/oauth-authorization-server`)).json()) as never;
    const metadata = await metadataAt('acme');
    expect(metadata.authorization_challenge_endpoint).toBe(`${issuer}/authorize-challenge`);
    expect(JSON.stringify(metadata)).not.toContain('urn:drawbridge');
    expect(await metadataAt('none')).not.toHaveProperty('authorization_challenge_endpoint');
  });

  it('lets the pages of the client read its answers, and no others', async () => {
    const form = firstRequest(pkce());
    const own = await challenge(issuer, form, { headers: { origin: appOrigin } });
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([403, appOrigin]);
    const foreign = await challenge(issuer, form, { headers: { origin: 'https://evil.example' } });
    expect([foreign.status, foreign.body.error]).toEqual([400, 'invalid_request']);
    const preflight = await fetch(`${issuer}/authorize-challenge`, {
      method: 'OPTIONS',
      headers: { origin: appOrigin, 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBe(appOrigin);
  });

  it.each<[string, Parameters]>([
    ['no PKCE', { code_challenge: undefined }],
    ['the method plain', { code_challenge_method: 'plain' }],
    ['no method', { code_challenge_method: undefined }],
    ['a short challenge', { code_challenge: 'x' }],
    ['a redirect of somebody else', { redirect_uri: 'https://evil.example/' }],
    ['another response type', { response_type: 'token' }],
    ['an unknown resource', { resource: 'https://unknown.example' }],
  ])('refuses %s', async (_what, more) => {
    const refused = await challenge(issuer, { ...firstRequest(pkce(), more), username, password });
    expect(refused.status).toBe(400);
    expect(refused.body.error).toMatch(/^invalid_|^unsupported_response_type/);
  });

  it('binds the code to the redirect URI of the request, if there was one', async () => {
    const proof = pkce();
    const { redirectUri } = app;
    const withUri = { ...firstRequest(proof, { redirect_uri: redirectUri }), username, password };
    const code = String((await challenge(issuer, withUri)).body.authorization_code);
    const missing = await redeemDirectly(issuer, { body: { authorization_code: code } } as never, proof);
    expect(missing.body.error).toBe('invalid_grant');
    const right = await redeem({ issuer, client: app }, { code, verifier: proof.verifier });
    expect(right.status).toBe(200);
  });

  it('notes no attack where an app of the pages forgets its redirect URI', async () => {
    const request = { issuer, client: web };
    const signedIn = await signIn(createBrowser(), request);
    const misuses = async () => {
      const records = await server.storage.forTenant('acme').audit.list({ limit: 1000 });
      return records.filter(({ action }) => action === 'code.misuse').map(({ reason }) => reason);
    };
    const forgotten = await redeem(request, signedIn, { redirect_uri: undefined });
    expect([forgotten.status, forgotten.body.error]).toEqual([400, 'invalid_grant']);
    expect(await misuses()).toEqual([]);
    await redeem(request, signedIn, { redirect_uri: 'https://evil.example' });
    expect(await misuses()).toEqual(['wrong_redirect_uri']);
    expect((await redeem(request, signedIn)).status).toBe(200);
  });

  it('takes forms whose length is known at their end', async () => {
    const proof = pkce();
    /** In chunks (RFC 9112 section 7.1), of one byte first. */
    const send = async (path: string, parameters: Parameters): Promise<Answer> => {
      const form = formOf({ client_id: app.id, ...parameters }).toString();
      const chunks = [form.slice(0, 1), form.slice(1, 100), form.slice(100)].filter((chunk) => chunk !== '');
      const body = ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)));
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      return toAnswer(
        await fetch(issuer + path, { method: 'POST', headers, body, duplex: 'half' } as RequestInit), // undici has `duplex`
      );
    };
    const done = await send('/authorize-challenge', { ...firstRequest(proof), username, password });
    expect([done.status, done.body]).toEqual([200, { authorization_code: expect.any(String) }]);
    const redeemed = {
      grant_type: 'authorization_code',
      code: String(done.body.authorization_code),
      code_verifier: proof.verifier,
    };
    expect((await send('/token', redeemed)).status).toBe(200);
    const asGrant = await send('/authorize-challenge', redeemed);
    expect(asGrant.body.error_description).toMatch(/code_challenge/);
    const long = await send('/authorize-challenge', { ...firstRequest(proof), nonce: 'n'.repeat(70_000) });
    expect([long.status, long.body.error]).toEqual([400, 'invalid_request']);
    const empty = await send('/authorize-challenge', { client_id: undefined });
    expect([empty.status, empty.body.error]).toEqual([400, 'invalid_request']);
  });

  it('knows a code by its grant, in whatever encoding', async () => {
    const proof = pkce();
    const { body } = await challenge(issuer, { ...firstRequest(proof), username, password });
    const form = new URLSearchParams({
      ...{ client_id: app.id, code: String(body.authorization_code), code_verifier: proof.verifier },
    });
    const { status } = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=authorization%5Fcode&${form}`,
    });
    expect(status).toBe(200);
  });
});

describe('who has to use a browser', () => {
  it('sets up the factor that a request asks for there', async () => {
    const request = firstRequest(pkce(), { acr_values: 'mfa' });
    const refused = await challenge(issuer, { ...request, ...bob });
    expect([refused.status, refused.body.error]).toEqual([403, 'redirect_to_web']);
    const passkey = await challenge(issuer, { ...firstRequest(pkce(), { acr_values: 'phr' }), ...bob });
    expect(passkey.body.error_description).toMatch(/^passkey_required: /);
  });

  it('sets a factor up there', async () => {
    const refused = await challenge(server.issuer('enrolment'), {
      ...firstRequest(pkce()),
      username,
      password,
    });
    expect([refused.status, refused.body.error]).toEqual([403, 'redirect_to_web']);
    expect(refused.body.error_description).toMatch(/^mfa_enrolment_required: /);
  });

  it('signs in at an upstream there, which the app learns of', async () => {
    const at = server.issuer('elsewhere');
    const begun = await challenge(at, firstRequest(pkce()));
    expect(begun.body.sources).toEqual([{ id: 'corp', name: 'Corp' }]);
    const claimed = await challenge(at, { ...nextOf(begun), username: 'somebody@corp.example', password });
    expect([claimed.status, claimed.body]).toMatchObject([
      403,
      { error: 'redirect_to_web', idp_hint: 'corp' },
    ]);
  });
});

it('what a code gave ends with its session, and its person finds it in the list', async () => {
  const scope = 'openid account';
  const here = await signInDirectly(issuer, bob, { scope });
  const there = await signInDirectly(issuer, bob, { scope });
  const ask = async (method: string, path: string) =>
    fetch(`${issuer}/api/v1${path}`, { method, headers: { authorization: `Bearer ${here.access_token}` } });
  const { sessions } = (await (await ask('GET', '/sessions')).json()) as {
    readonly sessions: readonly {
      readonly current: boolean;
      readonly apps: unknown;
      readonly address: string;
    }[];
  };
  expect(sessions.filter(({ current }) => current)).toMatchObject([
    { apps: [{ client_id: app.id, client_name: 'The app app' }], address: '127.0.0.1' },
  ]);
  expect((await ask('DELETE', '/sessions')).status).toBe(200);
  expect((await userinfo(issuer, here.access_token)).status).toBe(200);
  expect((await userinfo(issuer, there.access_token)).status).toBe(401);
  expect((await refresh(issuer, app, there.refresh_token)).body.error).toBe('invalid_grant');
});

it('is documented with commands that work', async () => {
  const [first = '', second = '', atOnce = ''] = documentedBlocks('direct-login.md', 'sh');
  const env = { ...process.env, ISSUER: issuer, USERNAME: bob.username, PASSWORD: bob.password };
  const run = async (script: string): Promise<unknown> =>
    JSON.parse((await promisify(execFile)('sh', ['-euc', script], { env })).stdout);
  expect(await run(first + second)).toMatchObject({
    scope: 'openid account',
    access_token: expect.any(String),
  });
  expect(await run(atOnce)).toMatchObject({ username: bob.username });
});

it('a person who was disabled meanwhile gets no further', async () => {
  const at = server.issuer('stopped');
  const authenticator = await appOf('stopped');
  const proof = pkce();
  const asked = await challenge(at, { ...firstRequest(proof), username, password });
  const form = { ...firstRequest(proof), username, password, otp: nextCode(authenticator) };
  const done = await challenge(at, form);
  await server.users('stopped').disable(username);
  const later = await challenge(at, { ...nextOf(asked), otp: nextCode(authenticator) });
  expect(later.body.error).toBe('invalid_session');
  expect((await redeemDirectly(at, done, proof)).body.error).toBe('invalid_grant');
});

it('an auth_session ends when nobody uses it', async () => {
  const { auth_session } = nextOf(await challenge(issuer, firstRequest(pkce(), { username })));
  clock.advance(301_000);
  const late = await challenge(issuer, { auth_session, password });
  expect(late.body.error).toBe('invalid_session');
  for (const unknown of ['x', 'x'.repeat(43), 'x'.repeat(5000)])
    expect((await challenge(issuer, { auth_session: unknown })).body.error).toBe('invalid_session');
});
