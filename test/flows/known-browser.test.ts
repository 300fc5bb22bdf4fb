import { afterEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser } from '../support/browser.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { goToAuthorization, postAs, prepareAuthorization } from '../support/oauth-client.ts';
import { alice, bob, migrator, sampleTenant, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({
  store: sqliteStore,
  tenants: { acme: sampleTenant({ grants: { password: true } }) },
  settings: { server: { trustedProxies: ['127.0.0.1', '::1'] } },
});
const issuer = server.issuer('acme');
afterEach(restoreTime);

interface Person {
  readonly username: string;
  readonly password: string;
}

/** Each sign-in asks for the password, also in a session. */
const submit = async (browser: Browser, { username, password }: Person) => {
  const request = prepareAuthorization({ issuer, client: web, extra: { prompt: 'login' } });
  const page = await goToAuthorization(browser, request, web.redirectUri);
  return browser.submit(page, { login: username, password });
};

const from = (address: string): Browser => createBrowser({ 'x-forwarded-for': address });

const flood = async ({ username }: Person): Promise<void> => {
  for (let index = 0; index < 11; index += 1)
    await submit(from(`198.51.100.${index}`), { username, password: 'a guess' });
};

describe('while strangers try a name', () => {
  it('its owner signs in where they signed in before, and nowhere else', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.1' };
    const browser = createBrowser(headers);
    const first = await submit(browser, alice);
    expect(first.status).toBe(303);
    const cookies = first.headers.getSetCookie().filter((cookie) => cookie.includes('drawbridge.known='));
    expect(cookies).toEqual([
      expect.stringMatching(
        /^drawbridge\.known=[\w.~-]+; Path=\/oauth\/acme; Max-Age=15552000; HttpOnly; SameSite=Lax$/,
      ),
    ]);

    await flood(alice);
    expect((await submit(from('203.0.113.9'), alice)).status).toBe(429);
    expect((await submit(from('192.0.2.1'), alice)).status).toBe(303);
    headers['x-forwarded-for'] = '203.0.113.9';
    expect((await submit(browser, { ...alice, password: 'a typo' })).status).toBe(400);
    expect((await submit(browser, alice)).status).toBe(303);

    await flood(bob);
    expect((await submit(browser, bob)).status).toBe(429);
  });

  it('the password grant goes on for the addresses of its users', async () => {
    moveTime(3 * 24 * 3600);
    const grant = { grant_type: 'password', username: alice.username, password: alice.password };
    const ask = (address: string) =>
      postAs(migrator, `${issuer}/token`, { form: grant, headers: { 'x-forwarded-for': address } });
    expect((await ask('192.0.2.50')).status).toBe(200);
    await flood(alice);
    expect((await ask('192.0.2.51')).status).toBe(429);
    expect((await ask('192.0.2.50')).status).toBe(200);
  });
});
