import { beforeAll, describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { redeem, signIn, tokenRequest } from '../support/oauth-client.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { service, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({ store: sqliteStore });
const issuer = server.issuer('acme');
const { port } = new URL(server.publicUrl);
const host = `Host: localhost:${port}`;

const errorId = /^[0-9a-f]{16}$/;
const sentence = /^[A-Za-z"'].* .+/;

interface Refused {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What every refusal has in common: a sentence, an id in the log, a code in the body. */
const expectRefusal = (answer: Refused): void => {
  expect(answer.headers['x-error']).toMatch(sentence);
  expect(answer.headers['x-error-id']).toMatch(errorId);
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect(answer.headers['cache-control']).toContain('no-store');
  const { error } = JSON.parse(answer.body) as { readonly error?: string };
  expect(error).toMatch(/^[a-z_]+$/);
  expect(answer.headers['x-error']).not.toBe(error);
  const logged = server.logLines().filter((line) => line.includes(String(answer.headers['x-error-id'])));
  expect(logged).toHaveLength(1);
};

const send = async (url: string, init: RequestInit): Promise<Refused> => {
  const answer = await fetch(url, { redirect: 'manual', ...init });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
};

describe('a body that cannot be read', () => {
  let authorization = '';
  beforeAll(async () => {
    const request = { issuer, client: web, scope: 'openid' };
    const { body } = await redeem(request, await signIn(createBrowser(), request));
    authorization = `Bearer ${body.access_token}`;
  });

  const json = 'application/json';
  const name = JSON.stringify({ name: 'Kitchen' });
  const gzip = { 'content-encoding': 'gzip' };
  const bodies: readonly (readonly [string, number, Readonly<Record<string, string>>, string])[] = [
    ['cut short', 400, {}, '{bad'],
    ['a string', 400, {}, '"x"'],
    ['null', 400, {}, 'null'],
    ['a number', 400, {}, '17'],
    ['a list', 400, {}, '[]'],
    ['empty', 400, {}, ''],
    ['with a prototype', 400, {}, '{"__proto__":{"name":"x"}}'],
    ['deeply nested', 400, {}, '{"name":'.repeat(1500)],
    ['deeply nested and closed', 400, {}, `${'[{"name":'.repeat(1200)}1${'}]'.repeat(1200)}`],
    ['with a member twice', 400, {}, '{"name":"a","n\\u0061me":"b"}'],
    ['with a member twice, deeper', 400, {}, '{"name":"a","x":{"y":"{","y":1}}'],
    ['too long', 413, {}, JSON.stringify({ name: 'x'.repeat(20_000) })],
    ['of another type', 400, { 'content-type': 'text/plain' }, name],
    ['a form', 400, { 'content-type': 'application/x-www-form-urlencoded' }, 'name=Kitchen'],
    ['in another charset', 415, { 'content-type': `${json}; charset=utf-16` }, name],
    ['in an unknown charset', 415, { 'content-type': `${json}; charset=x-none` }, name],
    ['compressed, but not really', 400, gzip, name],
    ['in an unknown coding', 415, { 'content-encoding': 'x-none' }, name],
  ];

  it.each(bodies)('JSON %s is %i', async (_what, status, headers, body) => {
    const answer = await send(`${issuer}/devices/x`, {
      method: 'PATCH',
      headers: { authorization, 'content-type': json, ...headers },
      body,
    });

    expect(answer.status).toBe(status);
    expectRefusal(answer);
  });

  it('differs from one that can be read: there is no such device', async () => {
    const answer = await send(`${issuer}/devices/x`, {
      method: 'PATCH',
      headers: { authorization, 'content-type': `${json}; charset=UTF-8` },
      body: '{"name":"a: \\"name\\": {","x":{"name":1}}',
    });

    expect([answer.status, JSON.parse(answer.body).error]).toEqual([404, 'not_found']);
  });

  const form = 'application/x-www-form-urlencoded';
  const places = [
    '/interaction/xxxxxxxxxxxxxxxxxxxxx/login',
    '/auth',
    '/session/end',
    '/token',
    '/request',
    '/token/introspection',
    '/device/auth',
  ];
  const forms: readonly (readonly [string, Record<string, string>, string])[] = [
    ['of another type', { 'content-type': 'text/plain' }, 'csrf=x'],
    ['of a malformed type', { 'content-type': 'x' }, 'csrf=x'],
    ['of JSON', { 'content-type': json }, '{bad'],
    ['in an unknown charset', { 'content-type': `${form}; charset=x-none` }, 'csrf=x'],
    ['too long', { 'content-type': form }, `csrf=${'x'.repeat(60_000)}`],
    ['compressed, but not really', { 'content-type': form, ...gzip }, 'csrf=x'],
    ['with fields twice', { 'content-type': form }, 'client_id=a&client_id=b&csrf=x&csrf=y'],
    ['with nested fields', { 'content-type': form }, `client_id${'[a]'.repeat(500)}=x&csrf[x]=y`],
    ['with a broken escape', { 'content-type': form }, 'client_id=%E0%A4%A&csrf=%'],
  ];

  it.each(places.flatMap((place) => forms.map((one) => [place, ...one] as const)))(
    'a form at %s %s is refused as a request',
    async (place, _what, headers, body) => {
      const answer = await send(issuer + place, {
        method: 'POST',
        headers: { accept: json, ...headers },
        body,
      });

      // sent on as a GET, which is refused
      const isSentOn = place === '/auth' || place === '/session/end';
      if (isSentOn && answer.status === 303) return;
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expectRefusal(answer);
    },
  );
});

describe('a request that Node cannot read', () => {
  const cases: readonly (readonly [string, number, string])[] = [
    [
      'with headers that are too long',
      431,
      `GET / HTTP/1.1\r\n${host}\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`,
    ],
    ['with an address that is too long', 431, `GET /${'x'.repeat(17_000)} HTTP/1.1\r\n${host}\r\n\r\n`],
    ['that is no HTTP', 400, 'hello\r\n\r\n'],
    ['with a malformed header', 400, `GET / HTTP/1.1\r\n${host}\r\nBad Header: x\r\n\r\n`],
    [
      'with two lengths',
      400,
      `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
    ],
    ['without a host', 400, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
    [
      'without a host, for an upgrade',
      400,
      'GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    [
      'that expects something',
      417,
      `POST / HTTP/1.1\r\n${host}\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\n`,
    ],
    [
      'with chunk extensions without end',
      413,
      `POST /oauth/acme/token HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`,
    ],
    ['that asks for a tunnel', 501, `CONNECT elsewhere.example:443 HTTP/1.1\r\n${host}\r\n\r\n`],
  ];

  it.each(cases)('%s is %i with the headers of every refusal', async (_what, status, text) => {
    const answer = await sendRaw(Number(port), text);

    expect(answer.status).toBe(status);
    expect(answer.headers.connection).toBe('close');
    expectRefusal({ ...answer, body: answer.body.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, '') });
  });

  it('does not stop the server', async () => {
    expect((await rawRequest({ port: Number(port), target: '/healthz', headers: [host] })).status).toBe(200);
  });
});

describe('a wrong method at an endpoint of the protocol', () => {
  const endpoints: readonly (readonly [string, string, string])[] = [
    ['GET', '/token', 'POST, OPTIONS'],
    ['GET', '/token?grant_type=x', 'POST, OPTIONS'],
    ['HEAD', '/token/', 'POST, OPTIONS'],
    ['PUT', '/TOKEN', 'POST, OPTIONS'],
    ['GET', '/token/introspection', 'POST, OPTIONS'],
    ['DELETE', '/token/revocation', 'POST, OPTIONS'],
    ['PATCH', '/me', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/jwks', 'GET, HEAD, OPTIONS'],
    ['POST', '/.well-known/openid-configuration', 'GET, HEAD, OPTIONS'],
    ['GET', '/request', 'POST, OPTIONS'],
    ['PUT', '/auth', 'GET, HEAD, POST'],
    ['OPTIONS', '/auth', 'GET, HEAD, POST'],
    ['GET', '/device/auth', 'POST, OPTIONS'],
    ['PUT', '/device', 'GET, HEAD, POST'],
    ['GET', '/session/end/confirm', 'POST'],
  ];

  it.each(endpoints)('%s %s is 405', async (method, path, allowed) => {
    const answer = await send(issuer + path, { method, headers: { accept: 'application/json' } });

    expect([answer.status, answer.headers.allow]).toEqual([405, allowed]);
    if (method !== 'HEAD') expectRefusal(answer);
  });

  it('is a page for a browser', async () => {
    const answer = await send(`${issuer}/auth`, { method: 'PUT', headers: { accept: 'text/html' } });

    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
    expect(answer.body).toContain(answer.headers['x-error-id']);
  });

  it('is 404 where there is no such endpoint', async () => {
    const answer = await send(`${issuer}/tokens`, { method: 'PUT' });

    expect(answer.status).toBe(404);
    expectRefusal(answer);
  });

  it('OPTIONS without the headers of a preflight says what is allowed', async () => {
    const answer = await send(`${issuer}/token`, { method: 'OPTIONS' });

    expect([answer.status, answer.headers.allow]).toEqual([204, 'POST, OPTIONS']);
  });
});

it('the description of an error is in x-error, its code in the body alone', async () => {
  const answer = await tokenRequest(
    issuer,
    { ...service, secret: 'x' },
    { grant_type: 'client_credentials' },
  );

  expect(answer.headers.get('x-error')).toBe(answer.body.error_description);
  expect(answer.headers.get('x-error-id')).toMatch(errorId);
});

it('a form of the device page without its session has an error id as well', async () => {
  const answer = await send(`${issuer}/device`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: 'user_code=AAAA-BBBB&xsrf=x',
  });

  expect(answer.status).toBe(400);
  expect(answer.headers['x-error']).toMatch(sentence);
  expect(answer.headers['x-error-id']).toMatch(errorId);
});
