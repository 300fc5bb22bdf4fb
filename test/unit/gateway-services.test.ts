import { describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { createServices, forwardPath, type Services } from '../../src/gateway/decision/services.ts';

const service = (name: string, said: Partial<ServiceDefinition> = {}): ServiceDefinition => ({
  name,
  stripPrefix: false,
  tenants: 'all',
  audience: name,
  signingAlgorithm: 'EdDSA',
  resources: [],
  basic: false,
  corsPreflight: false,
  caseSensitive: false,
  ignoreCase: false,
  rules: [],
  ...said,
});

const login = 'login.example.com';
const orders = 'orders.example.com';

const services = createServices(
  [
    service('orders', { host: orders }),
    service('reports', { host: orders, prefix: '/reports' }),
    service('yearly', { host: orders, prefix: '/reports/yearly', stripPrefix: true }),
    service('wiki', { prefix: '/wiki', stripPrefix: true }),
    service('shop', { host: 'shop.example.com', prefix: '/Shop', stripPrefix: true, ignoreCase: true }),
    service('odd', { host: 'odd.example.com:8443' }),
  ],
  'https://login.example.com',
);

const nameAt = (host: string, path: string, all: Services = services): string | undefined => {
  const placed = all.place(host, path);
  return placed?.service === undefined ? placed?.description : placed.service.name;
};

const readingsAt = (host: string, path: string): readonly string[] | undefined => {
  const placed = services.place(host, path);
  return placed?.service === undefined ? undefined : placed.readings;
};

describe('the service of a request', () => {
  it.each([
    [orders, '/', 'orders'],
    [orders, '/reports', 'reports'],
    [orders, '/reports/', 'reports'],
    [orders, '/reports/2026', 'reports'],
    [orders, '/reportsx', 'orders'],
    [orders, '/reports/yearly/1', 'yearly'],
    [orders, '/reports/yearlyx', 'reports'],
    [orders, '/%72eports', 'reports'],
    [login, '/wiki/a', 'wiki'],
    [login, '/', undefined],
    [login, '/oauth/acme/auth', undefined],
    ['shop.example.com', '/shop/a', 'shop'],
    ['shop.example.com', '/SHOP', 'shop'],
    ['shop.example.com', '/shopx', undefined],
    ['odd.example.com:8443', '/', 'odd'],
    ['odd.example.com', '/', undefined],
    ['other.example.com', '/', undefined],
    ['x.orders.example.com', '/', undefined],
    ['', '/', undefined],
  ])('at %s%s is %s', (host, path, name) => {
    expect(nameAt(host, path)).toBe(name);
    expect(services.find(host, path.replace('%72', 'r'))?.name).toBe(name);
  });

  it.each([
    [orders, '/reports/../x'],
    [orders, '/x/..%2freports'],
    [orders, '/reports;x'],
    [orders, '//reports'],
    [login, '/wiki/../oauth/acme/auth'],
    [login, '/oauth/..%2fwiki/x'],
    // a service that ignores letter case, behind both
    [orders, '/Reports/x'],
    [orders, '/REPORTS'],
    [orders, '/report%C5%BF/x'],
  ])('cannot be said where the path may be that of two: %s%s', (host, path) => {
    expect(nameAt(host, path)).toBe('The path can be read as that of different services.');
  });

  it('is the one with that letter case, where the service distinguishes it', () => {
    const host = 'a.example.com';
    const strict = createServices(
      [service('all', { host, caseSensitive: true }), service('some', { host, prefix: '/some' })],
      'https://login.example.com',
    );
    expect(nameAt(host, '/Some/x', strict)).toBe('all');
    expect(nameAt(host, '/some/X', strict)).toBe('some');
    expect(nameAt('shop.example.com', '/SHOP/x')).toBe('shop');
  });

  it('cannot be said of a path that cannot be judged', () => {
    expect(nameAt(orders, '/%00')).toBe('The path holds what cannot be judged.');
    expect(nameAt('other.example.com', '/%00')).toBeUndefined();
  });

  it('has every reading of the path', () => {
    expect(readingsAt(orders, '/a/..;/b')).toEqual(['/a/..;/b', '/b']);
  });

  it('sees the paths below its prefix where that is stripped', () => {
    expect(readingsAt(login, '/wiki/a%2fb')).toEqual(['/a%2Fb', '/a/b']);
    expect(readingsAt(login, '/wiki')).toEqual(['/']);
    expect(readingsAt('shop.example.com', '/SHOP/A')).toEqual(['/A']);
    expect(readingsAt(orders, '/reports/x')).toEqual(['/reports/x']);
  });
});

describe('what a service is asked for', () => {
  it.each([
    ['orders', '/a/', '?b=%2F&c', '/a/?b=%2F&c'],
    ['reports', '/reports/x', '', '/reports/x'],
    ['wiki', '/wiki/x%20y', '?q', '/x%20y?q'],
    ['wiki', '/wiki', '?q', '/?q'],
    ['shop', '/SHOP/a', '', '/a'],
  ])('is, at %s, of %s with %j: %s', (name, canonical, search, forwarded) => {
    const found = services.byName(name);
    if (found === undefined) throw new Error(`no service ${name}`);
    expect(forwardPath(found, canonical, search)).toBe(forwarded);
  });
});

describe('the path for a service', () => {
  const sentTo = (host: string, path: string) => {
    const placed = services.place(host, path);
    return placed?.service === undefined ? placed : forwardPath(placed.service, placed.asSent, '');
  };

  it.each([
    [orders, '/a//b', '/a//b'],
    [orders, '//a', '//a'],
    [orders, '/%7Ea/%c3%bc/%2f', '/%7Ea/%c3%bc/%2f'],
    [orders, '/a;x=1/./b', '/a;x=1/./b'],
    [login, '/wiki//x%2fy', '//x%2fy'],
    [login, '/%77iki/%2f', '/%2F'],
    ['shop.example.com', '/SHOP//a', '//a'],
  ])('is that of %s%s to the byte: %s', (host, path, sent) => {
    expect(sentTo(host, path)).toBe(sent);
  });

  it('is judged also as that behind a host, where the prefix is stripped', () => {
    expect(readingsAt(login, '/wiki//public/admin')).toContain('/admin');
  });
});

describe('services', () => {
  it('have hosts of their own beside the public one', () => {
    expect([...services.hosts].sort()).toEqual(['odd.example.com:8443', orders, 'shop.example.com']);
    expect(createServices([service('a', { host: login, prefix: '/a' })], `https://${login}`).hosts.size).toBe(
      0,
    );
  });

  it('are at origins with the scheme of the public URL', () => {
    const originAt = (all: Services, name: string) => {
      const found = all.byName(name);
      return found && all.originOf(found);
    };
    expect(originAt(services, 'wiki')).toBe('https://login.example.com');
    expect(originAt(services, 'odd')).toBe('https://odd.example.com:8443');
    const local = createServices([service('a', { host: 'a.localhost:3000' })], 'http://localhost:3000');
    expect(originAt(local, 'a')).toBe('http://a.localhost:3000');
  });

  it('are found by name, and only they', () => {
    expect(services.byName('wiki')?.name).toBe('wiki');
    expect(services.byName('toString')).toBeUndefined();
  });

  it.each([
    [orders, '/anything', true],
    [orders, '/%00', true],
    [orders, '/.drawbridge/callback', true],
    [login, '/wiki', true],
    [login, '/%77iki/x', true],
    [login, '/wiki/..%2foauth', true],
    [login, '/oauth/..%2fwiki', true],
    [login, '/wikix', false],
    [login, '/oauth/acme/auth', false],
    [login, '/%00', false],
    ['other.example.com', '/wiki', false],
  ])('have %s%s: %s', (host, path, isTheirs) => {
    expect(services.isServicePath(host, path)).toBe(isTheirs);
  });

  it('leave all of the public host to Drawbridge where none is on it', () => {
    const elsewhere = createServices([service('orders', { host: orders })], `https://${login}`);
    expect(elsewhere.isServicePath(login, '/wiki')).toBe(false);
    expect(nameAt(login, '/wiki', elsewhere)).toBeUndefined();
  });
});
