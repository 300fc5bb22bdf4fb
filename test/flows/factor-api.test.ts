import { describe, expect, it } from '@jest/globals';
import { definedOnly } from '../../src/defined-only.ts';
import { askApi } from '../support/account-api.ts';
import { createBrowser } from '../support/browser.ts';
import { type Answer, tokensFor } from '../support/oauth-client.ts';
import { sampleTenant, web } from '../support/sample-tenants.ts';
import { afterPassword, authenticatorApp, isFactorPage } from '../support/second-factor.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({
  store: sqliteStore,
  tenants: { acme: sampleTenant(), off: sampleTenant({ secondFactor: { methods: [] } }) },
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

  it('is not there where the tenant has no second factors', async () => {
    const ask = askAt('off', await tokenAt('off'));
    for (const [method, path] of [
      ['GET', '/factors'],
      ['POST', '/totp'],
      ['DELETE', '/factors/none'],
    ] as const)
      expect((await ask(method, path)).status).toBe(404);
  });
});
