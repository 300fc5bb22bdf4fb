import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf } from '../support/browser.ts';
import { enterCode, pollDevice, startDevice } from '../support/device.ts';
import {
  chooseSource,
  type Federation,
  localSource,
  oidcSourceContent,
  openApp,
  signInThere,
  startFederation,
} from '../support/federation.ts';
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

describe('the other ways to complete a sign-in that an attacker began', () => {
  let federation: Federation;
  beforeAll(async () => {
    federation = await startFederation(sqliteStore);
    await federation.setSources([localSource, oidcSourceContent(federation.upstream('corp'), 'corp')]);
  });
  afterAll(() => federation.close());

  /** A browser that sends these cookies of the attacker with every request, behind its own. */
  const victimWith = (attacker: Browser, names: RegExp): Browser =>
    createBrowser({}, (input, init) => {
      const { cookie, ...headers } = (init?.headers ?? {}) as Record<string, string>; // as `createBrowser` makes them
      const cookies = [cookie, cookiesSetBy(attacker, names)].filter((each) => (each ?? '') !== '');
      return fetch(input, { ...init, headers: { ...headers, cookie: cookies.join('; ') } });
    });

  const expectNothing = async (attacker: Browser, resume: string): Promise<void> => {
    expect(new URL(resume).pathname).toMatch(/^\/oauth\/acme\/(auth|device)\/[\w-]+$/);
    const resumed = await attacker.get(resume);
    expect(resumed.status).toBe(400);
    const own = { issuer: federation.issuer, client: web, extra: { prompt: 'none' } };
    const silent = await attacker.get(prepareAuthorization(own).url);
    expect(new URL(silent.location ?? '').searchParams.get('error')).toBe('login_required');
  };
  const isResume = (url: string): boolean => /\/acme\/(auth|device)\/[\w-]+$/.test(url);

  describe.each([
    ['the cookies of the interaction', /drawbridge\.(interaction|resume|upstream)/],
    ['all cookies', /drawbridge\./],
  ])('give the attacker nothing with %s:', (_what, names) => {
    it('a return from an upstream', async () => {
      const attacker = createBrowser();
      const page = await openApp(attacker, federation.issuer);
      const victim = victimWith(attacker, names);
      const there = await chooseSource(victim, await victim.get(page.url), 'corp');
      const back = await signInThere(victim, there, { stop: isResume });
      await expectNothing(attacker, back.location ?? '');
    });

    it('a ticket of an upstream', async () => {
      const attacker = createBrowser();
      const page = await openApp(attacker, federation.issuer);
      const victim = victimWith(attacker, names);
      const there = await chooseSource(victim, await victim.get(page.url), 'corp');
      const back = await signInThere(victim, there, { stop: (url) => url.includes('/return?ticket=') });
      const used = await victim.get(back.location ?? '');
      const again = await attacker.get(back.location ?? '');
      expect(isResume(used.location ?? '')).toBe(true);
      expect(isResume(again.location ?? '')).toBe(false);
      await expectNothing(attacker, used.location ?? '');
    });

    it('the approval of a device', async () => {
      const { issuer: at } = federation;
      const attacker = createBrowser();
      const started = await startDevice(at);
      const confirmation = await enterCode(attacker, at, started.user_code);
      const page = await attacker.follow(await attacker.submit(confirmation, { confirm: 'yes' }));
      const victim = victimWith(attacker, names);
      const answer = await victim.submit(await victim.get(page.url), {
        login: alice.username,
        password: alice.password,
      });
      await expectNothing(attacker, answer.location ?? '');
      expect((await pollDevice(at, started)).body.error).toBe('authorization_pending');
    });

    it('a further sign-in of a person who has a session', async () => {
      const attacker = createBrowser();
      const page = await openApp(attacker, federation.issuer, { extra: { max_age: '0' } });
      const victim = victimWith(attacker, names);
      const own = await openApp(victim, federation.issuer);
      await signInThere(victim, own, { who: alice });
      const answer = await victim.submit(await victim.get(page.url), {
        login: alice.username,
        password: alice.password,
      });
      await expectNothing(attacker, answer.location ?? '');
    });
  });
});
