// People whom another system knows set a second factor up like local ones, and no other path goes round it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { approve, enterCode, pollDevice, startDevice } from '../support/device.ts';
import { dumpStore } from '../support/dump-store.ts';
import {
  chooseSource,
  codeOf,
  type Federation,
  localSource,
  oidcSourceContent,
  openApp,
  signInThere,
  startFederation,
  upstreamTenant,
} from '../support/federation.ts';
import { redeem, refresh, signIn } from '../support/oauth-client.ts';
import { bob, web } from '../support/sample-tenants.ts';
import {
  type AuthenticatorApp,
  afterPassword,
  isFactorPage,
  isSetUpPage,
  sendTo,
  setUpApp,
} from '../support/second-factor.ts';
import { eachStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const { redirectUri } = web;

eachStore((store) => {
  let clock: TestClock;
  let federation: Federation;
  const nowMs = (): number => clock.now();
  const sources = (changes: object = {}) => [
    localSource,
    oidcSourceContent(federation.upstream('corp'), 'corp', changes),
  ];

  beforeAll(async () => {
    clock = createTestClock(Date.now());
    federation = await startFederation(store, { clock });
  });
  afterAll(() => federation.close());

  const throughCorp = async (browser: Browser): Promise<Page & { readonly verifier: string }> => {
    const start = await openApp(browser, federation.issuer);
    const back = await signInThere(browser, await chooseSource(browser, start, 'corp'));
    return { ...back, verifier: start.verifier };
  };

  const appOf = (page: Page, browser: Browser) => setUpApp(browser, page, { redirectUri, nowMs });

  describe('a person of an upstream', () => {
    beforeEach(() => federation.setSources(sources(), { secondFactor: { required: { everyone: true } } }));

    it('sets a factor up and is asked for it, and keeps the session at the upstream', async () => {
      const browser = createBrowser();
      const back = await throughCorp(browser);
      expect(isSetUpPage(back)).toBe(true);
      const { app, done } = await appOf(back, browser);
      const request = { issuer: federation.issuer, client: web };
      const { body } = await redeem(request, { code: codeOf(done), verifier: back.verifier });
      expect(decodeJwt(body.id_token ?? '')).toMatchObject({
        acr: 'mfa',
        amr: expect.arrayContaining(['otp', 'mfa']),
      });
      expect((await refresh(federation.issuer, web, body.refresh_token)).status).toBe(200);

      const other = createBrowser();
      const asked = await throughCorp(other);
      expect(isFactorPage(asked)).toBe(true);
      const right = await sendTo(other, asked, { fields: { code: app.next() }, redirectUri });
      expect(codeOf(right)).toEqual(expect.any(String));
      const out = await other.follow(await other.get(`${federation.issuer}/session/end`));
      const atCorp = await other.submit(out, { logout: 'yes' });
      expect(atCorp.location).toContain(`${federation.upstream('corp')}/session/end`);
    });

    it('is not asked where the mapping says that the upstream has done so', async () => {
      const required = { everyone: true };
      const corp = upstreamTenant(federation.issuer, 'corp');
      await federation.server.putTenant('corp', { ...corp, secondFactor: { required } });
      await federation.setSources(sources({ acr: { mfa: 'mfa' } }), { secondFactor: { required } });
      const browser = createBrowser();
      const there = await throughCorp(browser);
      expect(there.url).toContain(federation.upstream('corp'));
      const { done } = await appOf(there, browser);
      await federation.server.putTenant('corp', corp);
      const { body } = await redeem(
        { issuer: federation.issuer, client: web },
        { code: codeOf(done), verifier: there.verifier },
      );
      expect(decodeJwt(body.id_token ?? '')).toMatchObject({ acr: 'mfa' });
    });
  });

  describe('a device', () => {
    it('is approved by a session only after the factor, and says how', async () => {
      await federation.setSources(sources());
      const browser = createBrowser();
      await signIn(browser, { issuer: federation.issuer, client: web }, bob);
      const elsewhere = createBrowser();
      const asked = { issuer: federation.issuer, client: web, extra: { acr_values: 'mfa' } };
      const { page } = await afterPassword(elsewhere, asked, bob);
      const { app }: { readonly app: AuthenticatorApp } = await appOf(page, elsewhere);

      const started = await startDevice(federation.issuer);
      const question = await approve(
        browser,
        await enterCode(browser, federation.issuer, started.user_code),
        bob,
      );
      expect(isFactorPage(question)).toBe(true);
      expect((await pollDevice(federation.issuer, started)).body.error).toBe('authorization_pending');
      await browser.follow(await browser.submit(question, { code: app.next() }));
      clock.advance(10_000);
      const { body } = await pollDevice(federation.issuer, started);
      expect(decodeJwt(body.id_token ?? '')).toMatchObject({ acr: 'mfa' });
    });
  });

  it('leaves neither the secret of an app nor a recovery code in the store or the log', async () => {
    await federation.setSources(sources());
    const browser = createBrowser();
    const request = { issuer: federation.issuer, client: web, extra: { acr_values: 'mfa' } };
    const { page } = await afterPassword(browser, request);
    const { app, recoveryCodes } = await appOf(page, browser);
    const kept = (await dumpStore(federation.server.storeUrl)) + federation.server.logLines().join('\n');
    expect(kept).toContain('recovery_codes');
    for (const secret of [
      app.secret,
      ...recoveryCodes,
      ...recoveryCodes.map((code) => code.replaceAll('-', '')),
    ])
      expect(kept).not.toContain(secret);
  });
});
