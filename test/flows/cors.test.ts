import { describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { basicAuthorization, prepareAuthorization, tokensFor } from '../support/oauth-client.ts';
import {
  desktop,
  ordersApi,
  publicClient,
  sampleClients,
  sampleTenant,
  service,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const spaOrigin = 'https://spa.example.com';
const spa = { id: 'spa', redirectUri: 'https://spa.example.com/callback' };

const spaClient = publicClient(spa, { application_type: 'web', allowedOrigins: [spaOrigin] });
const clients = sampleClients.map((client) =>
  client.client_id === web.id ? webClient(web, { allowedOrigins: ['https://app.example.com'] }) : client,
);
const server = await useServer({
  store: sqliteStore,
  tenants: { acme: sampleTenant({ clients: [...clients, spaClient] }) },
});
const issuer = server.issuer('acme');

/** Who may read the answer, and with what. */
const sharing = ({ headers }: { readonly headers: Headers }) => ({
  origin: headers.get('access-control-allow-origin'),
  credentials: headers.get('access-control-allow-credentials'),
});
const nobody = { origin: null, credentials: null };

const strangers = [
  'https://evil.example',
  'null',
  'http://spa.example.com',
  'https://spa.example.com:8443',
  'https://SPA.example.com',
  'https://spa.example.com.evil.example',
  'https://evil-spa.example.com',
  'https://sub.spa.example.com',
  'https://app.example.com', // the origin of another client
];

const postToken = (origin: string, clientId: string) =>
  fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { origin },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      code: 'x',
      redirect_uri: spa.redirectUri,
      code_verifier: 'v'.repeat(43),
    }),
  });

describe('the token endpoint', () => {
  it('lets the origins of the client read its answers', async () => {
    expect(sharing(await postToken(spaOrigin, spa.id))).toEqual({ origin: spaOrigin, credentials: null });
  });

  it.each(strangers)('lets %s read nothing', async (origin) => {
    expect(sharing(await postToken(origin, spa.id))).toEqual(nobody);
  });

  it('follows the list alone, not the redirect addresses of a client', async () => {
    const ofDesktop = new URL(desktop.redirectUri).origin;

    expect(sharing(await postToken(ofDesktop, desktop.id))).toEqual(nobody);
  });

  it.each(strangers.slice(0, -1))('lets %s read nothing of a client that there is not', async (origin) => {
    expect(sharing(await postToken(origin, 'nobody'))).toEqual(nobody);
  });
});

describe('userinfo', () => {
  it('is for the origins of the client that has the token', async () => {
    const { access_token } = await tokensFor(createBrowser(), { issuer, client: spa });
    const ask = (origin: string, headers = {}) =>
      fetch(`${issuer}/me`, { headers: { origin, authorization: `Bearer ${access_token}`, ...headers } });

    expect(sharing(await ask(spaOrigin))).toEqual({ origin: spaOrigin, credentials: null });
    for (const origin of strangers) {
      expect({ origin, seen: sharing(await ask(origin)) }).toEqual({ origin, seen: nobody });
    }
  });

  it('lets an app read that its token is no good, and strangers not even that', async () => {
    const ask = (origin: string) =>
      fetch(`${issuer}/me`, { headers: { origin, authorization: 'Bearer wrong' } });
    const answer = await ask(spaOrigin);

    expect(answer.status).toBe(401);
    expect(sharing(answer)).toEqual({ origin: spaOrigin, credentials: null });
    expect(sharing(await ask('https://evil.example'))).toEqual(nobody);
    expect(sharing(await ask('null'))).toEqual(nobody);
  });
});

describe('introspection and revocation', () => {
  it.each(['/token/introspection', '/token/revocation'])(
    '%s: nobody but listed origins reads an answer',
    async (path) => {
      const ask = (origin: string, client: typeof service) =>
        fetch(`${issuer}${path}`, {
          method: 'POST',
          headers: { origin, ...basicAuthorization(client) },
          body: new URLSearchParams({ token: 'x' }),
        });

      expect(sharing(await ask('https://evil.example', ordersApi))).toEqual(nobody);
      expect(sharing(await ask('null', service))).toEqual(nobody);
    },
  );
});

describe('pages', () => {
  it('are read by no other site', async () => {
    const { url } = prepareAuthorization({ issuer, client: spa });
    for (const target of [url, issuer, `${issuer}/account`, `${issuer}/device`, `${server.publicUrl}/`]) {
      for (const origin of [spaOrigin, 'null', 'https://evil.example']) {
        const answer = await fetch(target, { headers: { origin }, redirect: 'manual' });
        expect({ target, ...sharing(answer) }).toEqual({ target, ...nobody });
      }
    }
  });
});

describe('discovery and keys', () => {
  it.each(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks'])(
    '%s may be read by everybody, without credentials, the first time and later',
    async (path) => {
      for (let i = 0; i < 2; i += 1) {
        const answer = await fetch(`${issuer}${path}`, { headers: { origin: 'https://anybody.example' } });
        expect(answer.status).toBe(200);
        expect(['*', 'https://anybody.example']).toContain(sharing(answer).origin);
        expect(sharing(answer).credentials).toBeNull();
      }
    },
  );
});

it('answers a preflight without telling who may follow with credentials', async () => {
  const preflight = await fetch(`${issuer}/token`, {
    method: 'OPTIONS',
    headers: {
      origin: spaOrigin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,dpop',
    },
  });

  expect(preflight.status).toBeLessThan(300);
  expect(sharing(preflight).credentials).toBeNull();
});
