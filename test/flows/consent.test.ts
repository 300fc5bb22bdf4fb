import { expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import {
  type AuthorizationRequest,
  goToAuthorization,
  prepareAuthorization,
  signIn,
  tokensFor,
} from '../support/oauth-client.ts';
import {
  alice,
  bob,
  mobile,
  ordersResource,
  partner,
  sampleClients,
  sampleTenant,
  web,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const isBackAtPartner = (url: string): boolean => url.startsWith(partner.redirectUri);
/** What the browser would send there. */
const cookiesFor = (browser: Browser, url: string): string =>
  browser
    .cookies()
    .filter(({ path }) => new URL(url).pathname.startsWith(path))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');

const returnedTo = (page: Page): Record<string, string> =>
  Object.fromEntries(new URL(page.location ?? '').searchParams);

const acme = sampleTenant({ clients: [...sampleClients] });
const [, ...others] = acme.resources ?? [];
const spoken = sampleTenant({
  resources: [
    {
      identifier: ordersResource,
      name: { en: 'Orders', de: 'Bestellungen' },
      scopes: {
        'orders:read': { en: 'Read your orders', de: 'Ihre Bestellungen lesen' },
        'orders:write': { en: 'Order' },
      },
    },
    ...others,
  ],
});
const server = await useServer({ store: sqliteStore, instances: 2, tenants: { acme, spoken } });
const atPartner: AuthorizationRequest = { issuer: server.issuer('acme'), client: partner };

/** As far as the consent page. */
const askAlice = async (browser: Browser, request: AuthorizationRequest = atPartner): Promise<Page> => {
  const login = await goToAuthorization(browser, prepareAuthorization(request), partner.redirectUri);
  return browser.follow(
    await browser.submit(login, { login: alice.username, password: alice.password }),
    isBackAtPartner,
  );
};

it('asks for a third-party app, naming the app and each scope in words', async () => {
  const page = await askAlice(createBrowser(), {
    ...atPartner,
    scope: 'openid profile email orders:read',
    extra: { resource: ordersResource },
  });
  expect(page.status).toBe(200);
  for (const words of ['The partner app', 'partner.example', 'alice', 'Orders', 'Read your orders']) {
    expect(page.body).toContain(words);
  }
  expect(page.body).toMatch(/e-mail/i);
  expect(page.body).toMatch(/profile|name/i);
  expect(page.body).not.toContain('Place orders for you');
});

it('gives exactly what was allowed', async () => {
  const tokens = await tokensFor(createBrowser(), {
    ...atPartner,
    scope: 'openid email',
    consent: true,
  });
  expect(tokens.scope).toBe('openid email');
});

it('returns access_denied when the person refuses, and asks again next time', async () => {
  const browser = createBrowser();
  const page = await askAlice(browser);
  const back = await browser.follow(await browser.submit(page, { decision: 'deny' }), isBackAtPartner);
  expect(returnedTo(back)).toMatchObject({ error: 'access_denied', iss: atPartner.issuer });
  expect(returnedTo(back)).not.toHaveProperty('code');
  expect((await signIn(browser, { ...atPartner, consent: true })).seen).toEqual(['consent']);
});

it('does not ask a second time, for the same or for less', async () => {
  const browser = createBrowser();
  const first = { ...atPartner, scope: 'openid email profile', consent: true };
  expect((await signIn(browser, first)).seen).toEqual(['login', 'consent']);
  for (const scope of ['openid email profile', 'openid email', 'openid']) {
    expect((await signIn(browser, { ...atPartner, scope })).seen).toEqual([]);
    const silent = await signIn(browser, { ...atPartner, scope, extra: { prompt: 'none' } });
    expect(silent.code).not.toBe('');
  }
});

it('asks for what is new alone', async () => {
  const browser = createBrowser();
  await signIn(browser, { ...atPartner, scope: 'openid email', consent: true });
  const request = { ...atPartner, scope: 'openid email orders:write', extra: { resource: ordersResource } };
  const page = await goToAuthorization(browser, prepareAuthorization(request), partner.redirectUri);
  expect(page.body).toContain('Place orders for you');
  expect(page.body).not.toMatch(/e-mail address/i);
  const silent = prepareAuthorization({ ...request, extra: { ...request.extra, prompt: 'none' } });
  expect(returnedTo(await browser.get(silent.url)).error).toBe('consent_required');
});

it('asks again on prompt=consent', async () => {
  const browser = createBrowser();
  await signIn(browser, { ...atPartner, consent: true });
  expect((await signIn(browser, { ...atPartner, extra: { prompt: 'consent' } })).seen).toEqual(['consent']);
});

it('asks each person', async () => {
  const request = { ...atPartner, consent: true };
  await signIn(createBrowser(), request);
  expect((await signIn(createBrowser(), request, bob)).seen).toEqual(['login', 'consent']);
});

it('does not ask for an app of one’s own, unless the app wants it', async () => {
  const browser = createBrowser();
  const own = { issuer: atPartner.issuer, client: web, scope: 'openid profile email groups' };
  expect((await signIn(browser, own)).seen).toEqual(['login']);
  expect((await signIn(browser, { ...own, extra: { prompt: 'consent' } })).seen).toEqual(['consent']);
});

// RFC 8252 section 8.6: anybody can claim the scheme
it('asks each time when the redirect is to a private-use scheme, and never answers unseen', async () => {
  const browser = createBrowser();
  const request = { issuer: atPartner.issuer, client: mobile, consent: true };
  expect((await signIn(browser, request)).seen).toEqual(['login', 'consent']);
  expect((await signIn(browser, request)).seen).toEqual(['consent']);
  const silent = prepareAuthorization({ ...request, extra: { prompt: 'none' } });
  expect((await browser.get(silent.url)).location).toMatch(
    /^com\.example\.mobile:\/callback\?error=(interaction|consent)_required/,
  );
});

it.each([
  ['without the form’s token', { csrf: undefined }],
  ['with a wrong token', { csrf: 'x'.repeat(43) }],
])('refuses a decision %s', async (_name, changes) => {
  const browser = createBrowser();
  const page = await askAlice(browser);
  const [form] = formsOf(page);
  const { csrf: _, ...rest } = form?.fields ?? {};
  const fields = changes.csrf === undefined ? rest : { ...rest, csrf: changes.csrf };
  const answer = await browser.post(form?.action ?? '', { ...fields, decision: 'allow' });
  expect([400, 403]).toContain(answer.status);
  expect(answer.location).toBeUndefined();
});

it('refuses a decision with the token of another browser’s form', async () => {
  const [mine, theirs] = [createBrowser(), createBrowser()];
  const [minePage, theirPage] = [await askAlice(mine), await askAlice(theirs)];
  const csrf = formsOf(theirPage)[0]?.fields.csrf ?? '';
  expect(csrf).not.toBe('');
  const answer = await mine.submit(minePage, { csrf, decision: 'allow' });
  expect(answer).toMatchObject({ status: 403, location: undefined });
  expect((await mine.submit(minePage, { decision: 'allow' })).status).toBe(303);
});

it('refuses a decision that another site sends', async () => {
  const browser = createBrowser();
  const [form] = formsOf(await askAlice(browser));
  const url = form?.action ?? '';
  const send = (site: string): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'sec-fetch-site': site, cookie: cookiesFor(browser, url) },
      body: new URLSearchParams({ ...form?.fields, decision: 'allow' }),
    });
  for (const site of ['cross-site', 'same-site']) expect((await send(site)).status).toBe(403);
  expect((await send('same-origin')).status).toBe(303);
});

it('shows an interaction to no other browser', async () => {
  const page = await askAlice(createBrowser());
  const other = createBrowser();
  const own = await askAlice(other);
  const answers = await Promise.all([
    createBrowser().get(page.url),
    other.get(page.url),
    createBrowser({ cookie: cookiesFor(other, own.url) }).get(page.url),
  ]);
  for (const { status, body } of answers) {
    expect(status).toBe(404);
    expect(body).not.toContain('name="decision"');
  }
  expect((await other.get(own.url)).status).toBe(200);
});

it('skips no step: a decision before the sign-in decides nothing', async () => {
  const browser = createBrowser();
  const login = await goToAuthorization(browser, prepareAuthorization(atPartner), partner.redirectUri);
  const [form] = formsOf(login);
  const answer = await browser.follow(
    await browser.post((form?.action ?? '').replace(/login$/, 'consent'), {
      csrf: form?.fields.csrf ?? '',
      decision: 'allow',
    }),
    isBackAtPartner,
  );
  expect(answer.location).toBeUndefined();
  expect(answer.body).toContain('name="password"');
});

it('speaks of resources and scopes in the language of the page', async () => {
  const request = {
    ...atPartner,
    issuer: server.issuer('spoken'),
    scope: 'openid orders:read orders:write',
    extra: { resource: ordersResource },
  };
  const page = await askAlice(createBrowser({ 'accept-language': 'de' }), request);

  expect(page.body).toContain('Bestellungen</h2>');
  expect(page.body).toContain('Ihre Bestellungen lesen');
  expect(page.body).toContain('>Order<'); // there is no other text
});
