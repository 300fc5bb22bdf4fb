import { afterEach, describe, expect, it } from '@jest/globals';
import * as openid from 'openid-client';
import { createBrowser } from '../support/browser.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  type AuthorizationRequest,
  goToAuthorization,
  introspect,
  pkce,
  prepareAuthorization,
  redeem,
  refresh,
  signIn,
  userinfo,
} from '../support/oauth-client.ts';
import {
  alice,
  appRedirect,
  desktop,
  legacy,
  ordersResource,
  secretOf,
  shop,
  web,
} from '../support/sample-tenants.ts';
import { withEachStore } from '../support/use-server.ts';

await withEachStore({ instances: 2 }, (server) => {
  const issuer = server.issuer('acme');
  const request: AuthorizationRequest = { issuer, client: web };
  afterEach(restoreTime);

  it('serves an app that uses openid-client', async () => {
    const config = await openid.discovery(
      new URL(issuer),
      web.id,
      undefined,
      openid.ClientSecretBasic(web.secret),
      { execute: [openid.allowInsecureRequests] },
    );
    const verifier = openid.randomPKCECodeVerifier();
    const state = openid.randomState();
    const nonce = openid.randomNonce();
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: appRedirect,
      scope: 'openid profile email',
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const browser = createBrowser();
    const login = await browser.follow(await browser.get(url.href));
    const back = await browser.follow(
      await browser.submit(login, { login: alice.username, password: alice.password }),
      (target) => target.startsWith(appRedirect),
    );

    // also checks iss (RFC 9207), state, and the ID token's signature, iss, aud, nonce and times
    const tokens = await openid.authorizationCodeGrant(config, new URL(back.location ?? ''), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    const person = await openid.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');

    expect(config.serverMetadata().authorization_response_iss_parameter_supported).toBe(true);
    expect(claims).toMatchObject({ iss: issuer, aud: web.id, nonce });
    expect(person).toMatchObject({
      sub: claims?.sub,
      name: 'Alice Adams',
      preferred_username: 'alice',
      email: 'alice@acme.example',
      email_verified: true,
    });
  });

  it('gives tokens to one of 20 who redeem a code at once on two instances', async () => {
    for (let round = 0; round < 3; round += 1) {
      const signedIn = await signIn(createBrowser(), request);
      const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(request, signedIn)));
      const outcomes = answers.map(({ status, body }) => `${status} ${body.error ?? 'tokens'}`).sort();
      expect(outcomes).toEqual(['200 tokens', ...Array.from({ length: 19 }, () => '400 invalid_grant')]);
    }
  });

  it('leaves the winner of parallel redemptions what it got', async () => {
    for (let round = 0; round < 5; round += 1) {
      const signedIn = await signIn(createBrowser(), request);
      const answers = await Promise.all(Array.from({ length: 8 }, () => redeem(request, signedIn)));
      const [winner, ...others] = answers.filter(({ status }) => status === 200);
      expect(others).toEqual([]);
      expect((await userinfo(issuer, winner?.body.access_token ?? '')).status).toBe(200);
      expect((await refresh(issuer, web, winner?.body.refresh_token)).status).toBe(200);
    }
  });

  it('refuses a repetition within the grace, and takes nothing back', async () => {
    const signedIn = await signIn(createBrowser(), request);
    const { body } = await redeem(request, signedIn);
    const second = await redeem(request, signedIn);
    expect(second).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await userinfo(issuer, body.access_token ?? '')).status).toBe(200);
    expect((await refresh(issuer, web, body.refresh_token)).status).toBe(200);
  });

  describe('takes back what a code gave when it comes again after the grace', () => {
    const jwtRequest = { ...request, scope: 'orders:read', extra: { resource: ordersResource } };
    const audited = async () =>
      (await server.storage.forTenant('acme').audit.list({ limit: 100 })).filter(
        ({ action }) => action === 'code.replay',
      );

    it('with all that was refreshed since, and nothing that other codes gave', async () => {
      moveTime(0);
      const browser = createBrowser();
      const before = (await redeem(request, await signIn(browser, request))).body;
      const signedIn = await signIn(browser, request);
      const first = (await redeem(request, signedIn)).body;
      const refreshed = (await refresh(issuer, web, first.refresh_token)).body;
      moveTime(11);
      const second = await redeem(request, signedIn);
      expect(second).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      for (const token of [first.access_token, refreshed.access_token])
        expect((await userinfo(issuer, token ?? '')).status).toBe(401);
      expect((await refresh(issuer, web, refreshed.refresh_token)).body.error).toBe('invalid_grant');
      expect((await userinfo(issuer, before.access_token ?? '')).status).toBe(200);
      expect((await refresh(issuer, web, before.refresh_token)).status).toBe(200);
      expect((await audited())[0]).toMatchObject({
        action: 'code.replay',
        outcome: 'failure',
        reason: 'tokens_revoked',
        clientId: web.id,
        address: expect.stringMatching(/127\.0\.0\.1|::1/),
        object: expect.any(String),
      });
    });

    it('a JWT too', async () => {
      moveTime(0);
      const browser = createBrowser();
      const before = (await redeem(jwtRequest, await signIn(browser, jwtRequest))).body;
      const signedIn = await signIn(browser, jwtRequest);
      const { body } = await redeem(jwtRequest, signedIn);
      const isActive = async (token: string | undefined): Promise<unknown> =>
        (await introspect(issuer, web, token ?? '')).body.active;
      expect(await isActive(body.access_token)).toBe(true);
      moveTime(11);
      await redeem(jwtRequest, signedIn);
      expect(await isActive(body.access_token)).toBe(false);
      expect(await isActive(before.access_token)).toBe(true);
    });

    it('and nothing when the verifier is another, or the client', async () => {
      moveTime(0);
      const signedIn = await signIn(createBrowser(), request);
      const { body } = await redeem(request, signedIn);
      moveTime(11);
      await redeem(request, { ...signedIn, verifier: pkce().verifier });
      await redeem({ issuer, client: shop }, signedIn);
      expect((await userinfo(issuer, body.access_token ?? '')).status).toBe(200);
    });
  });

  it.each([
    ['no verifier', undefined],
    ['an empty verifier', ''],
    ['the word null', 'null'],
    ['another verifier', pkce().verifier],
  ])('refuses a code with %s', async (_name, verifier) => {
    const signedIn = await signIn(createBrowser(), request);
    const answer = await redeem(request, signedIn, { code_verifier: verifier });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(/^invalid_(grant|request)$/);
    expect(answer.body.access_token).toBeUndefined();
  });

  it('records who presents a code that is not theirs, used or not', async () => {
    moveTime(1000); // what the tests above noticed is no longer counted
    const list = () => server.storage.forTenant('acme').audit.list({ limit: 1000 });
    const seen = new Set((await list()).map(({ id }) => id));
    const audited = async () => {
      const [record] = (await list()).filter(
        ({ id, action }) => !seen.has(id) && /misuse|replay/.test(action),
      );
      seen.add(record?.id ?? '');
      return {
        action: record?.action,
        reason: record?.reason,
        clientId: record?.clientId,
        sub: record?.object,
      };
    };
    const signedIn = await signIn(createBrowser(), request);
    const thefts: readonly (readonly [string, string, () => ReturnType<typeof redeem>])[] = [
      ['other_client', shop.id, () => redeem({ issuer, client: shop }, signedIn)],
      ['wrong_verifier', web.id, () => redeem(request, { ...signedIn, verifier: pkce().verifier })],
      ['wrong_verifier', web.id, () => redeem(request, signedIn, { code_verifier: undefined })],
      ['wrong_verifier', web.id, () => redeem(request, signedIn, { code_verifier: 'short' })],
      [
        'wrong_redirect_uri',
        web.id,
        () => redeem(request, signedIn, { redirect_uri: 'https://evil.example' }),
      ],
    ];
    for (const action of ['code.misuse', 'code.replay']) {
      for (const [reason, clientId, steal] of thefts) {
        expect((await steal()).status).toBe(400);
        expect(await audited()).toEqual({ action, reason, clientId, sub: expect.any(String) });
      }
      if (action === 'code.misuse') expect((await redeem(request, signedIn)).status).toBe(200);
    }
    const { body } = await redeem(request, await signIn(createBrowser(), request));
    expect((await refresh(issuer, shop, body.refresh_token)).status).toBe(400);
    expect(await audited()).toMatchObject({ action: 'refresh_token.misuse', clientId: shop.id });
  });

  it('refuses a challenge in the place of its verifier', async () => {
    const signedIn = await signIn(createBrowser(), request);
    const answer = await redeem(request, signedIn, { code_verifier: signedIn.challenge });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
  it.each([
    ['without a challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['with an empty challenge', { code_challenge: '' }],
    ['with the plain method', { code_challenge_method: 'plain' }],
    ['without a method, which means plain', { code_challenge_method: undefined }],
  ])('refuses an authorization request %s', async (_name, extra) => {
    for (const client of [web, desktop]) {
      const prepared = prepareAuthorization({ issuer, client, extra });
      const page = await goToAuthorization(createBrowser(), prepared, client.redirectUri);
      const returned = new URL(page.location ?? '').searchParams;
      expect(returned.get('error')).toBe('invalid_request');
      expect(returned.get('code')).toBeNull();
    }
  });

  it('lets the exempt client do without PKCE, but not send a verifier for nothing', async () => {
    const without = {
      issuer,
      client: legacy,
      extra: { code_challenge: undefined, code_challenge_method: undefined },
    };
    const plain = await signIn(createBrowser(), without);
    expect((await redeem(without, plain, { code_verifier: undefined })).status).toBe(200);
    const downgraded = await signIn(createBrowser(), without);
    expect(await redeem(without, downgraded)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  it('holds the exempt client to the PKCE that it began', async () => {
    const begun = await signIn(createBrowser(), { issuer, client: legacy });
    const answer = await redeem({ issuer, client: legacy }, begun, { code_verifier: undefined });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
  it('refuses a code of another client', async () => {
    const signedIn = await signIn(createBrowser(), request);
    const answer = await redeem({ issuer, client: { ...shop, redirectUri: appRedirect } }, signedIn);
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it.each([
    ['another redirect_uri', `${appRedirect}/`],
    ['no redirect_uri', undefined],
  ])('refuses a code with %s', async (_name, redirectUri) => {
    const signedIn = await signIn(createBrowser(), request);
    const answer = await redeem(request, signedIn, { redirect_uri: redirectUri });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(/^invalid_(grant|request)$/);
  });

  it('refuses a code after its lifetime', async () => {
    const signedIn = await signIn(createBrowser(), request);
    moveTime(61);
    expect(await redeem(request, signedIn)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });
  it('refuses the code of a person who was disabled meanwhile', async () => {
    const person = { username: 'carol', password: 'shall be disabled soon' };
    await server.users('acme').add(person);
    const signedIn = await signIn(createBrowser(), request, person);
    await server.users('acme').disable('carol');
    expect(await redeem(request, signedIn)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  it('refuses a client with a wrong secret, or none', async () => {
    const signedIn = await signIn(createBrowser(), request);
    for (const client of [
      { ...web, secret: secretOf('shop') },
      { id: web.id, redirectUri: appRedirect },
    ]) {
      const answer = await redeem({ issuer, client }, signedIn);
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    }
    expect((await redeem(request, signedIn)).status).toBe(200);
  });
  it('refuses a code with characters cut off', async () => {
    const signedIn = await signIn(createBrowser(), request);
    for (const cut of [1, 5, signedIn.code.length - 1]) {
      const answer = await redeem(request, { ...signedIn, code: signedIn.code.slice(0, -cut) });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    }
    expect((await redeem(request, signedIn)).status).toBe(200);
  });

  it('forbids caches to keep the tokens', async () => {
    const { headers } = await redeem(request, await signIn(createBrowser(), request));
    expect(headers.get('cache-control')).toBe('no-store');
  });
});
