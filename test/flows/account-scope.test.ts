import { describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import {
  goToAuthorization,
  isConsentPage,
  prepareAuthorization,
  refresh,
  signIn,
  tokenRequest,
  tokensFor,
} from '../support/oauth-client.ts';
import { alice, migrator, mobile, partner, sampleTenant, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({ store: sqliteStore, tenants: { acme: sampleTenant() } });
const issuer = server.issuer('acme');
const scope = 'openid account';

describe('the scope account', () => {
  it('is granted to a first-party client, also with its refreshed tokens', async () => {
    const tokens = await tokensFor(createBrowser(), {
      issuer,
      client: web,
      scope: `${scope} offline_access`,
      extra: { prompt: 'consent' },
    });
    expect(tokens.scope?.split(' ')).toEqual(expect.arrayContaining(['openid', 'account']));
    expect((await refresh(issuer, web, tokens.refresh_token)).body.scope).toContain('account');
  });

  it('is left out for a third-party client, which is not asked about it', async () => {
    const before = server.logLines().length;
    const request = { issuer, client: partner, scope };
    const browser = createBrowser();
    const login = await goToAuthorization(browser, prepareAuthorization(request), partner.redirectUri);
    const consent = await browser.follow(
      await browser.submit(login, { login: alice.username, password: alice.password }),
    );
    expect(isConsentPage(consent, partner.id)).toBe(true);
    expect(consent.body).not.toContain('Show and change your account');

    const tokens = await tokensFor(browser, { ...request, consent: true });
    expect(tokens.scope).toBe('openid');
    const dropped = server
      .logLines()
      .slice(before)
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'requested scopes were left out');
    expect(dropped).toContainEqual(
      expect.objectContaining({ level: 'debug', clientId: partner.id, scopes: ['account'] }),
    );
  });

  it('is granted by the password grant', async () => {
    const { username, password } = alice;
    const { body } = await tokenRequest(issuer, migrator, {
      grant_type: 'password',
      username,
      password,
      scope,
    });
    expect(body.scope).toBe(scope);
  });

  it('is asked about where the app cannot be recognised by its redirect', async () => {
    const browser = createBrowser();
    const request = { issuer, client: mobile, scope };
    const login = await goToAuthorization(browser, prepareAuthorization(request), mobile.redirectUri);
    const consent = await browser.follow(
      await browser.submit(login, { login: alice.username, password: alice.password }),
    );
    expect(consent.body).toContain('Show and change your account');
    expect((await signIn(browser, { ...request, consent: true })).seen).toEqual(['consent']);
  });
});
