import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Koa from 'koa';
import { z } from 'zod';
import { AppError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { packageRoot } from '../../src/package-root.ts';
import { createFormParser, readForm } from '../../src/web/body.ts';
import { createErrorBoundary } from '../../src/web/error-boundary.ts';
import { createLanguageCookie } from '../../src/web/language-switch.ts';
import { openPages } from '../../src/web/open-pages.ts';
import { createRequestChecks } from '../../src/web/request-checks.ts';
import { createRequestLog } from '../../src/web/request-log.ts';
import { createSecurityHeaders } from '../../src/web/security-headers.ts';
import { sendPage } from '../../src/web/send-page.ts';
import { openAssetServer } from '../../src/web/serve-assets.ts';

type Line = Readonly<Record<string, unknown>>;

const lines: Line[] = [];
const log = createLog(
  { level: 'info' },
  new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  }),
);

const directory = join(packageRoot(), 'views');
const pages = openPages({ directory });

const tenant = { id: 'acme', displayName: 'Acme', branding: { color: '#c2410c' } };

const open = async (): Promise<{ url: string; close: () => void }> => {
  const app = new Koa();
  const hosts = new Set<string>();
  app.use(createRequestLog({ log, clock: { now: () => 0 } }));
  app.use(createSecurityHeaders({ isSecure: (host) => host === 'secure.example', includeSubDomains: false }));
  app.use(
    createErrorBoundary({
      pages,
      log,
      look: () => ({ locale: 'en', tenant }),
      homeUrl: () => 'http://localhost/',
    }),
  );
  app.use(
    createRequestChecks({
      hostsAllowed: () => hosts,
      serviceHosts: new Set(),
      trustedProxies: [],
      isSecure: () => false,
      log,
    }),
  );
  app.use(createLanguageCookie({ isSecure: () => false }));
  app.use(openAssetServer({ directory: join(directory, 'assets') }));
  app.use(createFormParser());
  app.use((ctx) => {
    ctx.state.tenant = 'acme';
    if (ctx.path === '/form') {
      ctx.body = readForm(ctx, z.object({ login: z.string().max(10), password: z.string() }));
    }
    if (ctx.path === '/logo') {
      const branding = { color: '#c2410c', logo: 'https://cdn.example/a/logo.svg;x' };
      const look = { locale: 'en' as const, tenant: { ...tenant, branding } };
      sendPage(ctx, pages, { name: 'signed-out', model: { signInUrl: '/' }, look });
    }
    if (ctx.path === '/ok') ctx.body = 'ok';
    if (ctx.path === '/throttled') throw new AppError('throttled', 'Wait', { retryAfterSeconds: 41.2 });
    if (ctx.path === '/unavailable') throw new AppError('unavailable', 'Störung\r\nSet-Cookie: a=b');
    if (ctx.path === '/forbidden') throw new AppError('forbidden', '<script>no</script>');
    if (ctx.path === '/bug') {
      const cause = Object.assign(new Error('the cause'), { ctx: { password: 'hunter2' } });
      throw Object.assign(new Error('secret detail', { cause }), { body: 'hunter2', status: 400 });
    }
    if (ctx.path === '/detail') throw new AppError('unavailable', 'Down', { detail: 'host db1 refused' });
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  hosts.add(host);
  return { url: `http://${host}`, close: () => server.close() };
};

let server: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  server = await open();
});
afterAll(() => server.close());

const get = (path: string, accept = 'application/json'): Promise<Response> =>
  fetch(server.url + path, { headers: { accept } });
const post = (body: string, type = 'application/x-www-form-urlencoded'): Promise<Response> =>
  fetch(`${server.url}/form`, { method: 'POST', body, headers: { 'content-type': type } });
const browser = 'text/html,application/xhtml+xml,*/*;q=0.8';

describe('an error', () => {
  it.each([
    ['/throttled', 429, 'throttled', '42'],
    ['/unavailable', 503, 'unavailable', '5'],
    ['/forbidden', 403, 'forbidden', null],
    ['/nowhere', 404, 'not_found', null],
    ['/bug', 500, 'server_error', null],
  ])('of %s is status %i, %s, for programs and for people', async (path, status, code, retryAfter) => {
    const json = await get(path, '*/*');
    expect([json.status, json.headers.get('retry-after')]).toEqual([status, retryAfter]);
    expect(await json.json()).toMatchObject({ error: code });
    const page = await get(path, browser);
    expect([page.status, page.headers.get('retry-after')]).toEqual([status, retryAfter]);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await page.text();
    expect(html).toContain(`<code>${code}</code>`);
    expect(html).toContain(page.headers.get('x-error-id') ?? 'no id');
    for (const answer of [json, page]) {
      expect(answer.headers.get('x-error')).toMatch(/^[\x20-\x7e]+$/);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('has an id of its own that is in the log once, beside its cause', async () => {
    const ids = await Promise.all([1, 2].map(async () => (await get('/bug')).headers.get('x-error-id')));
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) {
      const found = lines.filter((line) => line.errorId === id);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({
        level: 'error',
        tenant: 'acme',
        err: { message: 'secret detail', cause: { message: 'the cause' } },
      });
    }
  });

  it('that is a refusal has no stack in the log', async () => {
    for (const path of ['/nowhere', '/forbidden', '/throttled']) {
      const id = (await get(path)).headers.get('x-error-id');
      const found = lines.filter((line) => line.errorId === id);
      expect(found).toHaveLength(1);
      expect(JSON.stringify(found)).not.toContain('stack');
    }
  });

  it('says nothing of what went on inside, and logs nothing that hangs on the error', async () => {
    for (const accept of [browser, '*/*']) {
      const answer = await get('/bug', accept);
      const text = `${await answer.text()} ${JSON.stringify([...answer.headers])}`;
      expect(text).not.toMatch(/secret detail|the cause|hunter2|\.ts/);
    }
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    const detail = await get('/detail');
    expect(await detail.text()).not.toContain('db1');
    expect(JSON.stringify(lines)).toContain('host db1 refused');
  });

  it('cannot smuggle headers or markup', async () => {
    expect((await get('/unavailable')).headers.get('set-cookie')).toBeNull();
    expect(await (await get('/forbidden', browser)).text()).not.toContain('<script>no');
  });

  it('of the request checks has the headers and looks like the others', async () => {
    const answer = await fetch(server.url.replace('127.0.0.1', 'localhost'), {
      headers: { accept: browser },
    });
    expect(answer.status).toBe(421);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await answer.text()).toContain('<code>misdirected_request</code>');
  });
});

describe('a form', () => {
  it('gives the fields of its schema and drops others', async () => {
    const answer = await post('login=a&password=b&more=c');
    expect(await answer.json()).toEqual({ login: 'a', password: 'b' });
  });

  it.each([
    'login[$ne]=&password=b',
    'login=a&login=b&password=c',
    'login=a&password=b&__proto__[x]=1&more[a]=1',
    'login=a',
    '',
    'login=12345678901&password=b',
  ])('%s is refused', async (body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  });

  it('must be a form: JSON and files are not read', async () => {
    expect((await post('{"login":"a","password":"b"}', 'application/json')).status).toBe(400);
    const data = new FormData();
    data.append('login', 'a');
    expect((await fetch(`${server.url}/form`, { method: 'POST', body: data })).status).toBe(400);
  });

  it('of more than 56 KiB is too large', async () => {
    expect((await post(`login=a&password=${'x'.repeat(57 * 1024)}`)).status).toBe(413);
  });

  it('never shows in an answer what was typed', async () => {
    const answer = await post('login=12345678901&password=hunter2');
    expect(await answer.text()).not.toMatch(/12345678901|hunter2/);
  });
});

describe('the headers of a page', () => {
  it('are strict', async () => {
    const { headers } = await get('/ok');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';base-uri 'none';frame-ancestors 'none'",
    );
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(headers.get('permissions-policy')).toContain('camera=()');
    expect(headers.get('strict-transport-security')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it('let the page fetch the logos that it shows, and nothing else', async () => {
    const policy = (await get('/logo')).headers.get('content-security-policy');
    expect(policy).toContain("img-src 'self' data: https://cdn.example;connect-src");
  });
});

describe('the language cookie', () => {
  const visit = async (query: string, site: string): Promise<string | null> =>
    (await fetch(`${server.url}/ok${query}`, { headers: { 'sec-fetch-site': site } })).headers.get(
      'set-cookie',
    );

  it('keeps what a person chose on our own pages', async () => {
    expect(await visit('?ui_locales=de', 'same-origin')).toMatch(/^i18next=de; Path=\/; .*HttpOnly/);
  });

  it('is not set by an app that sends a browser here, nor by nonsense', async () => {
    expect(await visit('?ui_locales=de', 'cross-site')).toBeNull();
    expect(await visit('?ui_locales=fr', 'same-origin')).toBeNull();
    expect(await visit('', 'same-origin')).toBeNull();
  });
});

describe('assets', () => {
  it('that a page names are there and may be kept for ever', async () => {
    const html = await (await get('/forbidden', browser)).text();
    const urls = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, url = '']) => url);
    expect(urls).toHaveLength(4);
    for (const url of urls) {
      const answer = await get(url);
      expect([url, answer.status, answer.headers.get('cache-control')]).toEqual([
        url,
        200,
        'public, max-age=31536000, immutable',
      ]);
      expect((await answer.text()).length).toBeGreaterThan(50);
    }
  });

  it('under the fingerprint of another version are sent but not kept', async () => {
    for (const url of ['/assets/drawbridge.000000000000.css', '/assets/brand/c2410c.000000000000.css']) {
      const answer = await get(url);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-cache']);
      expect(answer.headers.get('content-type')).toBe('text/css; charset=utf-8');
    }
  });

  it.each([
    '/assets/',
    '/assets/nothing.css',
    '/assets/..%2flayout.eta',
    '/assets/%2e%2e/layout.eta',
    '/assets/..%5clayout.eta',
    '/assets/brand/c2410c.css',
    '/assets/brand/red.000000000000.css',
    '/assets/brand/c2410c%7D.000000000000.css',
    '/assets/x/drawbridge.css',
  ])('%s is not one', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});

describe('the request log', () => {
  it('has one line a request, without what travels in queries', async () => {
    const answer = await get('/ok?code=very-secret-code&login_hint=alice');
    const id = answer.headers.get('x-request-id');
    const found = lines.filter((line) => line.requestId === id);
    expect(found).toEqual([
      expect.objectContaining({
        method: 'GET',
        route: '/ok',
        status: 200,
        address: '127.0.0.1',
        tenant: 'acme',
      }),
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/very-secret-code|login_hint/);
  });

  it('joins an error to its request', async () => {
    const id = (await get('/throttled')).headers.get('x-request-id');
    const found = lines.filter((line) => line.requestId === id);
    expect(found.map((line) => line.status)).toEqual([429, 429]);
  });

  it('does not mention probes', async () => {
    await get('/healthz');
    expect(lines.some((line) => line.route === '/healthz')).toBe(false);
  });
});
