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

/** A refusal for the origin, and that alone, is for this origin to read. */
const expectRefusal = async (answer: Response, origin: string): Promise<void> => {
  const shown = origin === 'null' ? nobody : { origin, credentials: null };
  expect({ status: answer.status, ...sharing(answer) }).toEqual({ status: 400, ...shown });
  const { error, error_description: description, ...rest } = (await answer.json()) as Record<string, string>;
  expect({ error, rest }).toEqual({ error: 'invalid_request', rest: {} });
  expect(description).toContain(`origin ${origin} not allowed for client`);
};

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

  it.each(strangers)('lets %s read that it is refused, and nothing else', async (origin) => {
    await expectRefusal(await postToken(origin, spa.id), origin);
  });

  it('has the log name the setting', async () => {
    const answer = await postToken('https://new-spa.example.com', spa.id);
    const lines = server.logLines().filter((line) => line.includes(answer.headers.get('x-error-id') ?? '?'));
    expect(lines.join('')).toContain('allowedOrigins');
  });

  it('follows the list alone, not the redirect addresses of a client', async () => {
    const ofDesktop = new URL(desktop.redirectUri).origin;

    await expectRefusal(await postToken(ofDesktop, desktop.id), ofDesktop);
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
      await expectRefusal(await ask(origin), origin);
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
    '%s: nobody but listed origins reads more than a refusal',
    async (path) => {
      const ask = (origin: string, client: typeof service) =>
        fetch(`${issuer}${path}`, {
          method: 'POST',
          headers: { origin, ...basicAuthorization(client) },
          body: new URLSearchParams({ token: 'x' }),
        });

      await expectRefusal(await ask('https://evil.example', ordersApi), 'https://evil.example');
      await expectRefusal(await ask('null', service), 'null');
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

describe('a preflight', () => {
  const ask = (path: string, origin: string) =>
    fetch(`${issuer}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,dpop',
      },
    });

  it('is answered for the origins that some client lists, without credentials', async () => {
    for (const origin of [spaOrigin, 'https://app.example.com']) {
      const answer = await ask('/token', origin);
      expect(answer.status).toBeLessThan(300);
      expect(sharing(answer)).toEqual({ origin, credentials: null });
      expect(answer.headers.get('access-control-allow-headers')).toContain('dpop');
    }
  });

  it.each(['/token', '/me', '/token/revocation', '/request'])(
    'of strangers allows nothing at %s',
    async (path) => {
      for (const origin of ['https://evil.example', 'null']) {
        const answer = await ask(path, origin);
        const names = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'));
        expect({ origin, names }).toEqual({ origin, names: [] });
      }
    },
  );

  it('of anybody is answered where everybody may read', async () => {
    expect(sharing(await ask('/jwks', 'https://evil.example')).origin).toBe('https://evil.example');
  });
});

it('a refusal is for the script of an app to read with its error id', async () => {
  const answer = await postToken(spaOrigin, spa.id);

  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([400, spaOrigin]);
  expect(answer.headers.get('access-control-expose-headers')?.split(',')).toEqual(
    expect.arrayContaining(['WWW-Authenticate', 'x-error', 'x-error-id']),
  );
});
