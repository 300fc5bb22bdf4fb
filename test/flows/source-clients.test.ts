import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser } from '../support/browser.ts';
import { approve, enterCode, pollDevice, startDevice } from '../support/device.ts';
import {
  codeOf,
  type Federation,
  isLoginOf,
  localSource,
  oidcSourceContent,
  openApp,
  signInThere,
  signInThrough,
  startFederation,
} from '../support/federation.ts';
import { localNames, serviceOf } from '../support/guarded-service.ts';
import { introspect, redeem, refresh, type TokenBody, userinfo } from '../support/oauth-client.ts';
import { alice, ordersResource, shop, tv, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';

let federation: Federation;
const issuer = (): string => federation.issuer;
const corpFor = (clients: readonly string[] | undefined): object =>
  oidcSourceContent(federation.upstream('corp'), 'corp', clients === undefined ? {} : { clients });

const orders = createServer((_req, res) => res.end('orders'));

beforeAll(async () => {
  await new Promise<void>((resolve) => orders.listen(0, '127.0.0.1', resolve));
  const { port } = orders.address() as AddressInfo; // it listens on TCP
  const target = {
    url: `http://127.0.0.1:${port}`,
    connectTimeoutMs: 1000,
    timeoutMs: 1000,
    idleTimeoutMs: 1000,
    hostHeader: 'public',
    authorization: 'none',
  } as const;
  const services = [
    serviceOf('orders', { prefix: '/orders', tenants: ['acme'], target }),
    serviceOf('open', { host: 'open.example.com', tenants: ['acme'], resources: [ordersResource] }),
  ];
  const server = { trustedProxies: ['127.0.0.1', '::1'] };
  federation = await startFederation(sqliteStore, { settings: { server, gateway: { services } } });
});
afterAll(async () => {
  await federation.close();
  orders.close();
});

/** Somebody of `corp` in the app `web`. */
const signedIn = async (): Promise<{ readonly browser: Browser; readonly tokens: TokenBody }> => {
  const { browser, code, verifier } = await signInThrough(federation, 'corp', {
    browser: createBrowser({ accept: 'text/html' }, localNames),
  });
  const { body } = await redeem({ issuer: issuer(), client: web }, { code, verifier });
  return { browser, tokens: body };
};
const silently = async (browser: Browser, client = shop): Promise<string | undefined> =>
  (await openApp(browser, issuer(), { client, extra: { prompt: 'none' } })).location;

/** What `open` behind another proxy would answer. */
const atService = async (headers: Readonly<Record<string, string>>): Promise<number> => {
  const { status } = await fetch(`${federation.server.publicUrl}/api/authz/forward-auth`, {
    headers: {
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'open.example.com',
      'x-forwarded-uri': '/',
      ...headers,
    },
  });
  return status;
};
const withToken = (token = ''): Promise<number> => atService({ authorization: `Bearer ${token}` });
/** Of carol, for the resource whose tokens are JWTs. */
const jwtOf = async (): Promise<string> => {
  const browser = createBrowser();
  const extra = { resource: ordersResource, idp_hint: 'corp', scope: 'openid orders:read' };
  const start = await openApp(browser, issuer(), { extra });
  const code = codeOf(await signInThere(browser, start));
  const resource = { resource: ordersResource };
  const { body } = await redeem(
    { issuer: issuer(), client: web },
    { code, verifier: start.verifier },
    resource,
  );
  return body.access_token ?? '';
};

describe('a source for one app only, once there is a session,', () => {
  beforeEach(() => federation.setSources([localSource, corpFor([web.id])]));

  it('gives no code to another app', async () => {
    const { browser } = await signedIn();
    expect(await silently(browser)).toContain('error=login_required');
    expect(await silently(browser, web)).toContain('code=');
    expect(isLoginOf(await openApp(browser, issuer(), { client: shop }), issuer())).toBe(true);
  });

  it('approves no device of another app', async () => {
    const { browser } = await signedIn();
    const device = await startDevice(issuer());
    const page = await browser.follow(
      await browser.submit(await enterCode(browser, issuer(), device.user_code), { confirm: 'yes' }),
    );
    expect(isLoginOf(page, issuer())).toBe(true);
    expect((await pollDevice(issuer(), device, tv)).body.error).toBe('authorization_pending');
  });

  it('begins no session of its people at services', async () => {
    const { browser } = await signedIn();
    const service = `${federation.server.publicUrl}/orders/`;
    const page = await browser.follow(await browser.get(service));
    expect(isLoginOf(page, issuer())).toBe(true);
  });

  it('begins none by a sign-in at the account page either', async () => {
    const { browser } = await signedIn();
    const account = await browser.follow(await browser.get(issuer()));
    expect(isLoginOf(account, issuer())).toBe(true);
    expect(browser.cookies().map(({ name }) => name)).not.toContain('GWSESSIONID');
  });

  it('lets no token of its people pass at services, not even one of the app', async () => {
    const { tokens } = await signedIn();
    expect((await userinfo(issuer(), tokens.access_token ?? '')).status).toBe(200);
    expect(await withToken(tokens.access_token)).toBe(403);
  });

  it('refuses no person who signs in at a source that is for the app', async () => {
    const browser = createBrowser();
    const page = await openApp(browser, issuer(), { client: shop });
    expect(codeOf(await signInThere(browser, page, { who: alice }))).toBeDefined();
    expect(await silently(browser, web)).toContain('code=');
    const device = await startDevice(issuer());
    await approve(browser, await enterCode(browser, issuer(), device.user_code));
    expect((await pollDevice(issuer(), device, tv)).status).toBe(200);
  });
});

describe('a source that is limited to other apps later', () => {
  beforeEach(() => federation.setSources([localSource, corpFor(undefined)]));

  it('renews no tokens, and redeems no code', async () => {
    const { tokens } = await signedIn();
    const { code, verifier } = await signInThrough(federation, 'corp');
    expect((await refresh(issuer(), web, tokens.refresh_token)).status).toBe(200);
    const { tokens: kept } = await signedIn();
    await federation.setSources([localSource, corpFor([shop.id])]);
    expect((await refresh(issuer(), web, kept.refresh_token)).body.error).toBe('invalid_grant');
    const { body } = await redeem({ issuer: issuer(), client: web }, { code, verifier });
    expect(body.error).toBe('invalid_grant');
  });

  it('ends the tokens of other clients, everywhere', async () => {
    const { access_token: token } = (await signedIn()).tokens;
    expect(await withToken(token)).toBe(200);
    await federation.setSources([localSource, corpFor([shop.id])]);
    expect(await withToken(token)).toBe(401);
    expect((await userinfo(issuer(), token ?? '')).status).toBe(401);
    expect((await introspect(issuer(), web, token ?? '')).body.active).toBe(false);
  });

  it('ends no token of its own app, but its use at services', async () => {
    const { access_token: token } = (await signedIn()).tokens;
    const jwt = await jwtOf();
    expect([await withToken(token), await withToken(jwt)]).toEqual([200, 200]);
    await federation.setSources([localSource, corpFor([web.id])]);
    expect([await withToken(token), await withToken(jwt)]).toEqual([403, 403]);
    expect((await userinfo(issuer(), token ?? '')).status).toBe(200);
    expect((await introspect(issuer(), web, token ?? '')).body.active).toBe(true);
  });

  it('ends sessions at services', async () => {
    const { browser } = await signedIn();
    const service = `${federation.server.publicUrl}/orders/`;
    expect((await browser.follow(await browser.get(service))).body).toBe('orders');
    await federation.setSources([localSource, corpFor([web.id])]);
    expect(isLoginOf(await browser.follow(await browser.get(service)), issuer())).toBe(true);
  });

  it('ends sessions that began with a name and a password', async () => {
    const service = `${federation.server.publicUrl}/orders/`;
    const authorization = `Basic ${btoa(`${alice.username}:${alice.password}`)}`;
    const page = await fetch(service, { headers: { authorization } });
    expect(page.status).toBe(200);
    const cookie = page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const asked = (headers: Readonly<Record<string, string>>) =>
      fetch(service, { headers: { cookie, ...headers }, redirect: 'manual' });
    expect((await asked({})).status).toBe(200);
    await federation.setSources([{ ...localSource, clients: [web.id] }, corpFor(undefined)]);
    expect((await asked({})).status).toBe(401);
    expect((await asked({ authorization })).status).toBe(401);
  });

  it('keeps the tokens and passwords of others', async () => {
    const browser = createBrowser();
    const page = await openApp(browser, issuer());
    const { location = '' } = await signInThere(browser, page, { who: alice });
    const code = new URL(location).searchParams.get('code') ?? '';
    const { body } = await redeem({ issuer: issuer(), client: web }, { code, verifier: page.verifier });
    await federation.setSources([localSource, corpFor([web.id])]);
    expect(await withToken(body.access_token)).toBe(200);
    const basic = Buffer.from(`${alice.username}:${alice.password}`).toString('base64');
    expect(await atService({ authorization: `Basic ${basic}` })).toBe(200);
  });
});
