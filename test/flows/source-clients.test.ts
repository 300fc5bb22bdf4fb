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
import { redeem, refresh, type TokenBody } from '../support/oauth-client.ts';
import { alice, shop, tv, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';

let federation: Federation;
const issuer = (): string => federation.issuer;
const corpFor = (clients: readonly string[] | undefined): object =>
  oidcSourceContent(federation.upstream('corp'), 'corp', clients === undefined ? {} : { clients });

beforeAll(async () => {
  const target = {
    url: 'http://127.0.0.1:9',
    connectTimeoutMs: 1000,
    timeoutMs: 1000,
    idleTimeoutMs: 1000,
    hostHeader: 'public',
    authorization: 'none',
  } as const;
  const services = [serviceOf('orders', { prefix: '/orders', tenants: ['acme'], target })];
  federation = await startFederation(sqliteStore, { settings: { gateway: { services } } });
});
afterAll(() => federation.close());

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
});
