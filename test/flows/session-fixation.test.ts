import { describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf } from '../support/browser.ts';
import { prepareAuthorization } from '../support/oauth-client.ts';
import { alice, sampleTenant, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

/** What a host below the same parent can make another browser send (RFC 6265 section 8.6). */
const cookiesSetBy = (attacker: Browser, names: RegExp): string =>
  attacker
    .cookies()
    .filter(({ name }) => names.test(name))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');

const server = await useServer({ store: sqliteStore, tenants: { acme: sampleTenant() } });
const issuer = server.issuer('acme');

describe('an interaction that an attacker began, in the browser of a victim', () => {
  const begin = async () => {
    const attacker = createBrowser();
    const page = await attacker.follow(await attacker.get(prepareAuthorization({ issuer, client: web }).url));
    return { attacker, page };
  };

  it.each([
    ['the cookies of the interaction', /drawbridge\.interaction/],
    ['all cookies', /drawbridge\./],
  ])('gives the attacker nothing when the victim signs in with %s', async (_what, names) => {
    const { attacker, page } = await begin();
    const victim = createBrowser({ cookie: cookiesSetBy(attacker, names) });
    const [form] = formsOf(await victim.get(page.url));
    const answer = await victim.post(form?.action ?? '', {
      ...form?.fields,
      login: alice.username,
      password: alice.password,
    });
    expect(answer.status).toBe(303);

    const resumed = await attacker.get(answer.location ?? '');
    expect(resumed.status).toBe(400);
    expect(resumed.headers.getSetCookie().join()).not.toContain('session');
    const { url } = prepareAuthorization({ issuer, client: web, extra: { prompt: 'none' } });
    const silent = await attacker.get(url);
    expect(new URL(silent.location ?? '').searchParams.get('error')).toBe('login_required');
  });

  it('is resumed by the browser that signed in', async () => {
    const { attacker: browser, page } = await begin();
    const answer = await browser.submit(page, { login: alice.username, password: alice.password });
    const back = await browser.get(answer.location ?? '');
    expect(new URL(back.location ?? '').searchParams.get('code')).toEqual(expect.any(String));
  });

  it('is not resumed with the proof of another interaction', async () => {
    const { attacker, page } = await begin();
    const own = await attacker.submit(page, { login: alice.username, password: alice.password });
    const proof = cookiesSetBy(attacker, /proof/);
    const other = await begin();
    const victim = createBrowser({ cookie: cookiesSetBy(other.attacker, /interaction/) });
    const [form] = formsOf(await victim.get(other.page.url));
    const answer = await victim.post(form?.action ?? '', {
      ...form?.fields,
      login: alice.username,
      password: alice.password,
    });
    const thief = createBrowser({ cookie: `${cookiesSetBy(other.attacker, /drawbridge/)}; ${proof}` });
    expect(own.status).toBe(303);
    expect((await thief.get(answer.location ?? '')).status).toBe(400);
  });
});
