import { describe, expect, it } from '@jest/globals';
import { definedOnly } from '../../src/defined-only.ts';
import { askApi } from '../support/account-api.ts';
import { createAuthenticator, passkeyFormOn } from '../support/authenticator.ts';
import { createBrowser } from '../support/browser.ts';
import { type Answer, tokensFor } from '../support/oauth-client.ts';
import { sampleTenant, web } from '../support/sample-tenants.ts';
import { afterPassword, authenticatorApp, isFactorPage } from '../support/second-factor.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant(),
    keys: sampleTenant(),
    off: sampleTenant({ secondFactor: { methods: [] } }),
  },
});

const tokenAt = async (tenant: string): Promise<string> =>
  (await tokensFor(createBrowser(), { issuer: server.issuer(tenant), client: web, scope: 'openid account' }))
    .access_token;

const askAt =
  (tenant: string, token: string) =>
  (method: string, path: string, body?: object): Promise<Answer> =>
    askApi(server.issuer(tenant), path, { method, token, ...definedOnly({ body }) });

describe('second factors by the API', () => {
  it('sets an app up, and changes it only after a sign-in with it', async () => {
    const ask = askAt('acme', await tokenAt('acme'));
    expect((await ask('GET', '/factors')).body).toEqual({ factors: [], recovery_codes_left: 0 });
    const begun = await ask('POST', '/totp');
    const app = authenticatorApp(String(begun.body.secret));
    const setUp = { set_up: begun.body.set_up, name: 'Phone' };
    expect(String(begun.body.uri)).toContain(`secret=${begun.body.secret}`);

    const wrong = await ask('POST', '/factors', { ...setUp, code: '000000' });
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_request']);
    const added = await ask('POST', '/factors', { ...setUp, code: app.next() });
    expect(added.body).toMatchObject({ factor: { type: 'totp', name: 'Phone' } });
    expect(added.body.recovery_codes).toHaveLength(10);
    const { id } = added.body.factor as { readonly id: string };

    const weak = await ask('DELETE', `/factors/${id}`);
    expect([weak.status, weak.body.error]).toEqual([401, 'insufficient_user_authentication']);
    expect(weak.headers.get('www-authenticate')).toContain('acr_values="mfa"');
    expect((await ask('GET', '/factors')).body).toMatchObject({ recovery_codes_left: 10 });
    const { page } = await afterPassword(createBrowser(), { issuer: server.issuer('acme'), client: web });
    expect(isFactorPage(page)).toBe(true);
  });

  it('adds a passkey that was made with its options, by the same grant', async () => {
    const ask = askAt('keys', await tokenAt('keys'));
    const key = createAuthenticator({ origin: server.publicUrl });
    const begun = await ask('POST', '/passkeys/options');
    const options = JSON.stringify(begun.body.options);
    expect(begun.body.options).toMatchObject({ rp: { id: 'localhost' }, user: { name: 'alice' } });
    const credentialOf = (change = {}) => JSON.parse(key.create(options, change)) as object;
    const add = (credential: object, by = ask) => by('POST', '/passkeys', { credential, name: 'Laptop' });

    const elsewhere = await add(credentialOf({ origin: 'https://app.example.com' }));
    expect([elsewhere.status, elsewhere.body.error]).toEqual([400, 'invalid_request']);
    const stranger = await add(credentialOf(), askAt('keys', await tokenAt('keys')));
    expect([stranger.status, stranger.body.error]).toEqual([400, 'invalid_request']);

    const added = await add(credentialOf());
    expect(added.body).toMatchObject({ factor: { type: 'passkey', name: 'Laptop' } });
    expect(added.body.recovery_codes).toHaveLength(10);
    const { page } = await afterPassword(createBrowser(), { issuer: server.issuer('keys'), client: web });
    expect(passkeyFormOn(page)?.kind).toBe('get');
  });

  it('is not there where the tenant has no second factors', async () => {
    const ask = askAt('off', await tokenAt('off'));
    for (const [method, path] of [
      ['GET', '/factors'],
      ['POST', '/totp'],
      ['DELETE', '/factors/none'],
      ['POST', '/passkeys/options'],
    ] as const)
      expect((await ask(method, path)).status).toBe(404);
  });
});
