import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createBrowser, formsOf } from '../support/browser.ts';
import { dumpStore } from '../support/dump-store.ts';
import {
  carol,
  chooseSource,
  codeOf,
  type Federation,
  isLoginOf,
  localSource,
  oidcSourceContent,
  openApp,
  signInThere,
  signInThrough,
  startFederation,
  wayBack,
} from '../support/federation.ts';
import { redeem, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { alice, shop, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';

let federation: Federation;
let corp: object;
let rival: object;
const issuer = (): string => federation.issuer;

beforeAll(async () => {
  federation = await startFederation(sqliteStore, { instances: 2 });
  corp = oidcSourceContent(federation.upstream('corp'), 'corp');
  rival = oidcSourceContent(federation.upstream('rival'), 'rival');
});
afterAll(() => federation.close());

const tokensOf = async (code: string, verifier: string) => {
  const { body, status } = await redeem({ issuer: issuer(), client: web }, { code, verifier } as never);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return decodeJwt(body.id_token ?? '');
};

describe('a tenant with a password form and two upstreams', () => {
  beforeEach(() => federation.setSources([localSource, corp, rival]));

  it('shows the form and a button for each', async () => {
    const page = await openApp(createBrowser(), issuer());

    expect(isLoginOf(page, issuer())).toBe(true);
    expect(textOf(page)).toContain('Continue with The corp login');
    expect(textOf(page)).toContain('Continue with The rival login');
  });

  it('signs a person in who has proven who they are at the upstream', async () => {
    const browser = createBrowser();
    const start = await openApp(browser, issuer());
    const there = await chooseSource(browser, start, 'corp');
    const back = await signInThere(browser, there);
    const claims = await tokensOf(codeOf(back), start.verifier);
    const again = await signInThrough(federation, 'corp');
    const other = await signInThrough(federation, 'rival');

    expect(isLoginOf(there, federation.upstream('corp'))).toBe(true);
    expect(claims).toMatchObject({ amr: ['pwd'], auth_time: expect.any(Number) });
    expect((await tokensOf(again.code, again.verifier)).sub).toBe(claims.sub);
    expect((await tokensOf(other.code, other.verifier)).sub).not.toBe(claims.sub);
  });

  it('tells apps the address of a person only where it is verified, and the source is believed', async () => {
    const emailOf = async (source: string, who: typeof carol | typeof alice) => {
      const browser = createBrowser();
      const extra = { idp_hint: source, scope: 'openid email' };
      const start = await openApp(browser, issuer(), { extra });
      const page = await signInThere(browser, start, { who });
      const { body } = await redeem({ issuer: issuer(), client: web }, {
        code: codeOf(page),
        verifier: start.verifier,
      } as never);
      const { email, email_verified: isVerified } = (await userinfo(issuer(), body.access_token ?? '')).body;
      return { email, isVerified };
    };
    const nothing = { email: undefined, isVerified: undefined };
    await federation.setSources([localSource, { ...corp, trustedEmailDomains: ['corp.example'] }, rival]);

    expect(await emailOf('corp', carol)).toEqual({ email: 'carol@corp.example', isVerified: true });
    // rival says that it is verified as well
    expect(await emailOf('rival', carol)).toEqual(nothing);
    // corp does not say so of this one
    expect(await emailOf('corp', alice)).toEqual(nothing);
  });

  it('signs in once: the next app asks nothing, and the upstream is not asked again', async () => {
    const { browser } = await signInThrough(federation, 'corp');
    const next = await openApp(browser, issuer(), { client: shop });

    expect(codeOf(next)).toEqual(expect.any(String));
  });

  it('lets local people in with their password', async () => {
    const browser = createBrowser();
    const start = await openApp(browser, issuer());
    const back = await signInThere(browser, start, { who: alice });

    expect(codeOf(back)).toEqual(expect.any(String));
  });

  it('goes to a source at once when the app names it, and to none that it does not have', async () => {
    const named = await openApp(createBrowser(), issuer(), { extra: { idp_hint: 'rival' } });
    const unknown = await openApp(createBrowser(), issuer(), { extra: { idp_hint: 'nobody' } });

    expect(isLoginOf(named, federation.upstream('rival'))).toBe(true);
    expect(isLoginOf(unknown, issuer())).toBe(true);
  });

  it('passes on what the app asked for', async () => {
    const browser = createBrowser();
    const start = await openApp(browser, issuer(), {
      extra: { idp_hint: 'corp', login_hint: 'carol', ui_locales: 'de', prompt: 'login', max_age: '60' },
    });

    expect(formsOf(start)[0]?.fields.login).toBe('carol');
    expect(start.body).toContain('<html lang="de"');
  });

  it('has people sign in again at the upstream when the app wants that', async () => {
    const { browser } = await signInThrough(federation, 'corp');
    const quiet = await openApp(browser, issuer(), { extra: { idp_hint: 'corp' } });
    const asked = await openApp(browser, issuer(), { extra: { idp_hint: 'corp', prompt: 'login' } });
    const back = await signInThere(browser, asked);

    expect(codeOf(quiet)).toEqual(expect.any(String));
    expect(isLoginOf(asked, federation.upstream('corp'))).toBe(true);
    expect(codeOf(back)).toEqual(expect.any(String));
  });

  it('says that the person cancelled there, and offers every way again', async () => {
    const browser = createBrowser();
    const there = await openApp(browser, issuer(), { extra: { idp_hint: 'corp' } });
    const cancel = formsOf(there).findIndex(({ action }) => action.endsWith('/cancel'));
    const page = await browser.follow(await browser.submit(there, {}, cancel));

    expect(page.status).toBe(400);
    expect(page.headers.get('x-error')).toBe('The sign-in was cancelled at the source');
    expect(textOf(page)).toContain('The sign-in was cancelled');
    expect(textOf(page)).toContain('Continue with The rival login');
    expect(codeOf(await signInThere(browser, page, { who: alice }))).toEqual(expect.any(String));
  });

  it('serves many tabs of one browser at once', async () => {
    const browser = createBrowser();
    const tabs = [];
    for (let tab = 0; tab < 4; tab += 1)
      tabs.push(await openApp(browser, issuer(), { extra: { idp_hint: 'corp', prompt: 'login' } }));
    const codes = [];
    for (const tab of tabs.reverse()) codes.push(codeOf(await signInThere(browser, tab)));

    expect(new Set(codes).size).toBe(4);
  });

  it("lets another person sign in on top, without a detour through the first one's upstream", async () => {
    const { browser } = await signInThrough(federation, 'corp');
    const there = await openApp(browser, issuer(), { extra: { idp_hint: 'rival', prompt: 'login' } });
    const between = await signInThere(browser, there);
    const confirmed = await browser.submit(between);
    const back = await browser.follow(confirmed, (target) => target.startsWith(web.redirectUri));

    expect(confirmed.location?.startsWith(`${issuer()}/auth/`)).toBe(true);
    expect(codeOf(back)).toEqual(expect.any(String));
  });

  it('keeps nothing in the store that a thief could use', async () => {
    const browser = createBrowser();
    const back = await wayBack(browser, await openApp(browser, issuer(), { extra: { idp_hint: 'corp' } }));
    const bound = browser.cookies().find(({ name }) => name.includes('upstream'))?.value ?? '';
    const { location: ticketUrl = '' } = await browser.get(back);
    const stored = await dumpStore(federation.server.storeUrl);
    const texts = [stored, federation.server.logLines().join('\n')];
    const secrets = [bound, new URL(ticketUrl).searchParams.get('ticket') ?? ''];
    const isThere = (secret: string): boolean => texts.some((text) => text.includes(secret));

    expect(secrets.map((secret) => [secret.length, isThere(secret)])).toEqual([
      [43, false],
      [43, false],
    ]);
    // the beginning of what every ID token begins with: {"alg":"RS256"
    expect(isThere('eyJhbGciOiJSUzI1NiI')).toBe(false);
  });
});

describe('a tenant with one upstream alone', () => {
  beforeEach(() => federation.setSources([corp], { users: [] }));

  it('sends people there at once, and shows a page when they come back without a sign-in', async () => {
    const browser = createBrowser();
    const there = await openApp(browser, issuer());
    const cancel = formsOf(there).findIndex(({ action }) => action.endsWith('/cancel'));
    const page = await browser.follow(await browser.submit(there, {}, cancel));
    const retried = await chooseSource(browser, page, 'corp');

    expect(isLoginOf(there, federation.upstream('corp'))).toBe(true);
    expect(page.url.startsWith(`${issuer()}/interaction/`)).toBe(true);
    expect(page.body).not.toContain('name="password"');
    expect(codeOf(await signInThere(browser, retried))).toEqual(expect.any(String));
  });

  it('distinguishes an outage from a wrong password', async () => {
    await federation.setSources([oidcSourceContent('http://127.0.0.1:9/nobody', 'corp')], { users: [] });
    const page = await openApp(createBrowser(), issuer());

    expect(page.status).toBe(503);
    expect(page.headers.get('x-error')).toBe('The source of this account does not answer now');
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(textOf(page)).toContain('is not available at the moment');
  });
});

describe('a tenant where the domain of a name decides', () => {
  beforeEach(() =>
    federation.setSources([
      localSource,
      oidcSourceContent(federation.upstream('corp'), 'corp', { domains: ['corp.example'] }),
    ]),
  );

  it('asks the name first, and sends it to its home with the name', async () => {
    const browser = createBrowser();
    const first = await openApp(browser, issuer());
    const there = await browser.follow(await browser.submit(first, { login: 'carol@corp.example' }));

    expect(first.body).not.toContain('name="password"');
    expect(first.body).not.toContain('The corp login');
    expect(isLoginOf(there, federation.upstream('corp'))).toBe(true);
    expect(formsOf(there)[0]?.fields.login).toBe('carol@corp.example');
    expect(
      codeOf(await signInThere(browser, there, { who: { ...carol, username: 'carol@corp.example' } })),
    ).toEqual(expect.any(String));
  });

  it('asks everyone else for a password, whether or not there is such a person', async () => {
    const browser = createBrowser();
    const step = async (login: string) => browser.submit(await openApp(browser, issuer()), { login });
    const known = await step('alice');
    const unknown = await step('nobody');
    const others = await step('nobody@elsewhere.example');

    expect(textOf(unknown).replace('nobody', 'alice')).toBe(textOf(known));
    expect([known.status, unknown.status, others.status]).toEqual([200, 200, 200]);
    expect(formsOf(known)[0]?.fields).toMatchObject({ login: 'alice', password: '' });
    expect(codeOf(await signInThere(browser, known, { who: alice }))).toEqual(expect.any(String));
  });

  it('goes home at once with a login_hint of that domain', async () => {
    const page = await openApp(createBrowser(), issuer(), { extra: { login_hint: 'carol@corp.example' } });

    expect(isLoginOf(page, federation.upstream('corp'))).toBe(true);
  });

  it('asks again for an empty name', async () => {
    const browser = createBrowser();
    const page = await browser.submit(await openApp(browser, issuer()), { login: ' ' });

    expect(page.status).toBe(400);
    expect(textOf(page)).toContain('Please enter your user name or e-mail address.');
  });
});

describe('a source for certain apps', () => {
  beforeEach(() =>
    federation.setSources([
      localSource,
      oidcSourceContent(federation.upstream('corp'), 'corp', { clients: [shop.id] }),
    ]),
  );

  it('is offered to them only', async () => {
    const [inWeb, inShop] = [
      await openApp(createBrowser(), issuer()),
      await openApp(createBrowser(), issuer(), { client: shop }),
    ];
    const hinted = await openApp(createBrowser(), issuer(), { extra: { idp_hint: 'corp' } });

    expect(textOf(inWeb)).not.toContain('The corp login');
    expect(textOf(inShop)).toContain('The corp login');
    expect(isLoginOf(hinted, issuer())).toBe(true);
  });

  it('is not to be had by sending its form for another app', async () => {
    const browser = createBrowser();
    const page = await openApp(browser, issuer());
    const place = page.url.split('?')[0] ?? '';
    const answer = await browser.post(`${place}/upstream/corp`, {
      csrf: formsOf(page)[0]?.fields.csrf ?? '',
    });

    expect(answer.status).toBe(404);
  });
});
