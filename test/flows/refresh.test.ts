import { afterEach, describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  type Answer,
  introspect,
  redeem,
  refresh,
  signIn,
  signOut,
  type TokenBody,
  tokensFor,
  userinfo,
} from '../support/oauth-client.ts';
import {
  confidential,
  desktop,
  sampleClients,
  sampleTenant,
  secretOf,
  shop,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { startTestServer } from '../support/test-server.ts';
import { withEachStore } from '../support/use-server.ts';

const hour = 3600;
const day = 24 * hour;

const codeOnly = confidential('code-only');
const shortLived = confidential('short-lived');

/** No grace, and lifetimes of hours. */
const strict = sampleTenant({
  lifetimes: { session: '1h', refreshToken: '1d', refreshTokenAbsolute: '3d', refreshTokenGrace: '0s' },
  clients: [
    ...sampleClients,
    webClient(codeOnly, { grant_types: ['authorization_code'] }),
    webClient(shortLived, { lifetimes: { refreshToken: '10m', refreshTokenAbsolute: '15m' } }),
  ],
});

/** Granted only when the person is asked (OpenID Connect Core section 11). */
const offline = 'openid profile offline_access';
const refused = { status: 400, body: { error: 'invalid_grant' } };
const isRefused = ({ status, body }: Answer): boolean => status === 400 && body.error === 'invalid_grant';

await withEachStore({ instances: 2, tenants: { acme: sampleTenant(), strict } }, (server, store) => {
  const acme = server.issuer('acme');
  afterEach(restoreTime);

  const offlineTokens = (issuer: string, client = web): Promise<TokenBody & { access_token: string }> =>
    tokensFor(createBrowser(), { issuer, client, scope: offline, extra: { prompt: 'consent' } });

  /** What is left of a family that a replay has revoked. */
  const expectRevoked = async (issuer: string, answers: readonly TokenBody[]): Promise<void> => {
    for (const { access_token: token = '', refresh_token } of answers) {
      expect((await userinfo(issuer, token)).status).toBe(401);
      expect((await introspect(issuer, web, token)).body).toEqual({ active: false });
      expect(await refresh(issuer, web, refresh_token)).toMatchObject(refused);
    }
  };

  describe('rotation', () => {
    it.each([web, desktop])('gives $id new tokens at each use', async (client) => {
      const first = await offlineTokens(acme, client);
      const second = await refresh(acme, client, first.refresh_token);
      const third = await refresh(acme, client, second.body.refresh_token);
      expect([second.status, third.status]).toEqual([200, 200]);
      const values = [first, second.body, third.body];
      expect(new Set(values.map(({ refresh_token }) => refresh_token)).size).toBe(3);
      expect(new Set(values.map(({ access_token }) => access_token)).size).toBe(3);
      expect((await userinfo(acme, third.body.access_token ?? '')).status).toBe(200);
      expect(third.body).toMatchObject({
        token_type: 'Bearer',
        expires_in: hour,
        id_token: expect.any(String),
      });
    });

    it('gives a client, who lost the answer, the same successor again', async () => {
      const first = await offlineTokens(acme);
      const lost = await refresh(acme, web, first.refresh_token);
      moveTime(5);
      const again = await refresh(acme, web, first.refresh_token);
      expect(again.status).toBe(200);
      expect(again.body.refresh_token).toBe(lost.body.refresh_token);
      expect((await userinfo(acme, again.body.access_token ?? '')).status).toBe(200);
      expect((await refresh(acme, web, again.body.refresh_token)).status).toBe(200);
    });
    it('gives 20 who refresh at once on two instances one successor', async () => {
      for (let round = 0; round < 3; round += 1) {
        const first = await offlineTokens(acme);
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => refresh(acme, web, first.refresh_token)),
        );
        expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
        const successors = [...new Set(answers.map(({ body }) => body.refresh_token))];
        expect(successors).toHaveLength(1);
        expect((await refresh(acme, web, successors[0])).status).toBe(200);
      }
    });

    it('without a grace lets one of 20 pass at most', async () => {
      const issuer = server.issuer('strict');
      const first = await offlineTokens(issuer);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => refresh(issuer, web, first.refresh_token)),
      );
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
      expect(answers.filter(isRefused).length).toBeGreaterThanOrEqual(19);
    });

    it('ends the family when a token comes back after the grace', async () => {
      const first = await offlineTokens(acme);
      const second = await refresh(acme, web, first.refresh_token);
      moveTime(11);
      expect(await refresh(acme, web, first.refresh_token)).toMatchObject(refused);
      await expectRevoked(acme, [first, second.body]);
      const records = await server.storage.forTenant('acme').audit.list({ limit: 100 });
      expect(records.find(({ action }) => action === 'refresh_token.reuse')).toMatchObject({
        outcome: 'failure',
        reason: 'grant_revoked',
        clientId: web.id,
        address: expect.stringMatching(/127\.0\.0\.1|::1/),
        object: expect.any(String),
      });
    });

    // all of it within one second
    it('ends the family when a token comes back after its successor was used', async () => {
      const first = await offlineTokens(acme);
      const second = await refresh(acme, web, first.refresh_token);
      const third = await refresh(acme, web, second.body.refresh_token);
      expect(third.status).toBe(200);
      expect(await refresh(acme, web, first.refresh_token)).toMatchObject(refused);
      await expectRevoked(acme, [first, second.body, third.body]);
    });

    it('without a grace ends the family at once', async () => {
      const issuer = server.issuer('strict');
      const first = await offlineTokens(issuer);
      const second = await refresh(issuer, web, first.refresh_token);
      expect(await refresh(issuer, web, first.refresh_token)).toMatchObject(refused);
      await expectRevoked(issuer, [first, second.body]);
    });
    it('remembers across a restart what was used', async () => {
      const opened = await store.open();
      const whileOpen = async <T>(use: (issuer: string) => Promise<T>): Promise<T> => {
        const restarted = await startTestServer({ store: opened.url, tenants: { strict } });
        return use(restarted.issuer('strict')).finally(() => restarted.close());
      };
      const [first, second] = await whileOpen(async (issuer) => {
        const tokens = await offlineTokens(issuer);
        return [tokens, (await refresh(issuer, web, tokens.refresh_token)).body];
      });
      await whileOpen(async (issuer) => {
        expect(await refresh(issuer, web, first?.refresh_token)).toMatchObject(refused);
        await expectRevoked(issuer, [first ?? {}, second ?? {}]);
      }).finally(() => opened.cleanup());
    });
  });

  describe('lifetime', () => {
    it('ends with the session without offline_access', async () => {
      const issuer = server.issuer('strict');
      const tokens = await tokensFor(createBrowser(), { issuer, client: web });
      const next = await refresh(issuer, web, tokens.refresh_token);
      expect(next.status).toBe(200);
      moveTime(hour + 1);
      expect(await refresh(issuer, web, next.body.refresh_token)).toMatchObject(refused);
    });

    it('outlives the session with offline_access', async () => {
      const issuer = server.issuer('strict');
      const tokens = await offlineTokens(issuer);
      moveTime(2 * hour);
      const next = await refresh(issuer, web, tokens.refresh_token);
      expect(next.status).toBe(200);
      expect((await userinfo(issuer, next.body.access_token ?? '')).status).toBe(200);
    });

    it('ends with the session when the person was not asked for offline_access', async () => {
      const issuer = server.issuer('strict');
      const tokens = await tokensFor(createBrowser(), { issuer, client: web, scope: offline });
      expect(tokens.scope).toBe('openid profile');
      moveTime(hour + 1);
      expect(await refresh(issuer, web, tokens.refresh_token)).toMatchObject(refused);
    });

    it.each(['openid', 'openid offline_access'])('ends at the sign-out with the scope %s', async (scope) => {
      const browser = createBrowser();
      const request = { issuer: acme, client: web, scope, extra: { prompt: 'consent' } };
      const tokens = await tokensFor(browser, request);
      expect(tokens.scope).toBe(scope);
      await signOut(browser, acme);
      expect(await refresh(acme, web, tokens.refresh_token)).toMatchObject(refused);
      expect((await userinfo(acme, tokens.access_token)).status).toBe(401);
      expect((await introspect(acme, web, tokens.access_token)).body).toEqual({ active: false });
    });

    it('slides with each use, up to an absolute end', async () => {
      const issuer = server.issuer('strict');
      let tokens: TokenBody = await offlineTokens(issuer);
      for (let use = 1; use <= 3; use += 1) {
        moveTime(20 * hour);
        const answer: Answer = await refresh(issuer, web, tokens.refresh_token);
        expect(answer.status).toBe(200);
        tokens = answer.body;
      }
      moveTime(13 * hour); // used 13 hours ago, but 73 hours after the sign-in
      expect(await refresh(issuer, web, tokens.refresh_token)).toMatchObject(refused);
    });

    it('ends when it was not used for long', async () => {
      const issuer = server.issuer('strict');
      const tokens = await offlineTokens(issuer);
      moveTime(day + 1);
      expect(await refresh(issuer, web, tokens.refresh_token)).toMatchObject(refused);
    });

    it('is what the client sets for itself', async () => {
      const issuer = server.issuer('strict');
      const unused = await offlineTokens(issuer, shortLived);
      const tokens = await offlineTokens(issuer, shortLived);
      moveTime(540);
      const next = await refresh(issuer, shortLived, tokens.refresh_token);
      expect(next.status).toBe(200);
      moveTime(61);
      expect(await refresh(issuer, shortLived, unused.refresh_token)).toMatchObject(refused);
      moveTime(300); // used 6 minutes ago, but more than 15 after the sign-in
      expect(await refresh(issuer, shortLived, next.body.refresh_token)).toMatchObject(refused);
    });
    it('reaches beyond the session, whose grant it hangs on', async () => {
      let tokens: TokenBody = await offlineTokens(acme);
      for (const days of [20, 25, 25]) {
        moveTime(days * day);
        const answer: Answer = await refresh(acme, web, tokens.refresh_token);
        expect(answer.status).toBe(200);
        tokens = answer.body;
      }
    });
  });

  describe('scope', () => {
    it('may be narrowed for one access token', async () => {
      const first = await offlineTokens(acme);
      const narrow = await refresh(acme, web, first.refresh_token, { scope: 'openid' });
      expect(narrow.body.scope).toBe('openid');
      expect((await userinfo(acme, narrow.body.access_token ?? '')).body).not.toHaveProperty('name');
      const wide = await refresh(acme, web, narrow.body.refresh_token);
      expect(wide.body.scope).toBe(offline);
    });

    it('is never widened', async () => {
      const first = await offlineTokens(acme);
      const wide = await refresh(acme, web, first.refresh_token, { scope: 'openid email' });
      expect(wide).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    });
  });

  describe('client', () => {
    it('gets none without the grant', async () => {
      const tokens = await tokensFor(createBrowser(), {
        issuer: server.issuer('strict'),
        client: codeOnly,
        scope: offline,
        extra: { prompt: 'consent' },
      });
      expect(tokens).not.toHaveProperty('refresh_token');
    });
    it('must be the one it was issued to, and prove it', async () => {
      const { refresh_token: token } = await offlineTokens(acme);
      expect(await refresh(acme, shop, token)).toMatchObject(refused);
      for (const impostor of [{ id: web.id }, { id: web.id, secret: secretOf('shop') }]) {
        const answer = await refresh(acme, impostor, token);
        expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      }
      expect((await refresh(acme, web, token)).status).toBe(200);
    });
    it('must have all of it', async () => {
      const { refresh_token: token = '' } = await offlineTokens(acme);
      for (const cut of [1, 10, token.length - 1]) {
        expect(await refresh(acme, web, token.slice(0, -cut))).toMatchObject(refused);
      }
      expect((await refresh(acme, web, token)).status).toBe(200);
    });
  });

  describe('person', () => {
    const password = 'shall be disabled soon';
    it('who is disabled loses all tokens at once, on every instance', async () => {
      await server.users('acme').add({ username: 'erin', password });
      const request = { issuer: acme, client: web, scope: offline, extra: { prompt: 'consent' } };
      const tokens = await tokensFor(createBrowser(), request, { username: 'erin', password });
      expect((await introspect(acme, web, tokens.access_token)).body.active).toBe(true);

      await server.users('acme').disable('erin');
      for (let instance = 0; instance < 2; instance += 1) {
        expect((await userinfo(acme, tokens.access_token)).status).toBe(401);
      }
      for (let instance = 0; instance < 2; instance += 1) {
        expect((await introspect(acme, web, tokens.access_token)).body).toEqual({ active: false });
      }
      for (let instance = 0; instance < 2; instance += 1) {
        expect(await refresh(acme, web, tokens.refresh_token)).toMatchObject(refused);
      }
    });

    it('who is enabled again has to sign in again', async () => {
      const users = server.users('acme');
      await users.add({ username: 'frank', password });
      const request = { issuer: acme, client: web, scope: offline, extra: { prompt: 'consent' } };
      const tokens = await tokensFor(createBrowser(), request, { username: 'frank', password });
      await users.disable('frank');
      await users.enable('frank');
      expect((await userinfo(acme, tokens.access_token)).status).toBe(401);
      expect(await refresh(acme, web, tokens.refresh_token)).toMatchObject(refused);
      moveTime(2);
      const signedIn = await signIn(createBrowser(), request, { username: 'frank', password });
      expect((await redeem(request, signedIn)).status).toBe(200);
    });

    it('whose password is changed has to sign in again', async () => {
      const users = server.users('acme');
      await users.add({ username: 'grace', password });
      const request = { issuer: acme, client: web, scope: offline, extra: { prompt: 'consent' } };
      const tokens = await tokensFor(createBrowser(), request, { username: 'grace', password });
      await users.setPassword('grace', 'quite another phrase');
      expect((await userinfo(acme, tokens.access_token)).status).toBe(401);
      expect(await refresh(acme, web, tokens.refresh_token)).toMatchObject(refused);
      const fresh = await tokensFor(createBrowser(), request, {
        username: 'grace',
        password: 'quite another phrase',
      });
      expect((await userinfo(acme, fresh.access_token)).status).toBe(200);
    });
  });
});
