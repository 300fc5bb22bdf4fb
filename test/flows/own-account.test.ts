// What people do with their own account, by the API: where they are signed in, which apps have access, what was done.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser } from '../support/browser.ts';
import { instanceHeader } from '../support/instances-front.ts';
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
import { migrator, sampleTenant, shop, web } from '../support/sample-tenants.ts';
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
  readonly apps: readonly { readonly client_id: string }[];
}

await withEachStore({ instances: 2, tenants: { acme: sampleTenant() } }, (server) => {
  const issuer = server.issuer('acme');
  const password = 'lantern orbit mosaic';
  let person: { readonly username: string; readonly password: string };
  let sub: string;
  let added = 0;

  beforeEach(async () => {
    added += 1;
    person = { username: `dana-${added}`, password };
    const change = await server.users('acme').add({ ...person, email: `dana-${added}@acme.example` });
    if (!change.ok) throw new Error(change.message);
    sub = change.account.sub;
  });

  const ask = async (token: string | undefined, path: string, method = 'GET'): Promise<Answer> =>
    toAnswer(
      await fetch(`${issuer}/api/v1${path}`, { method, headers: { authorization: `Bearer ${token}` } }),
    );
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
      const bob = await tokensFor(
        createBrowser(),
        { issuer, client: web, scope },
        { username: 'bob', password: 'another fine staple' },
      );
      expect((await ask(bob.access_token, `/sessions/${hers?.id}`, 'DELETE')).status).toBe(404);
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
});
