import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import {
  type Federation,
  isLoginOf,
  localSource,
  oidcSourceContent,
  signInThere,
  startFederation,
} from '../support/federation.ts';
import { sqliteStore } from '../support/stores.ts';

describe('a sign-in that an upstream begins', () => {
  let federation: Federation;
  const issuer = (): string => federation.issuer;
  const corp = (): string => federation.upstream('corp');

  beforeAll(async () => {
    federation = await startFederation(sqliteStore);
    await federation.setSources([localSource, oidcSourceContent(corp(), 'corp')]);
  });
  afterAll(() => federation.close());

  const initiate = (browser: Browser, query: Readonly<Record<string, string>>): Promise<Page> =>
    browser.get(`${issuer()}/login/initiate?${new URLSearchParams(query)}`);

  /** Until somewhere else than this server. */
  const isOutside = (target: string): boolean => !target.startsWith(federation.server.publicUrl);

  it('goes to that upstream, with the name it gives, and ends at the account', async () => {
    const browser = createBrowser();
    const there = await browser.follow(await initiate(browser, { iss: corp(), login_hint: 'carol' }));
    const end = await signInThere(browser, there, { stop: isOutside });

    expect(isLoginOf(there, corp())).toBe(true);
    expect(there.body).toContain('value="carol"');
    expect(end.url).toBe(`${issuer()}/account`);
  });

  it('may come as a form', async () => {
    const browser = createBrowser();
    const there = await browser.follow(
      await browser.post(`${issuer()}/login/initiate`, { iss: corp(), login_hint: 'carol' }),
    );

    expect(isLoginOf(there, corp())).toBe(true);
  });

  it.each(['https://app.example.com/start?x=1', 'https://partner.example/deep/link'])(
    'goes on to the app at %s, which is registered here',
    async (target) => {
      const browser = createBrowser();
      const there = await browser.follow(await initiate(browser, { iss: corp(), target_link_uri: target }));
      const end = await signInThere(browser, there, { stop: isOutside });

      expect(end.location).toBe(target);
    },
  );

  it.each([
    'https://evil.example/',
    'https://app.example.com.evil.example/',
    'https://app.example.com@evil.example/',
    'https://app.example.com:444/',
    'http://app.example.com/',
    '//evil.example',
    '/\\evil.example',
    'https:/\\evil.example',
    'https:evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    'com.example.mobile:/callback',
    'https://app.example.com\\@evil.example/',
    'https://app.example.com/\t//evil.example',
    ' https://app.example.com/',
    'OTHER-TENANT',
    'LOOKALIKE-TENANT',
  ])('goes nowhere else: %j', async (text) => {
    const browser = createBrowser();
    const target = text
      .replace('OTHER-TENANT', `${corp()}/account`)
      .replace('LOOKALIKE-TENANT', `${issuer()}-two/account`);
    const page = await initiate(browser, { iss: corp(), target_link_uri: target });
    const callback = await browser.get(
      `${issuer()}/account/callback?${new URLSearchParams({ code: 'x', state: target })}`,
    );

    expect(page.status).toBe(400);
    expect(callback.location).toBe(`${issuer()}/account`);
  });

  it.each([
    ['of a stranger', { iss: 'https://evil.example' }],
    ['of nobody', {}],
    ['with a name that is too long', { iss: 'CORP', login_hint: 'x'.repeat(300) }],
  ])('%s is refused', async (_what, query) => {
    const given = Object.fromEntries(
      Object.entries(query as Record<string, string>).map(([name, value]) => [
        name,
        value.replace('CORP', corp()),
      ]),
    );
    expect((await initiate(createBrowser(), given)).status).toBe(400);
    expect((await createBrowser().get(`${issuer()}/login/initiate?iss=a&iss=b`)).status).toBe(400);
  });
});
