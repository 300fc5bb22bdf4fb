import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { GatewaySettings } from '../../src/config/gateway/gateway-definition.ts';
import { formatFault } from '../../src/config/parsing/fault.ts';
import {
  type LoadedServerSettings,
  loadServerSettings,
} from '../../src/config/server/load-server-settings.ts';

const secret = 's'.repeat(32);
let cwd = '';

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'drawbridge-gateway-')));
  mkdirSync(join(cwd, 'config'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const load = (text: string, env: Record<string, string> = {}): LoadedServerSettings => {
  writeFileSync(join(cwd, 'config/server.yaml'), text);
  return loadServerSettings({ env: { SECRET: secret, SHORT: 'short', ...env }, cwd, cores: 1 });
};

const face = 'server: { publicUrl: https://login.example.com }\n';

const define = (text: string, env?: Record<string, string>): GatewaySettings => {
  const loaded = load(face + text, env);
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.settings.gateway;
};

/** Without file, line and column. */
const faultsOf = (text: string, env?: Record<string, string>): readonly string[] => {
  const loaded = load(text.startsWith('server:') ? text : face + text, env);
  return 'faults' in loaded ? loaded.faults.map(({ path, message }) => `${path}: ${message}`) : [];
};

const inServices = (...services: readonly string[]): string =>
  `gateway:\n  services:\n${services.map((service) => `    - ${service}\n`).join('')}`;

const orders = (more = ''): string =>
  inServices(`{ name: orders, host: orders.example.com, tenants: [acme]${more === '' ? '' : `, ${more}`} }`);

/** Of the only service; paths begin at it. */
const serviceFaults = (more: string): readonly string[] =>
  faultsOf(orders(more)).map((fault) => fault.replace(/^gateway\.services\.0\.?/, ''));

const placeFaults = (place: string): readonly string[] =>
  faultsOf(inServices(`{ name: a, tenants: all, ${place} }`)).map((fault) =>
    fault.replace(/^gateway\.services\.0\.?/, ''),
  );

describe('gateway of the server', () => {
  it('needs nothing', () => {
    expect(define('')).toEqual({
      enabled: true,
      sessionIdle: 1800,
      sessionAbsolute: 43_200,
      basicCache: 0,
      services: [],
    });
  });

  it('reads what stands there', () => {
    const text =
      'gateway: { cookieDomain: example.com, sessionIdle: 5m, sessionAbsolute: 1h, basicCache: 60s, proxySecret: env:SECRET }\n';
    expect(define(text)).toEqual({
      enabled: true,
      cookieDomain: 'example.com',
      sessionIdle: 300,
      sessionAbsolute: 3600,
      basicCache: 60,
      proxySecret: secret,
      services: [],
    });
  });

  it.each([
    ['basicCache: 61s', 'gateway.basicCache: is too long; write at most 1m'],
    ['basicCache: -1s', expect.stringMatching(/^gateway\.basicCache: is not a duration/)],
    ['sessionIdle: 30s', 'gateway.sessionIdle: is too short; write at least 1m'],
    [
      'sessionIdle: 13h',
      'gateway.sessionIdle: is longer than sessionAbsolute, which ends every session; write at most that',
    ],
    ['enabled: 1', 'gateway.enabled: is a whole number; write true or false'],
    ['cookiedomain: x', 'gateway.cookiedomain: is not a known key; did you mean cookieDomain?'],
    ['services: {}', 'gateway.services: is a mapping; write a list (lines that begin with "- ")'],
  ])('is not { %s }', (text, message) => {
    expect(faultsOf(`gateway: { ${text} }\n`)).toEqual([message]);
  });

  it.each([
    'com',
    '.example.com',
    'Example.com',
    'localhost',
    '127.0.0.1',
    'https://example.com',
    'example.com.',
  ])('has no cookies for %s', (domain) => {
    expect(faultsOf(`gateway: { cookieDomain: ${domain} }\n`)).toEqual([
      'gateway.cookieDomain: is not a domain for cookies; write one with a dot in it, in small letters and without one in front, such as example.com',
    ]);
  });

  it.each([
    ['login.example.com', 'example.com', undefined],
    ['example.com', 'example.com', undefined],
    ['login.example.com', 'orders.example.com', 'login.example.com'],
    ['login.badexample.com', 'example.com', 'login.badexample.com'],
    ['login.example.org', 'example.com', 'login.example.org'],
    ['login.example.com:8443', 'example.com', undefined],
  ])('at %s with cookies for %s: stranger %s', (host, domain, stranger) => {
    const faults = faultsOf(
      `server: { publicUrl: "https://${host}" }\ngateway: { cookieDomain: ${domain} }\n`,
    );
    expect(faults).toEqual(
      stranger === undefined
        ? []
        : [expect.stringMatching(new RegExp(`^gateway.cookieDomain: is no parent of ${stranger}, `))],
    );
  });

  it('has cookies only for a domain above all services', () => {
    const services = (host: string) =>
      `gateway:\n  cookieDomain: example.com\n  services: [{ name: a, tenants: all, host: ${host} }]\n`;
    expect(faultsOf(services('a.example.com'))).toEqual([]);
    expect(faultsOf(services('a.example.org'))).toEqual([
      expect.stringMatching(/^gateway\.cookieDomain: is no parent of a\.example\.org, /),
    ]);
  });
});

describe('the secret of proxies', () => {
  const inFile = (text: string) => `gateway: { proxySecret: ${text} }\n`;

  it('is not written out in the file, but may stand in the environment', () => {
    expect(faultsOf(inFile(secret))).toEqual([
      'gateway.proxySecret: is a secret; write a reference to it, env:NAME or file:/path',
    ]);
    expect(define('', { DRAWBRIDGE_GATEWAY__PROXY_SECRET: secret }).proxySecret).toBe(secret);
  });

  it.each(['short', `${'s'.repeat(32)} x`, `${'s'.repeat(32)}ü`])(
    'is long, and fits a header: not %j',
    (value) => {
      expect(faultsOf(inFile('env:OTHER'), { OTHER: value })).toEqual([
        'gateway.proxySecret: is shorter than 32 characters, or holds some that a header cannot have; make one with: openssl rand -base64 32',
      ]);
    },
  );

  it('is not shown', () => {
    const shown = (text: string, env: Record<string, string>) => {
      const loaded = load(face + text, env);
      return 'effective' in loaded
        ? loaded.effective.find(({ name }) => name === 'gateway.proxySecret')?.value
        : loaded.faults;
    };
    expect(shown('', { DRAWBRIDGE_GATEWAY__PROXY_SECRET: secret })).toBe('(set)');
    expect(shown(inFile('env:SECRET'), {})).toBe('env:SECRET');
  });
});

describe('a gateway without authentication', () => {
  const enabledOf = (text: string, env: Record<string, string>) => {
    const loaded = load(text, env);
    return 'faults' in loaded ? loaded.faults.map(formatFault) : loaded.settings.gateway.enabled;
  };

  it('is asked for by a plain variable, which wins over the file', () => {
    expect(enabledOf('', { AUTH_ENABLED: 'false' })).toBe(false);
    expect(enabledOf('gateway: { enabled: false }\n', { AUTH_ENABLED: 'true' })).toBe(true);
    expect(enabledOf('gateway: { enabled: false }\n', { AUTH_ENABLED: '' })).toBe(false);
    expect(enabledOf('', { AUTH_ENABLED: 'false', DRAWBRIDGE_GATEWAY__ENABLED: 'false' })).toBe(false);
  });

  it('is a fault where two variables contradict each other, or one says neither', () => {
    expect(enabledOf('', { AUTH_ENABLED: 'false', DRAWBRIDGE_GATEWAY__ENABLED: 'true' })).toEqual([
      'environment AUTH_ENABLED: contradicts DRAWBRIDGE_GATEWAY__ENABLED, which says the same thing; unset one of them',
    ]);
    expect(enabledOf('', { AUTH_ENABLED: 'no' })).toEqual([
      'environment AUTH_ENABLED: is text; write true or false',
    ]);
  });

  it.each([
    ['{ publicUrl: https://login.example.com }', false],
    ['{ host: 0.0.0.0 }', false],
    ['{ host: 0.0.0.0, publicUrl: http://localhost:3000 }', false],
    ['{ host: 10.0.0.1 }', false],
    ['{ host: 127.0.0.1, publicUrl: http://localhost:3000 }', true],
    ['{ host: "::1", publicUrl: http://127.0.0.1:3000 }', true],
  ])('is for this machine alone: with %s, %s', (server, isFine) => {
    const words =
      'environment AUTH_ENABLED: is false, which lets everybody in as an anonymous user, but others than this machine can reach the server; write true, or for a first try server.host: 127.0.0.1 and a server.publicUrl such as http://localhost:3000';
    expect(enabledOf(`server: ${server}\n`, { AUTH_ENABLED: 'false' })).toEqual(isFine ? false : [words]);
    expect(enabledOf(`server: ${server}\n`, { AUTH_ENABLED: 'true' })).toBe(true);
  });
});

describe('a service', () => {
  it('needs a name, a place and its tenants', () => {
    expect(define(orders()).services).toEqual([
      {
        name: 'orders',
        host: 'orders.example.com',
        stripPrefix: false,
        tenants: ['acme'],
        audience: 'https://orders.example.com',
        resources: [],
        basic: false,
        corsPreflight: false,
        caseSensitive: false,
        ignoreCase: false,
        signingAlgorithm: 'EdDSA',
        rules: [],
      },
    ]);
    expect(faultsOf(inServices('{}'))).toEqual([
      expect.stringMatching(/^gateway\.services\.0\.name: is missing/),
      'gateway.services.0.tenants: is missing; write a list of ids of tenants, such as [acme], or all',
    ]);
    expect(faultsOf(inServices('{ name: a, tenants: all }'))).toEqual([
      'gateway.services.0.host: is missing; write a host, a prefix such as /orders, or both',
    ]);
  });

  it('ignores letter case, or does not', () => {
    const both = '{ name: a, host: a.example.com, tenants: all, caseSensitive: true, ignoreCase: true }';
    expect(faultsOf(inServices(both))).toEqual([
      'gateway.services.0.caseSensitive: contradicts ignoreCase: true; remove the one that is not true of the service',
    ]);
  });

  it('has all that it says', () => {
    const [service] = define(
      inServices(
        '{ name: a, host: a.example.com, prefix: /x, stripPrefix: true, tenants: all, audience: urn:a, resources: [https://api], basic: true, corsPreflight: true, ignoreCase: true, rules: [{ paths: [/a/**], methods: [GET], tenants: [acme], roles: [r], groups: [g], scopes: [s], audiences: [x], clients: [c], acr: [gold], amr: [otp], maxAge: 5m }, { access: deny }] }',
      ),
    ).services;
    expect(service).toEqual({
      name: 'a',
      host: 'a.example.com',
      prefix: '/x',
      signingAlgorithm: 'EdDSA',
      stripPrefix: true,
      tenants: 'all',
      audience: 'urn:a',
      resources: ['https://api'],
      basic: true,
      corsPreflight: true,
      caseSensitive: false,
      ignoreCase: true,
      rules: [
        {
          paths: ['/a/**'],
          methods: ['GET'],
          tenants: ['acme'],
          roles: ['r'],
          groups: ['g'],
          scopes: ['s'],
          audiences: ['x'],
          clients: ['c'],
          access: 'allow',
          acr: ['gold'],
          amr: ['otp'],
          maxAge: 300,
        },
        { access: 'deny' },
      ],
    });
    expect(Object.isFrozen(service?.rules[0]?.paths)).toBe(true);
  });

  it('has its address as audience', () => {
    const audienceOf = (place: string) =>
      define(inServices(`{ name: a, tenants: all, ${place} }`)).services[0]?.audience;
    expect(audienceOf('prefix: /wiki')).toBe('https://login.example.com/wiki');
    expect(audienceOf('host: "a.example.com:8443", prefix: /x')).toBe('https://a.example.com:8443/x');
  });

  it('is at a host without the port that goes without saying', () => {
    expect(
      define(inServices('{ name: a, tenants: all, host: "a.example.com:443" }')).services[0],
    ).toMatchObject({ host: 'a.example.com', audience: 'https://a.example.com' });
  });

  it('has a name of its own', () => {
    const services = inServices(
      '{ name: a, tenants: all, prefix: /a }',
      '{ name: a, tenants: all, prefix: /b }',
    );
    expect(faultsOf(services)).toEqual([
      'gateway.services.1.name: was given above; choose another, or remove one of the two',
    ]);
    for (const name of ['A', 'a_b', '-a', 'a--b', ''])
      expect(faultsOf(inServices(`{ name: "${name}", tenants: all, prefix: /a }`))).toEqual([
        'gateway.services.0.name: is not a name; write small letters and digits with hyphens between, such as order-desk',
      ]);
    expect(faultsOf(inServices('{ name: constructor, tenants: all, prefix: /a }'))).toEqual([
      "gateway.services.0.name: is a word of JavaScript's objects; choose another name",
    ]);
  });

  it.each([
    ['prefix: /a', 'prefix: /a', 'prefix'],
    ['prefix: /a', 'prefix: /A', 'prefix'],
    ['prefix: /a', 'host: login.example.com, prefix: /a', 'prefix'],
    ['host: a.example.com', 'host: "a.example.com:443"', 'host'],
    ['prefix: /a', 'prefix: /a/b', undefined],
    ['prefix: /a', 'host: a.example.com, prefix: /a', undefined],
  ])('has a place of its own: %s and %s', (one, other, key) => {
    const faults = faultsOf(
      inServices(`{ name: a, tenants: all, ${one} }`, `{ name: b, tenants: all, ${other} }`),
    );
    expect(faults).toEqual(
      key === undefined
        ? []
        : [`gateway.services.1.${key}: leads to a service above; write another host or prefix`],
    );
  });

  it.each(['A.example.com', 'https://a.example.com', 'a.example.com/', 'a b', '*.example.com', 'a..b:x', ''])(
    'has no host %j',
    (host) => {
      expect(placeFaults(`host: "${host}"`)).toEqual([
        'host: is not a host; write it as browsers show it, in small letters, without https:// and path',
      ]);
    },
  );

  it.each(['a', '/', '/a/', '//a', '/a//b', '/a/../b', '/.', '/a b', '/a%20b', '/a;b', '/a*', '/ü', '/a?b'])(
    'has no prefix %j',
    (prefix) => {
      expect(placeFaults(`prefix: "${prefix}"`)).toEqual([
        expect.stringMatching(/^prefix: is not a prefix; /),
      ]);
    },
  );

  it('may be /api, beside the addresses at which proxies ask', () => {
    for (const prefix of ['/api', '/api/orders', '/api/authzs'])
      expect(placeFaults(`prefix: ${prefix}`)).toEqual([]);
  });

  it('is not all of the host of Drawbridge', () => {
    for (const host of ['login.example.com', 'login.example.com:443'])
      expect(placeFaults(`host: "${host}"`)).toEqual([
        'host: is the host of Drawbridge itself; write another, or a prefix as well, such as /orders',
      ]);
    expect(placeFaults('host: login.example.com, prefix: /orders')).toEqual([]);
  });

  it.each([
    ['/oauth', '/oauth'],
    ['/oauth/acme', '/oauth'],
    ['/OAuth', '/oauth'],
    ['/api/authz', '/api/authz'],
    ['/api/authz/acme', '/api/authz'],
    ['/assets', '/assets'],
    ['/healthz', '/healthz'],
    ['/readyz', '/readyz'],
    ['/tenant/x', '/tenant'],
    ['/auth', '/auth'],
    ['/.well-known/x', '/.well-known'],
    ['/.drawbridge', '/.drawbridge'],
    ['/gateway', '/gateway'],
  ])('does not take paths of Drawbridge: %s', (prefix, own) => {
    const words = `prefix: is, or lies below, ${own}, which is Drawbridge's own; write another prefix`;
    expect(placeFaults(`prefix: ${prefix}`)).toEqual([words]);
    expect(placeFaults(`host: login.example.com, prefix: ${prefix}`)).toEqual([words]);
    expect(placeFaults(`host: a.example.com, prefix: ${prefix}`)).toEqual(
      own === '/.drawbridge' ? [words] : [],
    );
  });

  it('takes paths that only begin like those', () => {
    for (const prefix of ['/oauthx', '/apis', '/authors', '/tenants'])
      expect(placeFaults(`prefix: ${prefix}`)).toEqual([]);
  });

  it('strips no prefix that it does not have', () => {
    expect(serviceFaults('stripPrefix: true')).toEqual([
      'stripPrefix: is of no use without a prefix; remove it, or write one',
    ]);
  });

  it.each([
    ['[]', 'tenants: is empty; write ids of tenants, or all'],
    ['', 'tenants: is missing; write a list of ids of tenants, such as [acme], or all'],
    ['some', 'tenants: is no list; write a list of ids of tenants, such as [acme], or all'],
    ['[Acme]', 'tenants.0: is not the id of a tenant; write the name of its file without .yaml'],
  ])('is not for tenants: %s', (tenants, message) => {
    expect(faultsOf(inServices(`{ name: a, prefix: /a, tenants: ${tenants} }`))).toEqual([
      `gateway.services.0.${message}`,
    ]);
  });

  it('is a fault at the line and column where it stands', () => {
    const text = `${face}gateway:
  services:
    - name: orders
      host: orders.example.com
      tenants: [acme]
      target:
        url: http://127.0.0.1:8080
        authorization: { bearer: env:NOBODY }
      rules:
        - paths: [/a]
        - access: anyone
          roles: [admin]
`;
    const loaded = load(text);
    expect('faults' in loaded ? loaded.faults.map(formatFault) : []).toEqual([
      'config/server.yaml:9:34 gateway.services.0.target.authorization.bearer: refers to the environment variable NOBODY, which is not set; set it, or write another reference',
      'config/server.yaml:13:11 gateway.services.0.rules.1.roles: asks who it is, but the rule lets anyone through unasked; remove roles, or write access: allow',
    ]);
  });
});

describe('services in the environment', () => {
  const variable = 'DRAWBRIDGE_GATEWAY__SERVICES';

  it('are JSON, and win over the file', () => {
    const services = define(orders(), {
      [variable]: '[{"name":"wiki","prefix":"/wiki","tenants":["acme"],"target":"http://127.0.0.1:1"}]',
    }).services;
    expect(services).toMatchObject([{ name: 'wiki', target: { url: 'http://127.0.0.1:1' } }]);
  });

  it.each([
    ['orders', `${variable}: is not JSON; write [{"name": …, …}]`],
    ['{}', `${variable}: is a mapping; write a list (lines that begin with "- ")`],
    [
      '[{"name":"a","prefix":"/a","tenants":"all","target":{"url":"x"}}]',
      expect.stringMatching(`^${variable}.0.target.url: is not the address of a service; `),
    ],
    [
      '[{"name":"a","prefix":"/oauth","tenants":"all"}]',
      `${variable}.0.prefix: is, or lies below, /oauth, which is Drawbridge's own; write another prefix`,
    ],
    [
      '[{"name":"a","prefix":"/a","tenants":"all","__proto__":{"basic":true}}]',
      expect.stringMatching(`^${variable}.0.__proto__: is not a known key`),
    ],
  ])('are not %s', (text, message) => {
    expect(faultsOf('', { [variable]: text })).toEqual([message]);
  });
});
