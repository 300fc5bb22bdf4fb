import { describe, expect, it } from '@jest/globals';
import { parseAuthzTarget } from '../../src/gateway/answer/authz-endpoint.ts';

describe('the endpoint', () => {
  it.each([
    ['/api/authz/auth-request', { dialect: 'auth-request', appended: '' }],
    ['/api/authz/forward-auth', { dialect: 'forward-auth', appended: '' }],
    ['/api/authz/acme/forward-auth', { dialect: 'forward-auth', tenant: 'acme', appended: '' }],
    ['/api/authz/acme/forward-auth?x=1', { dialect: 'forward-auth', tenant: 'acme', appended: '' }],
    ['/api/authz/ext-authz/orders?a=1', { dialect: 'ext-authz', appended: '/orders?a=1' }],
    ['/api/authz/acme/ext-authz/', { dialect: 'ext-authz', tenant: 'acme', appended: '/' }],
    ['/api/authz/acme/ext-authz//a/../b', { dialect: 'ext-authz', tenant: 'acme', appended: '//a/../b' }],
    ['/api/authz/acme/ext-authz', { dialect: 'ext-authz', tenant: 'acme', appended: '' }],
    // what Envoy appends is a path of the service, whatever it looks like
    ['/api/authz/ext-authz/forward-auth', { dialect: 'ext-authz', appended: '/forward-auth' }],
    ['/api/authz/ext-authz/acme/auth-request', { dialect: 'ext-authz', appended: '/acme/auth-request' }],
    [
      '/api/authz/acme/ext-authz/globex/ext-authz/x',
      { dialect: 'ext-authz', tenant: 'acme', appended: '/globex/ext-authz/x' },
    ],
  ])('%s', (url, target) => {
    const { dialect, ...others } = parseAuthzTarget(url) ?? {};
    expect({ dialect: dialect?.name, ...others }).toEqual(target);
  });

  it.each([
    '/api/authz/',
    '/api/authz/acme',
    '/api/authz/acme/forward-auth/x',
    '/api/authz/acme/forward-authx',
    '/api/authz/ACME/forward-auth',
    '/api/authz/a/b/forward-auth',
    '/api/authz/ext-authz*',
    '/x/api/authz/forward-auth',
  ])('%s is none', (url) => {
    expect(parseAuthzTarget(url)).toBeUndefined();
  });
});

type Pair = readonly [string, string];

const inbound = (method: string, pairs: readonly Pair[]) => {
  const headers: Record<string, string> = {};
  for (const [name, value] of pairs) {
    const known = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`;
  }
  return { method, headers, rawHeaders: pairs.flat(), publicScheme: 'https' as const };
};

const read = (url: string, ...pairs: readonly Pair[]) => {
  const target = parseAuthzTarget(url);
  if (target === undefined) throw new Error('no endpoint');
  return target.dialect.readOriginal(inbound('GET', pairs), target.appended);
};

const nginx: readonly Pair[] = [
  ['Host', 'idp:3000'],
  ['X-Original-Method', 'POST'],
  ['X-Original-URL', 'https://App.Example.com:443/a%2Fb?x=/c'],
];
const traefik: readonly Pair[] = [
  ['Host', 'idp:3000'],
  ['X-Forwarded-Method', 'POST'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'App.Example.com'],
  ['X-Forwarded-Uri', '/a%2Fb?x=/c'],
];
const asked = { method: 'POST', host: 'app.example.com', path: '/a%2Fb', search: '?x=/c' };
const without = (pairs: readonly Pair[], name: string): readonly Pair[] =>
  pairs.filter(([own]) => own !== name);

describe('nginx', () => {
  it('says the request by X-Original-URL', () => {
    expect(read('/api/authz/auth-request', ...nginx)).toEqual(asked);
  });

  it('says it by X-Original-URI and X-Forwarded-Host', () => {
    const pairs: readonly Pair[] = [
      ...without(nginx, 'X-Original-URL'),
      ['X-Original-URI', '/a%2Fb?x=/c'],
      ['X-Forwarded-Host', 'app.example.com'],
    ];
    expect(read('/api/authz/auth-request', ...pairs)).toEqual(asked);
  });

  it.each(['App.Example.com:443', 'app.example.com:'])(
    'names the service by X-Forwarded-Host %s, as browsers show it',
    (host) => {
      const pairs: readonly Pair[] = [
        ...without(nginx, 'X-Original-URL'),
        ['X-Original-URI', '/a%2Fb?x=/c'],
        ['X-Forwarded-Host', host],
      ];
      expect(read('/api/authz/auth-request', ...pairs)).toEqual(asked);
    },
  );

  it('names an IPv6 address in any spelling', () => {
    const url: Pair = ['X-Original-URL', 'https://[2001:DB8:0::1]:443/'];
    expect(read('/api/authz/auth-request', ...without(nginx, 'X-Original-URL'), url)).toMatchObject({
      host: '[2001:db8::1]',
    });
  });

  it('takes a URL without a path for the root', () => {
    const pairs: readonly Pair[] = [
      ...without(nginx, 'X-Original-URL'),
      ['X-Original-URL', 'http://a.example'],
    ];
    expect(read('/api/authz/auth-request', ...pairs)).toMatchObject({ host: 'a.example', path: '/' });
  });

  it.each([
    'app.example.com/a',
    'ftp://app.example.com/',
    'https://user@app.example.com/',
    'https://%61pp.example.com/',
    'https://app.example.com/a#b',
    'https://app.example.com/a b',
    'https://app.example.com/a\tb',
    'https:///a',
    'https://app.example.com?x',
    '/a',
  ])('is refused with the URL %j', (url) => {
    const pairs: readonly Pair[] = [...without(nginx, 'X-Original-URL'), ['X-Original-URL', url]];
    expect(read('/api/authz/auth-request', ...pairs)).toHaveProperty('fault');
  });
});

describe('Traefik and Caddy', () => {
  it('say the request by X-Forwarded headers', () => {
    expect(read('/api/authz/forward-auth', ...traefik)).toEqual(asked);
  });

  it('may say wss', () => {
    const pairs: readonly Pair[] = [
      ...without(without(traefik, 'X-Forwarded-Proto'), 'X-Forwarded-Host'),
      ['X-Forwarded-Proto', 'wss'],
      ['X-Forwarded-Host', 'app.example.com:443'],
    ];
    expect(read('/api/authz/forward-auth', ...pairs)).toEqual(asked);
  });

  it('keep a port that is not the own one of the scheme', () => {
    const pairs: readonly Pair[] = [
      ...without(traefik, 'X-Forwarded-Host'),
      ['X-Forwarded-Host', 'app.example.com:80'],
    ];
    expect(read('/api/authz/forward-auth', ...pairs)).toMatchObject({ host: 'app.example.com:80' });
  });

  it.each([
    ['X-Forwarded-Host', 'a.example, b.example'],
    ['X-Forwarded-Host', 'a.example/x'],
    ['X-Forwarded-Host', 'user@a.example'],
    ['X-Forwarded-Method', 'GET, POST'],
    ['X-Forwarded-Method', 'get'],
    ['X-Forwarded-Proto', 'https, http'],
    ['X-Forwarded-Proto', 'gopher'],
    ['X-Forwarded-Uri', 'https://a.example/'],
    ['X-Forwarded-Uri', '/private#/public'],
    ['X-Forwarded-Uri', 'private'],
    ['X-Forwarded-Uri', '/a, /b'],
    ['X-Forwarded-Uri', ''],
  ])('are refused with %s: %s', (name, value) => {
    expect(read('/api/authz/forward-auth', ...without(traefik, name), [name, value])).toHaveProperty('fault');
  });
});

describe('Envoy', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'M-SEARCH'])('asks with the method %s itself', (method) => {
    const target = parseAuthzTarget('/api/authz/acme/ext-authz/a%2Fb?x=/c');
    if (target === undefined) throw new Error('no endpoint');
    const pairs: readonly Pair[] = [
      ['Host', 'App.Example.com:443'],
      ['X-Forwarded-Proto', 'https'],
    ];
    expect(target.dialect.readOriginal(inbound(method, pairs), target.appended)).toEqual({
      ...asked,
      method,
    });
  });

  it('is refused without a path', () => {
    expect(read('/api/authz/ext-authz', ['Host', 'app.example.com'])).toHaveProperty('fault');
    expect(read('/api/authz/ext-authz?x=/y', ['Host', 'app.example.com'])).toHaveProperty('fault');
  });
});

describe('what cannot be read', () => {
  it.each(['X-Original-Method', 'X-Original-URL'])('%s is missing', (name) => {
    expect(read('/api/authz/auth-request', ...without(nginx, name))).toHaveProperty('fault');
  });

  it.each(['X-Forwarded-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Uri'])(
    '%s is missing',
    (name) => {
      expect(read('/api/authz/forward-auth', ...without(traefik, name))).toHaveProperty('fault');
    },
  );

  it.each(['X-Original-Method', 'X-Original-URL', 'Host'])(
    '%s comes twice, even with the same value',
    (name) => {
      const again = nginx.filter(([own]) => own === name);
      expect(read('/api/authz/auth-request', ...nginx, ...again)).toHaveProperty('fault');
    },
  );

  it.each([
    ['X-Forwarded-Method', 'GET'],
    ['X-Forwarded-Host', 'other.example.com'],
    ['X-Forwarded-Uri', '/public'],
    ['X-Original-URI', '/public'],
  ])('a client adds %s: %s behind nginx', (name, value) => {
    expect(read('/api/authz/auth-request', ...nginx, [name, value])).toHaveProperty('fault');
  });

  it.each([
    ['X-Original-Method', 'GET'],
    ['X-Original-URL', 'https://app.example.com/public'],
    ['X-Original-URL', 'https://other.example.com/a%2Fb?x=/c'],
    ['X-Original-URI', '/public'],
  ])('a client adds %s: %s behind Traefik', (name, value) => {
    expect(read('/api/authz/forward-auth', ...traefik, [name, value])).toHaveProperty('fault');
  });

  it('is said twice alike, which is no contradiction', () => {
    expect(read('/api/authz/auth-request', ...nginx, ...traefik.slice(1))).toEqual(asked);
    expect(read('/api/authz/forward-auth', ...traefik, ...nginx.slice(1))).toEqual(asked);
  });

  it('X-Forwarded-Prefix and Forwarded say nothing', () => {
    expect(
      read(
        '/api/authz/forward-auth',
        ...traefik,
        ['X-Forwarded-Prefix', '/public'],
        ['Forwarded', 'host=other.example.com'],
      ),
    ).toEqual(asked);
  });
});
