import { describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { goToAuthorization, prepareAuthorization, tokenRequest } from '../support/oauth-client.ts';
import {
  alice,
  confidential,
  ordersResource,
  sampleClients,
  sampleTenant,
  secretOf,
  webClient,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const narrow = confidential('narrow');
const narrowBackEnd = confidential('narrow-back-end');

const clients = [
  ...sampleClients,
  webClient(narrow, { scope: 'orders:read' }),
  {
    client_id: narrowBackEnd.id,
    client_secret: secretOf(narrowBackEnd.id),
    grant_types: ['password' as const, 'refresh_token' as const],
    scope: 'orders:read',
  },
];
const server = await useServer({ store: sqliteStore, tenants: { acme: sampleTenant({ clients }) } });
const issuer = server.issuer('acme');

/** RFC 7591 section 2: `scope` is what the client can ask for. */
describe('a client whose scope names scopes of resources only', () => {
  it.each(['email', 'roles', 'groups', 'profile'])('cannot sign people in with %s', async (scope) => {
    const request = prepareAuthorization({ issuer, client: narrow, scope: `openid ${scope}` });
    const page = await goToAuthorization(createBrowser(), request, narrow.redirectUri);
    expect(new URL(page.location ?? '').searchParams.get('error')).toBe('invalid_scope');
  });

  it('gets no more than its scope by the password grant', async () => {
    const grant = { grant_type: 'password', username: alice.username, password: alice.password };
    const wide = await tokenRequest(issuer, narrowBackEnd, { ...grant, scope: 'openid email roles groups' });
    expect(wide.body).not.toHaveProperty('id_token');
    expect(wide.body.scope ?? '').toBe('');
    const own = await tokenRequest(issuer, narrowBackEnd, {
      ...grant,
      scope: 'orders:read orders:write',
      resource: ordersResource,
    });
    expect(own.body.scope).toBe('orders:read');
  });
});
