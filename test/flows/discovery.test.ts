import { expect, it } from '@jest/globals';
import { plainSource } from '../support/plain-source.ts';
import { sampleTenant } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({ store: sqliteStore });
const issuer = server.issuer('acme');

it('describes itself at both places, with the exact issuer', async () => {
  const { origin, pathname } = new URL(issuer);
  const documents = await Promise.all(
    [
      `${issuer}/.well-known/openid-configuration`,
      `${origin}/.well-known/openid-configuration${pathname}`,
      `${origin}/.well-known/oauth-authorization-server${pathname}`,
    ].map(async (url) => {
      const response = await fetch(url);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    }),
  );
  for (const { status, body } of documents) {
    expect(status).toBe(200);
    expect(body).toEqual(documents[0]?.body);
  }
  expect(documents[0]?.body).toMatchObject({
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/me`,
    jwks_uri: `${issuer}/jwks`,
    device_authorization_endpoint: `${issuer}/device/auth`,
    introspection_endpoint: `${issuer}/token/introspection`,
    revocation_endpoint: `${issuer}/token/revocation`,
    end_session_endpoint: `${issuer}/session/end`,
    code_challenge_methods_supported: ['S256'],
    response_types_supported: ['code'],
    authorization_response_iss_parameter_supported: true,
  });
  expect(documents[0]?.body).not.toHaveProperty('registration_endpoint');
});

it('sends an issuer with a trailing slash to the one without', async () => {
  const { origin, pathname } = new URL(issuer);
  for (const [from, to] of [
    [`${issuer}/`, issuer],
    [`${issuer}/.well-known/openid-configuration/`, `${issuer}/.well-known/openid-configuration`],
  ] as const) {
    const response = await fetch(from, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([301, to]);
  }
  const inserted = await fetch(`${origin}/.well-known/oauth-authorization-server${pathname}/`);
  expect(await inserted.json()).toMatchObject({ issuer });
});

it('names what its sources can say of a sign-in', async () => {
  const source = plainSource(
    { url: 'http://127.0.0.1:9' },
    { acr: { strong: 'urn:acme:two', weak: 'urn:acme:one' } },
  );
  await server.putTenant('acme', sampleTenant({ sources: [{ id: 'local', type: 'local' }, source] }));
  const response = await fetch(`${issuer}/.well-known/openid-configuration`);

  expect(await response.json()).toMatchObject({
    acr_values_supported: ['mfa', 'phr', 'urn:acme:two', 'urn:acme:one'],
  });
});
