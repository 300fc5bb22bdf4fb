import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser } from '../support/browser.ts';
import { challenge, directClients, firstRequest } from '../support/direct-login.ts';
import { eventually } from '../support/eventually.ts';
import { codeOf, openApp } from '../support/federation.ts';
import {
  type Answer,
  pkce,
  redeem,
  refresh,
  signOut,
  type TokenBody,
  tokenRequest,
  userinfo,
} from '../support/oauth-client.ts';
import { sampleTenant, type TenantContent, web, webClient } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { openUpstreamProvider, passwordOf, type UpstreamProvider } from '../support/upstream-provider.ts';

const due = 11_000;
const day = 24 * 3600;
const secret = 'a-secret-between-us';
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

const tenant = (upstream: UpstreamProvider, changes: object = {}): TenantContent => ({
  ...sampleTenant({
    grants: { password: true },
    resources: [],
    pkceExemptions: [],
    clients: [
      webClient(web, {
        grant_types: ['authorization_code', 'refresh_token', 'password'],
        post_logout_redirect_uris: [],
      }),
      ...directClients,
    ],
  }),
  sources: [
    { id: 'local', type: 'local' },
    {
      id: 'corp',
      type: 'oidc',
      issuer: upstream.issuer,
      clientId: 'bridge',
      clientSecret: secret,
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      passwordSignIn: true,
      recheck: '10s',
      ...changes,
    } as never, // the schema judges it
  ],
});

describe('a person whose password an upstream checks', () => {
  let upstream: UpstreamProvider;
  let server: TestServer;
  let clock: TestClock;
  let issuer: string;
  let browser: Browser;
  let who: string;
  let people = 0;

  beforeAll(async () => {
    clock = createTestClock(Date.now());
    server = await startTestServer({ store: sqliteStore, clock });
    issuer = server.issuer('acme');
    upstream = await openUpstreamProvider({
      clients: [
        {
          client_id: 'bridge',
          client_secret: secret,
          redirect_uris: [`${issuer}/upstream/corp/callback`],
          grant_types: ['authorization_code', 'refresh_token', 'password', 'client_credentials'],
        },
      ],
      configuration: {
        rotateRefreshToken: true,
        ttl: { Interaction: 60, Grant: day, Session: day, AccessToken: day, RefreshToken: day, IdToken: day },
      },
    });
    await server.putTenant('acme', tenant(upstream));
  });
  beforeEach(() => {
    people += 1;
    who = `anna-${people}`;
    upstream.setPerson(who, { name: 'Anna' });
    browser = createBrowser();
  });
  afterEach(() => {
    upstream.disable();
    upstream.setFaults();
    clock.advance(Date.now() - clock.now());
  });
  afterAll(async () => {
    await server.close();
    await upstream.close();
  });

  const signIn = async (extra: Readonly<Record<string, string>> = {}): Promise<TokenBody> => {
    const start = await openApp(browser, issuer, { extra });
    const page = await browser.follow(
      await browser.submit(start, { login: who, password: passwordOf(who) }),
      (url) => url.startsWith(web.redirectUri),
    );
    return (await redeem({ issuer, client: web }, { code: codeOf(page), verifier: start.verifier } as never))
      .body;
  };
  const statusOf = async ({ access_token: accessToken = '' }: TokenBody): Promise<number> =>
    (await userinfo(issuer, accessToken)).status;
  const isSignedIn = async (): Promise<boolean> => (await browser.get(`${issuer}/account`)).status === 200;
  const proveByBasic = async () => {
    const { accounts } = await servedTenant(server, 'acme');
    const attempt = { login: who, password: passwordOf(who), address: '192.0.2.1', via: 'basic' } as const;
    return accounts.signIn(attempt);
  };

  it('is out once disabled there, after a sign-in on the page and after the password grant', async () => {
    const onPage = await signIn();
    const granted = await tokenRequest(issuer, web, {
      grant_type: 'password',
      username: who,
      password: passwordOf(who),
      scope: 'openid',
    });
    clock.advance(due);
    const before = [await statusOf(onPage), await statusOf(granted.body)];
    upstream.disable(who);
    clock.advance(due);

    expect(before).toEqual([200, 200]);
    expect([await statusOf(onPage), await statusOf(granted.body)]).toEqual([401, 401]);
    expect((await refresh(issuer, web, granted.body.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('is let in by the password after the upstream had refused to refresh', async () => {
    const tokens = await signIn();
    upstream.disable(who);
    clock.advance(due);
    expect(await statusOf(tokens)).toBe(401);
    upstream.disable();
    browser = createBrowser();
    const again = await signIn();
    clock.advance(due);
    expect(await statusOf(again)).toBe(200);
  });

  it('is signed out here when their session there ends', async () => {
    await signIn();
    const iat = Math.floor(Date.now() / 1000);
    const about = { sub: who, sid: upstream.lastSid(), events: { [logoutEvent]: {} } };
    const token = await upstream.sign(
      { iss: upstream.issuer, aud: 'bridge', jti: `logout-${who}`, iat, exp: iat + 60, ...about },
      { typ: 'logout+jwt' },
    );
    const { status } = await fetch(`${issuer}/upstream/corp/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });

    expect(status).toBe(200);
    expect(await isSignedIn()).toBe(false);
  });

  it('is signed out there when they sign out here, without a visit there', async () => {
    const tokens = await signIn();
    clock.advance(due);
    await statusOf(tokens); // the refresh token of the sign-in was replaced
    expect(upstream.refreshTokensOf(who)).toBe(1);
    const page = await signOut(browser, issuer);

    expect(page.url.startsWith(`${issuer}/session/end/success`)).toBe(true);
    expect(upstream.refreshTokensOf(who)).toBe(0);
  });

  it('is signed out here even while the upstream is down', async () => {
    await signIn();
    upstream.setFaults({ at: /^\/token/, fault: { kind: 'down' } });
    const page = await signOut(browser, issuer);

    expect(page.url.startsWith(`${issuer}/session/end/success`)).toBe(true);
    expect(await isSignedIn()).toBe(false);
  });

  it('has one session there, however often the password is asked for again', async () => {
    await signIn();
    await signIn({ prompt: 'login' });
    await eventually('the proof is revoked', () => upstream.refreshTokensOf(who) === 1, 5000);
    const tokens = await signIn({ prompt: 'login' });
    await eventually('the proof is revoked', () => upstream.refreshTokensOf(who) === 1, 5000);
    clock.advance(due);

    expect(await statusOf(tokens)).toBe(200);
  });

  it('has no session there after a password that was sent to a service', async () => {
    expect(await proveByBasic()).toMatchObject({ ok: true });
    await eventually('the proof is revoked', () => upstream.refreshTokensOf(who) === 0, 5000);
  });

  it('has no session there after the password grant where the source is asked about people otherwise', async () => {
    const details = { uri: `${upstream.issuer}/details/{subject}` };
    await server.putTenant('acme', tenant(upstream, { details }));
    upstream.setFaults({ at: /^\/details\//, fault: { kind: 'answer', body: JSON.stringify({ sub: who }) } });
    const { status } = await tokenRequest(issuer, web, {
      grant_type: 'password',
      username: who,
      password: passwordOf(who),
      scope: 'openid',
    });
    expect(status).toBe(200);
    await eventually('the grant is revoked', () => upstream.refreshTokensOf(who) === 0, 5000);
    await server.putTenant('acme', tenant(upstream));
  });

  it.each<[string, () => Promise<Answer>]>([
    [
      'password grant',
      () =>
        tokenRequest(issuer, web, {
          ...{ grant_type: 'password', scope: 'openid' },
          ...{ username: who, password: passwordOf(who) },
        }),
    ],
    [
      'challenge endpoint',
      () => challenge(issuer, { ...firstRequest(pkce()), username: who, password: passwordOf(who) }),
    ],
  ])('has no session there after the %s, where a passkey is the only second factor', async (_where, ask) => {
    const known = await proveByBasic();
    if (!known.ok) throw new Error(`not signed in: ${known.reason}`);
    await eventually('the proof is revoked', () => upstream.refreshTokensOf(who) === 0, 5000);
    await server.storage.forTenant('acme').accounts.update(known.account.sub, {
      factors: [
        {
          ...{ type: 'passkey', id: 'laptop', name: 'Laptop', createdAt: clock.now() },
          ...{ credentialId: 'a', publicKey: 'a', counter: 0, rpId: 'localhost' },
          ...{ isSynced: false, isBackedUp: false },
        },
      ],
    });
    const { status, body } = await ask();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body.error_description).toMatch(/^passkey_required: /);
    expect(body).not.toHaveProperty('mfa_token');
    await eventually('the proof is revoked', () => upstream.refreshTokensOf(who) === 0, 5000);
  });

  it('has no session there when the upstream took the password but did not say who they are', async () => {
    upstream.setFaults({ at: /^\/me$/, fault: { kind: 'status', status: 500 } });
    await expect(proveByBasic()).rejects.toMatchObject({ code: 'unavailable' });
    expect(upstream.hits(/^\/me$/)).toBeGreaterThan(0);
    await eventually('the grant is revoked', () => upstream.refreshTokensOf(who) === 0, 5000);
  });

  it('is known by a password while nothing can be revoked', async () => {
    upstream.setFaults({ at: /revocation/, fault: { kind: 'status', status: 500 } });
    expect(await proveByBasic()).toMatchObject({ ok: true });
    await eventually(
      'the failure is in the log',
      () =>
        server
          .logLines()
          .some((line) => line.includes('could not be revoked') && line.includes('"level":"debug"')),
      5000,
    );
  });
});
