import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { operations } from '../../src/self-service/api/operations.ts';
import { type ApiQuestion, askApi } from '../support/account-api.ts';
import { type Browser, createBrowser } from '../support/browser.ts';
import { approveDevice, pollDevice, type StartedDevice } from '../support/device.ts';
import { documentedBlocks } from '../support/documented.ts';
import { type Answer, postAs, tokensFor } from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-request.ts';
import {
  bob,
  ordersResource,
  partner,
  sampleClients,
  sampleTenant,
  shop,
  tv,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const origin = 'https://spa.example.com';
const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant({
      clients: [
        ...sampleClients.filter(({ client_id: id }) => id !== web.id),
        webClient(web, { allowedOrigins: [origin] }),
      ],
    }),
    globex: sampleTenant(),
  },
});
const issuer = server.issuer('acme');
const api = `${issuer}/api/v1`;

const scope = 'openid account';
let browser: Browser;
let token: string;

beforeAll(async () => {
  browser = createBrowser();
  token = (await tokensFor(browser, { issuer, client: web, scope })).access_token;
});

const ask = (path: string, asked: ApiQuestion = {}): Promise<Answer> =>
  askApi(issuer, path, { token, ...asked });
const json = { 'content-type': 'application/json' };

/** Each refusal says what went wrong, with an id that is also in the log. */
const expectRefusal = ({ status, headers, body }: Answer, expected: number, error: string): void => {
  expect([status, body.error]).toEqual([expected, error]);
  expect(headers.get('x-error')?.split(' ').length).toBeGreaterThan(2);
  expect(headers.get('x-error-id')).toBe(body.error_id);
  expect(server.logLines().some((line) => JSON.parse(line).errorId === body.error_id)).toBe(true);
};

describe('the API of the own account', () => {
  it('shows the person of the access token', async () => {
    const { status, headers, body } = await ask('/account');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      sub: expect.any(String),
      username: 'alice',
      name: 'Alice Adams',
      email: 'alice@acme.example',
      email_verified: true,
      created_at: expect.any(Number),
      changed_at_sources: {},
      sources: [],
    });
  });

  it('answers HEAD without a body', async () => {
    const answer = await fetch(`${api}/account`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${token}` },
    });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  it('expects an access token', async () => {
    const refused = await ask('/account', { token: undefined });
    expectRefusal(refused, 401, 'unauthorized');
    expect(refused.headers.get('www-authenticate')).toBe(`Bearer realm="${issuer}"`);
  });

  it.each(['nonsense', 'eyJhbGciOiJub25lIn0.e30.', 'x'.repeat(43)])('refuses the token %s', async (wrong) => {
    const refused = await ask('/account', { token: wrong });
    expectRefusal(refused, 401, 'invalid_token');
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it.each([
    ['lacks the scope', { client: web, scope: 'openid profile' }],
    ['is of a third-party client', { client: partner, scope, consent: true }],
    ['is for a resource', { client: shop, scope: 'account orders:read', resource: ordersResource }],
  ])('refuses a token that %s', async (_why, { client, resource, ...asked }: TokenOf) => {
    const request = { issuer, client, ...asked, extra: { resource } };
    const { access_token } = await tokensFor(createBrowser(), request);
    const refused = await ask('/account', { token: access_token });
    expectRefusal(refused, 403, 'insufficient_scope');
    expect(refused.headers.get('www-authenticate')).toContain('scope="account"');
  });

  it('refuses a token of another tenant', async () => {
    const request = { issuer: server.issuer('globex'), client: web, scope };
    const { access_token } = await tokensFor(createBrowser(), request);
    expectRefusal(await ask('/account', { token: access_token }), 401, 'invalid_token');
  });

  it.each([
    ['malformed JSON', '{"name":', json, 400, 'invalid_request'],
    [
      'another type',
      'name=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    [
      'another charset',
      '{}',
      { 'content-type': 'application/json; charset=latin1' },
      415,
      'unsupported_media_type',
    ],
    ['too large a body', JSON.stringify({ name: 'x'.repeat(20_000) }), json, 413, 'payload_too_large'],
    ['an unknown member', '{"name":"x","nam":"y"}', json, 400, 'invalid_request'],
    ['a missing member', '{}', json, 400, 'invalid_request'],
    ['a list', '[]', json, 400, 'invalid_request'],
    ['a repeated member', '{"name":"x","name":"y"}', json, 400, 'invalid_request'],
  ])('refuses %s', async (_what, body, headers, status, error) => {
    expectRefusal(await ask('/devices/some-id', { method: 'PATCH', body, headers }), status, error);
  });

  it('refuses a missing body, and names the parameter that is wrong', async () => {
    expectRefusal(await ask('/devices/some-id', { method: 'PATCH' }), 400, 'invalid_request');
    const refused = await ask('/devices?after=%21');
    expectRefusal(refused, 400, 'invalid_request');
    expect(refused.body.error_description).toContain('query parameter after');
    expectRefusal(await ask('/devices?after=a&after=b'), 400, 'invalid_request');
  });

  it('says for a wrong method which there are', async () => {
    const refused = await ask('/account', { method: 'POST' });
    expectRefusal(refused, 405, 'method_not_allowed');
    expect(refused.headers.get('allow')).toBe('GET, HEAD, PATCH, DELETE, OPTIONS');
  });

  it.each(['/nothing', '/devices/a%2Fb', '/account/', ''])('does not know %s', async (path) => {
    expectRefusal(await ask(path, { headers: { accept: 'text/html' } }), 404, 'not_found');
  });

  it('does not know what belongs to nobody', async () => {
    expectRefusal(await ask('/devices/some-id', { method: 'DELETE' }), 404, 'not_found');
  });
});

interface TokenOf {
  readonly client: typeof web;
  readonly scope: string;
  readonly consent?: boolean;
  readonly resource?: string;
}

describe('another origin', () => {
  it('may call it if it is of the client, with every method', async () => {
    const preflight = await fetch(`${api}/account`, { method: 'OPTIONS', headers: { origin } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    const allowed = preflight.headers.get('access-control-allow-methods')?.split(', ');
    expect(allowed).toEqual(expect.arrayContaining([...new Set(operations.map(({ method }) => method))]));

    const { headers } = await ask('/account', { headers: { origin } });
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('access-control-expose-headers')).toContain('x-error-id');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('may read each refusal', async () => {
    const malformed = { method: 'PATCH', body: '{', headers: { ...json, origin } } as const;
    const refusals = [
      await ask('/nothing', { headers: { origin } }),
      await ask('/account', { method: 'POST', headers: { origin } }),
      await ask('/openapi.json', { method: 'POST', headers: { origin } }),
      await ask('/account', { token: undefined, headers: { origin } }),
      await ask('/account', malformed),
      await ask('/account', { ...malformed, headers: { origin, 'content-type': 'text/plain' } }),
      await ask('/account', { ...malformed, body: JSON.stringify({ name: 'x'.repeat(20_000) }) }),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([404, 405, 405, 401, 400, 415, 413]);
    expect(refusals.at(-1)?.headers.get('x-error')).toBe('The body is larger than 16kb');
    for (const { headers } of refusals) {
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-expose-headers')).toContain('x-error-id');
    }
    for (const path of ['/nothing', '/openapi.json']) {
      const headers = { origin, 'access-control-request-method': 'GET' };
      const { status } = await fetch(api + path, { method: 'OPTIONS', headers });
      expect([path, status]).toEqual([path, 204]);
    }
  });

  it('may not read the answer of a client that does not name it', async () => {
    const other = await tokensFor(browser, { issuer, client: shop, scope });
    const { status, headers } = await ask('/account', { token: other.access_token, headers: { origin } });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, null]);
    const foreign = await ask('/account', { headers: { origin: 'https://evil.example.com' } });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('the OpenAPI document', () => {
  const url = `${api}/openapi.json`;

  it('is for everybody, and is cached', async () => {
    const answer = await fetch(url, { headers: { origin: 'https://evil.example.com' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('cache-control')).toMatch(/max-age=\d+/);
    // fetch would ask caches for a new answer
    const again = await rawRequest(server.publicUrl, {
      method: 'GET',
      target: new URL(url).pathname,
      headers: { Host: new URL(url).host, 'If-None-Match': answer.headers.get('etag') ?? '' },
    });
    expect([again.status, again.body]).toEqual([304, '']);
    const ofGlobex = `${server.issuer('globex')}/api/v1`;
    expect((await documentAt(`${ofGlobex}/openapi.json`)).servers).toEqual([{ url: ofGlobex }]);
  });

  it('describes every operation, with its refusals', async () => {
    const document = await documentAt(url);
    expect(document).toMatchObject({
      openapi: '3.1.0',
      servers: [{ url: api }],
      security: [{ accessToken: ['account'] }],
      components: {
        securitySchemes: {
          accessToken: { openIdConnectUrl: `${issuer}/.well-known/openid-configuration` },
        },
      },
    });
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${method} ${path} ${operationId}`),
    );
    expect(described.toSorted()).toEqual(
      operations.map(({ method, path, id }) => `${method.toLowerCase()} ${path} ${id}`).toSorted(),
    );
    const { responses } = document.paths['/devices/{id}']?.patch ?? {};
    expect(Object.keys(responses ?? {})).toEqual(['200', '400', '401', '403', '404', '413', '415', '503']);
    expect(Object.keys(responses?.['404']?.headers ?? {})).toEqual(['x-error', 'x-error-id']);
  });

  it('has an id of its own for each operation', () => {
    const ids = operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

interface DescribedOperation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly headers?: object }>>;
}

interface ApiDocument {
  readonly servers: unknown;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
}

const documentAt = async (url: string): Promise<ApiDocument> =>
  (await (await fetch(url)).json()) as ApiDocument; // what it describes is asserted

describe('docs/api.md', () => {
  const page = readFileSync(join(packageRoot(), 'docs', 'api.md'), 'utf8');

  it('names every operation, and no other', () => {
    const named = [...page.matchAll(/^\| `([A-Z]+ \/[^`]*)`/gm)].map(([, request]) => request);
    expect(named).toEqual(operations.map(({ method, path }) => `${method} ${path}`));
  });

  it('has commands that work', async () => {
    await connectDevice();
    for (const command of documentedBlocks('api.md', 'sh')) {
      const env = { ...process.env, ISSUER: issuer, TOKEN: token };
      const { stdout } = await promisify(execFile)('sh', ['-euc', command], { env });
      expect(JSON.parse(stdout)).toHaveProperty(/PATCH/.test(command) ? 'name' : 'sub');
    }
  });
});

const connectDevice = async (): Promise<void> => {
  const { body } = await postAs(tv, `${issuer}/device/auth`, { form: { scope: 'openid' } });
  const started = body as unknown as StartedDevice;
  await approveDevice(browser, issuer, started);
  expect((await pollDevice(issuer, started)).status).toBe(200);
};

it('needs no more than the scope', async () => {
  const { access_token } = await tokensFor(createBrowser(), { issuer, client: web, scope: 'account' }, bob);
  expect((await ask('/devices', { token: access_token })).body).toEqual({ devices: [] });
});
