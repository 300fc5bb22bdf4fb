import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { formatFault } from '../../src/config/parsing/fault.ts';
import {
  type LoadedServerSettings,
  loadServerSettings,
} from '../../src/config/server/load-server-settings.ts';

let cwd = '';

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'drawbridge-services-')));
  mkdirSync(join(cwd, 'config'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const load = (more: string): LoadedServerSettings => {
  const text = `server: { publicUrl: https://login.example.com, port: 4000 }
gateway:
  services:
    - { name: orders, host: orders.example.com, tenants: [acme], ${more} }
`;
  writeFileSync(join(cwd, 'config/server.yaml'), text);
  return loadServerSettings({ env: { BEARER: 'a-bearer' }, cwd, cores: 1 });
};

const define = (more: string): ServiceDefinition => {
  const loaded = load(more);
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'));
  const [service] = loaded.settings.gateway.services;
  if (service === undefined) throw new Error('there is no service');
  return service;
};

/** Paths begin at the service. */
const faultsOf = (more: string): readonly string[] => {
  const loaded = load(more);
  return 'faults' in loaded
    ? loaded.faults.map(({ path, message }) => `${path}: ${message}`.replace(/^gateway\.services\.0\./, ''))
    : [];
};

const url = 'http://127.0.0.1:8080';

describe('what a service gets to know of the caller', () => {
  it('is everything within a size, or what it names', () => {
    expect(define('basic: false').identity).toBeUndefined();
    expect(define('identity: {}').identity).toEqual({ maxBytes: 8192 });
    expect(
      define('identity: { headers: [Remote-User, Remote-Groups], groups: [orders-*], maxBytes: 4096 }')
        .identity,
    ).toEqual({ headers: ['Remote-User', 'Remote-Groups'], groups: ['orders-*'], maxBytes: 4096 });
  });

  it.each([
    ['headers: [X-User]', /^identity\.headers\.0: /],
    ['headers: []', /^identity\.headers: /],
    ['maxBytes: 100', /^identity\.maxBytes: /],
    ['group: [a]', /^identity\.group: /],
  ])('cannot be %s', (said, fault) => {
    expect(faultsOf(`identity: { ${said} }`)).toEqual([expect.stringMatching(fault)]);
  });
});

describe('the target of a service', () => {
  it('is an address, and the rest goes without saying', () => {
    const target = {
      url,
      connectTimeoutMs: 5000,
      timeoutMs: 60_000,
      idleTimeoutMs: 600_000,
      hostHeader: 'public',
      authorization: 'none',
    };
    expect(define(`target: "${url}"`).target).toEqual(target);
    expect(define(`target: { url: "${url}" }`).target).toEqual(target);
    expect(define('basic: false').target).toBeUndefined();
  });

  it('has all that it says', () => {
    const text =
      'target: { url: "https://orders.internal/base/v1", connectTimeout: 1s, timeout: 2m, idleTimeout: 1h, hostHeader: target, authorization: token, health: { path: /up, interval: 30s }, tls: { serverName: orders } }';
    expect(define(text).target).toEqual({
      url: 'https://orders.internal/base/v1',
      connectTimeoutMs: 1000,
      timeoutMs: 120_000,
      idleTimeoutMs: 3_600_000,
      hostHeader: 'target',
      authorization: 'token',
      health: { path: '/up', intervalMs: 30_000 },
      tls: { serverName: 'orders' },
    });
  });

  it('may be asked for its health by a path alone', () => {
    expect(define(`target: { url: "${url}", health: /healthz?deep }`).target?.health).toEqual({
      path: '/healthz?deep',
      intervalMs: 10_000,
    });
    expect(faultsOf(`target: { url: "${url}", health: healthz }`)).toEqual([
      expect.stringMatching(/^target\.health: is not /),
    ]);
  });

  it('is given a bearer token by reference only', () => {
    expect(define(`target: { url: "${url}", authorization: { bearer: env:BEARER } }`).target).toMatchObject({
      authorization: { bearer: 'a-bearer' },
    });
    expect(faultsOf(`target: { url: "${url}", authorization: { bearer: a-bearer } }`)).toEqual([
      expect.stringMatching(/^target\.authorization\.bearer: is written out; write a reference, /),
    ]);
    expect(faultsOf(`target: { url: "${url}", authorization: basic }`)).toEqual([
      'target.authorization: is not right; write none, token, or bearer: env:NAME',
    ]);
  });

  it.each([
    '127.0.0.1:8080',
    'ftp://a',
    'http://',
    'http://a/',
    'http://a/b/',
    'http://a/../b',
    'http://a/%2e%2e/b',
    'http://a?b',
    'http://a#b',
    'http://u:p@a',
    'http://a b',
    'http://a\\b',
    '',
  ])('is not %j', (target) => {
    const words = expect.stringMatching(
      /^target(?:\.url)?: is (?:not the address of a service|missing); write /,
    );
    expect(faultsOf(`target: '${target}'`)).toEqual([words]);
    expect(faultsOf(`target: { url: '${target}' }`)).toEqual([words]);
  });

  it.each([
    'https://login.example.com',
    'http://127.0.0.1:4000',
    'http://localhost:4000/x',
    'http://[::1]:4000',
  ])('is not Drawbridge itself: %s', (target) => {
    expect(faultsOf(`target: "${target}"`)).toEqual([
      'target: is Drawbridge itself, and requests would go in circles; write the service',
    ]);
    expect(faultsOf(`target: { url: "${target}" }`)).toEqual([
      expect.stringMatching(/^target\.url: is Drawbridge itself, /),
    ]);
  });

  it('may be at another port of this machine, and the same port elsewhere', () => {
    for (const target of ['http://127.0.0.1:4001', 'http://10.0.0.1:4000', 'https://localhost:4000'])
      expect(faultsOf(`target: "${target}"`)).toEqual([]);
  });

  it('has certificates that are read and checked', () => {
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', [...make, '-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=a'], {
      cwd,
      stdio: 'ignore',
    });
    const tls = (said: string) => `target: { url: "https://orders.internal", tls: { ${said} } }`;
    const files = `cert: "file:${cwd}/cert.pem", key: "file:${cwd}/key.pem", ca: "file:${cwd}/cert.pem"`;
    expect(define(tls(files)).target?.tls).toEqual({
      ca: expect.stringContaining('BEGIN CERTIFICATE'),
      cert: expect.stringContaining('BEGIN CERTIFICATE'),
      key: expect.stringContaining('PRIVATE KEY'),
    });
    expect(faultsOf(tls(`cert: "file:${cwd}/cert.pem"`))).toEqual([
      'target.tls.key: is missing; a certificate needs its private key, as file:/path',
    ]);
    expect(faultsOf(tls('ca: file:/nowhere'))).toEqual([
      expect.stringMatching(/^target\.tls\.ca: refers to the file \/nowhere, which cannot be read /),
    ]);
    expect(faultsOf(`target: { url: "${url}", tls: { serverName: a } }`)).toEqual([
      'target.tls: is of no use with http; write https:// in url, or remove it',
    ]);
  });
});

describe('a rule of a service', () => {
  it('may say nothing', () => {
    expect(define('rules: [{}]').rules).toEqual([{ access: 'allow' }]);
  });

  it.each([
    '/',
    '/a',
    '/a/',
    '/a/*',
    '/a/**',
    '/**',
    '/*/a/*',
    '/a%20b',
    '/%C3%BC',
    '/a%2Fb',
    "/a:@!$&'()+,=~_.-",
  ])('has the path %s', (path) => {
    expect(define(`rules: [{ paths: ["${path}"] }]`).rules[0]?.paths).toEqual([path]);
  });

  it.each([
    '',
    'a',
    '*',
    '//a',
    '/a//b',
    '/a/../b',
    '/./a',
    '/a/..',
    '/**/a',
    '/a*',
    '/a**',
    '/***',
    '/a?b',
    '/a#b',
    '/a;b',
    '/a b',
    '/ü',
    '/%61',
    '/%2e%2e',
    '/%c3%bc',
    '/%C3',
    '/%',
    '/%00',
    '/%5C',
  ])('has no path %j', (path) => {
    expect(faultsOf(`rules: [{ paths: ["${path}"] }]`)).toEqual([
      expect.stringMatching(/^rules\.0\.paths\.0: is not a path of a rule; write \/exact, /),
    ]);
  });

  it.each([
    ['methods: [get]', 'rules.0.methods.0: is not a method; write it in capital letters, such as GET'],
    ['roles: []', 'rules.0.roles: is empty; write at least one, or remove the line'],
    ['paths: []', 'rules.0.paths: is empty; write at least one, or remove the line'],
    ['amr: []', 'rules.0.amr: is empty; write at least one, or remove the line'],
    ['role: [a]', 'rules.0.role: is not a known key; did you mean roles?'],
    ['access: block', 'rules.0.access: is not one of the known values; write allow or anyone or deny'],
    ['maxAge: 0', 'rules.0.maxAge: is too short; write at least 1s'],
    [
      'tenants: [other]',
      'rules.0.tenants.0: is no tenant of this service; add it to the tenants of the service, or remove it',
    ],
    [
      'tenants: [A]',
      'rules.0.tenants.0: is not the id of a tenant; write the name of its file without .yaml',
    ],
  ])('is not { %s }', (text, message) => {
    expect(faultsOf(`rules: [{ ${text} }]`)).toEqual([message]);
  });

  it('has no rule below one that decides everything', () => {
    const last = '{ access: allow, maxAge: 1h }';
    expect(faultsOf(`rules: [{ roles: [a] }, ${last}]`)).toEqual([]);
    expect(faultsOf(`rules: [{ roles: [a] }, ${last}, { access: deny }, { paths: ["/x"] }]`)).toEqual([
      expect.stringMatching(/^rules\.2: is never asked, /),
      expect.stringMatching(/^rules\.3: is never asked, /),
    ]);
  });

  it('has no path with a prefix that was stripped', () => {
    const rules = 'rules: [{ paths: ["/wiki/admin/**", /wiki, /wikis, "/a/wiki"] }]';
    expect(faultsOf(`prefix: /wiki, stripPrefix: true, ${rules}`)).toEqual([
      expect.stringMatching(/^rules\.0\.paths\.0: begins with the prefix, .*; write \/admin\/\*\*$/),
      expect.stringMatching(/^rules\.0\.paths\.1: begins with the prefix, .*; write \/$/),
    ]);
    expect(faultsOf(`prefix: /wiki, ${rules}`)).toEqual([]);
  });

  it.each(['acr: [gold]', 'amr: [otp]', 'maxAge: 1h'])(
    'asks for no sign-in that it has no use for: %s',
    (text) => {
      const [key] = text.split(':');
      for (const access of ['deny', 'anyone'])
        expect(faultsOf(`rules: [{ access: ${access}, ${text} }]`)).toEqual([
          `rules.0.${key}: asks for a sign-in, but the rule says access: ${access}; remove ${key}, or write access: allow`,
        ]);
      expect(faultsOf(`rules: [{ ${text} }]`)).toEqual([]);
    },
  );

  it.each(['tenants', 'roles', 'groups', 'scopes', 'audiences', 'clients'])(
    'does not ask who it is when anyone may: %s',
    (key) => {
      expect(faultsOf(`rules: [{ access: anyone, ${key}: [acme] }]`)).toEqual([
        `rules.0.${key}: asks who it is, but the rule lets anyone through unasked; remove ${key}, or write access: allow`,
      ]);
      for (const access of ['allow', 'deny'])
        expect(faultsOf(`rules: [{ access: ${access}, ${key}: [acme] }]`)).toEqual([]);
    },
  );
});
