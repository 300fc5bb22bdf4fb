import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatFault } from '../../src/config/parsing/fault.ts';
import {
  type LoadedServerSettings,
  loadServerSettings,
} from '../../src/config/server/load-server-settings.ts';

const key = 'k'.repeat(32);
let cwd = '';

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'drawbridge-settings-')));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const put = (path: string, text: string): string => {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), text);
  return join(cwd, path);
};

const load = (
  env: Record<string, string> = {},
  rest: { file?: string; flags?: Record<string, string> } = {},
): LoadedServerSettings => loadServerSettings({ env, cwd, cores: 6, ...rest });

const good = (loaded: LoadedServerSettings) => {
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded;
};
const faultLines = (loaded: LoadedServerSettings): readonly string[] =>
  'faults' in loaded ? loaded.faults.map(formatFault) : [];

describe('loadServerSettings of mail', () => {
  const mail = (env: Record<string, string>) =>
    load(Object.fromEntries(Object.entries(env).map(([name, text]) => [`DRAWBRIDGE_MAIL__${name}`, text])));

  it('has a mail server when its host is written', () => {
    put(
      'config/server.yaml',
      'mail: { host: smtp.example.com, from: a@example.com, user: me, password: env:P }',
    );
    const { settings, effective } = good(load({ P: 'secret of mail' }));
    expect(settings.mail).toEqual({
      host: 'smtp.example.com',
      port: 587,
      tls: 'starttls',
      user: 'me',
      password: 'secret of mail',
      from: 'a@example.com',
      connections: 2,
      timeoutMs: 10_000,
    });
    expect(JSON.stringify(effective)).not.toContain('secret of mail');
  });

  it.each([
    [{ HOST: 'smtp.example.com' }, 'environment: mail.from'],
    [{ HOST: 'smtp.example.com', FROM: 'a@example.com', TLS: 'none' }, 'the network in the clear'],
    [{ HOST: 'smtp.example.com', FROM: 'a@example.com', USER: 'me' }, 'a user needs it'],
    [{ HOST: 'smtp.example.com', FROM: 'a@example.com', PASSWORD: 'x' }, 'a password needs it'],
    [{ HOST: 'smtp.example.com', FROM: 'a@example.com', USER: 'm\ne', PASSWORD: 'x' }, 'control character'],
    [{ HOST: 'smtp.example.com', FROM: 'a@example.com', CA: 'file:/never' }, 'cannot be read'],
    [
      { HOST: 'smtp.example.com', FROM: 'a@example.com\r\nBcc: b@example.com' },
      'is not one plain e-mail address',
    ],
    [{ HOST: 'smtp://example.com', FROM: 'a@example.com' }, 'without scheme or port'],
    [{ FROM: 'a@example.com' }, 'mail.from is set'],
  ])('refuses %j', (env, words) => {
    const lines = faultLines(mail(env as Record<string, string>));
    expect(lines).toHaveLength(1);
    if (!words.startsWith('environment')) expect(lines[0]).toContain(words);
  });

  it('lets a mail server on this machine have no TLS', () => {
    const env = { HOST: '127.0.0.1', FROM: 'a@example.com', TLS: 'none' };
    expect(good(mail(env)).settings.mail).toMatchObject({ tls: 'none', port: 25 });
  });

  it('refuses a password that is written out in the file', () => {
    put(
      'config/server.yaml',
      'mail: { host: smtp.example.com, from: a@example.com, user: me, password: secret }',
    );
    expect(faultLines(load())[0]).toMatch(/is a secret; write a reference/);
    expect(faultLines(load())[0]).not.toContain(': secret ');
  });
});

describe('loadServerSettings of administration', () => {
  const administration = (env: Record<string, string>) =>
    load(
      Object.fromEntries(
        Object.entries(env).map(([name, text]) => [`DRAWBRIDGE_ADMINISTRATION__${name}`, text]),
      ),
    );

  it('names the operators, by sub, role and group', () => {
    expect(
      good(administration({ TENANT: 'operations', OPERATORS: 'a,b', OPERATOR_ROLES: 'root', MAX_AGE: '1h' }))
        .settings.administration,
    ).toEqual({
      tenant: 'operations',
      operators: { subs: ['a', 'b'], roles: ['root'], groups: [] },
      secondFactor: true,
      maxAgeSeconds: 3600,
    });
  });

  it.each([
    [{ TENANT: 'operations' }, 'TENANT: is of no use while nobody is an operator'],
    [{ OPERATOR_ROLES: 'root' }, 'OPERATOR_ROLES: is of no use without administration.tenant'],
    [{ TENANT: 'Operations', OPERATORS: 'a' }, 'TENANT: is not the id of a tenant'],
  ])('says what is missing: %j', (env, words) => {
    expect(faultLines(administration(env)).join('\n')).toContain(`DRAWBRIDGE_ADMINISTRATION__${words}`);
  });
});

describe('loadServerSettings', () => {
  it('needs nothing: no file, no environment', () => {
    const { settings, warnings } = good(load());
    expect(warnings).toEqual([]);
    expect(settings).toEqual({
      server: {
        publicUrl: 'http://localhost:3000',
        host: '127.0.0.1',
        port: 3000,
        workers: 1,
        trustedProxies: [],
        tlsTerminatedByProxy: false,
        hstsIncludeSubDomains: false,
        drainDelayMs: 5000,
        drainTimeoutMs: 20_000,
      },
      storage: { url: `file:${join(cwd, 'data')}` },
      tenants: { directory: join(cwd, 'tenants'), warmLimit: 200, rescanMs: 30_000, polling: false },
      passwords: { memoryKiB: 19_456, iterations: 2, parallelism: 1, concurrency: 4, queueLimit: 64 },
      log: { level: 'info' },
      management: { port: 0, host: '127.0.0.1', tenantLabels: 100 },
      administration: {
        operators: { subs: [], roles: [], groups: [] },
        secondFactor: true,
        maxAgeSeconds: 43_200,
      },
      gateway: { enabled: true, sessionIdle: 1800, sessionAbsolute: 43_200, basicCache: 0, services: [] },
    });
  });

  it('lets a flag win over the environment, that over the file, and that over the default', () => {
    put('config/server.yaml', 'server:\n  port: 4001\nlog:\n  level: warn\npasswords:\n  iterations: 3\n');
    const { settings } = good(
      load(
        { DRAWBRIDGE_SERVER__PORT: '4002', DRAWBRIDGE_LOG__LEVEL: 'debug' },
        { flags: { 'server.port': '4003' } },
      ),
    );
    expect(settings.server.port).toBe(4003);
    expect(settings.server.publicUrl).toBe('http://localhost:4003');
    expect(settings.log.level).toBe('debug');
    expect(settings.passwords.iterations).toBe(3);
    expect(settings.passwords.parallelism).toBe(1);
  });

  it('does not read a variable that a flag overrides', () => {
    const env = { DRAWBRIDGE_SERVER__PORT: 'many' };
    expect(faultLines(load(env))).toHaveLength(1);
    expect(good(load(env, { flags: { 'server.port': '4003' } })).settings.server.port).toBe(4003);
  });

  it('collects the faults of flags, environment and file, each with its place', () => {
    put('config/server.yaml', 'server:\n  port: 4001\n  sport: 1\n');
    const loaded = load(
      { DRAWBRIDGE_LOG__LEVEL: 'loud' },
      { flags: { 'server.sport': '1', 'server.port': 'many' } },
    );
    expect(faultLines(loaded).map((line) => line.replace(/: [^:]*$/, ''))).toEqual([
      'command line server.sport',
      expect.stringMatching(/^config\/server\.yaml:3:3 server/),
      'command line server.port',
      'environment DRAWBRIDGE_LOG__LEVEL',
    ]);
  });

  it('reads every kind of value from the environment', () => {
    const { settings } = good(
      load({
        DRAWBRIDGE_SERVER__PUBLIC_URL: 'https://login.example.com',
        DRAWBRIDGE_SERVER__WORKERS: 'auto',
        DRAWBRIDGE_SERVER__TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8,192.0.2.7',
        DRAWBRIDGE_SERVER__TLS_TERMINATED_BY_PROXY: 'true',
        DRAWBRIDGE_SERVER__DRAIN_DELAY: '0',
        DRAWBRIDGE_SERVER__DRAIN_TIMEOUT: '1m',
        DRAWBRIDGE_PASSWORDS__MEMORY: '64MiB',
        DRAWBRIDGE_TENANTS__DIRECTORY: 'elsewhere',
        DRAWBRIDGE_TENANTS__POLLING: 'true',
        DRAWBRIDGE_STORAGE__URL: 'mongodb://u:p@db/x',
        DRAWBRIDGE_SERVER__SECRET_KEY: key,
      }),
    );
    expect(settings.server).toMatchObject({
      publicUrl: 'https://login.example.com',
      workers: 6,
      trustedProxies: ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'],
      tlsTerminatedByProxy: true,
      drainDelayMs: 0,
      drainTimeoutMs: 60_000,
      secretKey: key,
    });
    expect(settings.passwords.memoryKiB).toBe(65_536);
    expect(settings.tenants).toMatchObject({ directory: join(cwd, 'elsewhere'), polling: true });
    expect(settings.storage.url).toBe('mongodb://u:p@db/x');
  });

  it.each([
    ['[]', []],
    ['["127.0.0.1"]', ['127.0.0.1']],
    [' [ "10.0.0.0/8", "fd00::/8" ] ', ['10.0.0.0/8', 'fd00::/8']],
    ['127.0.0.1', ['127.0.0.1']],
    ['10.0.0.0/8,,', ['10.0.0.0/8']],
  ])('reads the list %s, as JSON or with commas', (text, list) => {
    const { settings } = good(load({ DRAWBRIDGE_SERVER__TRUSTED_PROXIES: text }));
    expect(settings.server.trustedProxies).toEqual(list);
  });

  it.each(['["127.0.0.1"', '[1]', '{}', '"127.0.0.1"', '["proxy.example"]'])(
    'refuses the list %s',
    (text) => {
      expect(faultLines(load({ DRAWBRIDGE_SERVER__TRUSTED_PROXIES: text }))).toEqual([
        expect.stringMatching(/^environment DRAWBRIDGE_SERVER__TRUSTED_PROXIES(\.0)?: is (not|a)/),
      ]);
    },
  );

  it('takes any setting from a file that …_FILE names, without its line end', () => {
    const keyFile = put('run/key', `${key}\n`);
    const { settings } = good(
      load({
        DRAWBRIDGE_SERVER__SECRET_KEY_FILE: keyFile,
        DRAWBRIDGE_SERVER__PORT_FILE: put('run/port', '4004\n'),
      }),
    );
    expect(settings.server).toMatchObject({ secretKey: key, port: 4004 });
  });

  it('refuses a variable and its …_FILE together, and a file that is not there', () => {
    expect(
      faultLines(
        load({
          DRAWBRIDGE_LOG__LEVEL: 'info',
          DRAWBRIDGE_LOG__LEVEL_FILE: '/nowhere',
          DRAWBRIDGE_SERVER__SECRET_KEY_FILE: '/nowhere',
        }),
      ),
    ).toEqual([
      'environment DRAWBRIDGE_SERVER__SECRET_KEY_FILE: refers to the file /nowhere, which cannot be read (ENOENT); create it or change its rights',
      'environment DRAWBRIDGE_LOG__LEVEL_FILE: is set together with DRAWBRIDGE_LOG__LEVEL; unset one of them',
    ]);
  });

  it('wants certificate and key of TLS together, by file, with a public URL of https', () => {
    put('config/server.yaml', 'tls:\n  cert: file:/etc/tls.pem\n');
    expect(faultLines(load({}))).toEqual([
      'config/server.yaml tls.key: is missing; write the key of tls.cert, file:/path',
    ]);
    put('config/server.yaml', 'tls:\n  cert: file:/etc/tls.pem\n  key: secret\n');
    expect(faultLines(load({}))).toEqual([
      'config/server.yaml:3:8 tls.key: is not the name of a file; write file:/absolute/path',
    ]);
    put('config/server.yaml', 'tls:\n  cert: file:/etc/tls.pem\n  key: file:/etc/tls.key\n');
    expect(faultLines(load({}))).toEqual([
      'config/server.yaml server.publicUrl: is not https, but this server speaks TLS itself (tls.cert); write https:// and a host that the certificate is for',
    ]);
    const { settings } = good(load({ DRAWBRIDGE_SERVER__PUBLIC_URL: 'https://id.example.com' }));
    expect(settings.tls).toEqual({ certFile: '/etc/tls.pem', keyFile: '/etc/tls.key' });
  });

  it('counts empty as unset', () => {
    put('config/server.yaml', 'server:\n  port: 4001\nlog:\n');
    const { settings, warnings } = good(
      load({ DRAWBRIDGE_SERVER__PORT: '', DRAWBRIDGE_CONFIG: '', DRAWBRIDGE_NONSENSE: '' }),
    );
    expect(settings.server.port).toBe(4001);
    expect(warnings).toEqual([]);
  });

  it('warns of variables of other software that nothing reads, with what replaces them', () => {
    const folder = dirname(
      put('elsewhere/acme.yaml', 'sources: [{ clientSecret: "env:AUTH_CLIENT_SECRET" }]\n'),
    );
    const { warnings } = good(
      load({
        AUTH_ENABLED: 'true',
        AUTH_BASEURL: 'https://id.example.com',
        AUTH_API_CLIENT_ID: 'x',
        AUTH_CLIENT_SECRET: 'used by a tenant',
        AUTH_SECRET: 'x',
        AUTH_ELEPHANT: 'x',
        AUTH_EMPTY: '',
        DRAWBRIDGE_TENANTS__DIRECTORY: folder,
      }),
    );
    expect(warnings).toEqual([
      "AUTH_API_CLIENT_ID is not read by anything; in its place there is clientId of a source in the tenant's file (docs/federation.md)",
      "AUTH_BASEURL is not read by anything; in its place there is issuer of a source in the tenant's file (docs/federation.md)",
      'AUTH_ELEPHANT is not read by anything; of the variables that begin with AUTH_, Drawbridge reads AUTH_ENABLED alone',
      'AUTH_SECRET is not read by anything; in its place there is DRAWBRIDGE_SERVER__SECRET_KEY',
    ]);
  });

  it('warns of unknown names, with the nearest known one', () => {
    const { warnings } = good(
      load({ DRAWBRIDGE_SERVER_PUBLICURL: 'x', DRAWBRIDGE_ELEPHANT: 'x', PATH: '/bin' }),
    );
    expect(warnings).toEqual([
      'DRAWBRIDGE_ELEPHANT is not a setting and is ignored',
      'DRAWBRIDGE_SERVER_PUBLICURL is not a setting and is ignored; did you mean DRAWBRIDGE_SERVER__PUBLIC_URL?',
    ]);
  });

  it('ignores what Kubernetes puts in for a service named drawbridge', () => {
    const { settings, warnings } = good(
      load({
        DRAWBRIDGE_SERVER__PORT: 'tcp://10.1.2.3:3000',
        DRAWBRIDGE_PORT: 'tcp://10.1.2.3:3000',
        DRAWBRIDGE_PORT_3000_TCP_ADDR: '10.1.2.3',
        DRAWBRIDGE_SERVICE_HOST: '10.1.2.3',
        DRAWBRIDGE_SERVICE_PORT_HTTP: '3000',
      }),
    );
    expect(settings.server.port).toBe(3000);
    expect(warnings).toEqual([expect.stringContaining('DRAWBRIDGE_SERVER__PORT holds a tcp:// address')]);
  });

  it('reads the file that is named, and says so when it is not there', () => {
    put('config/server.yaml', 'server:\n  port: 4001\n');
    put('other.yaml', 'server:\n  port: 4005\n');
    expect(good(load({ DRAWBRIDGE_CONFIG: 'other.yaml' })).settings.server.port).toBe(4005);
    expect(good(load({ DRAWBRIDGE_CONFIG: 'absent.yaml' }, { file: 'other.yaml' })).file).toBe(
      join(cwd, 'other.yaml'),
    );
    expect(faultLines(load({}, { file: 'absent.yaml' }))).toEqual([
      'absent.yaml: cannot be read (ENOENT); check the name and the rights',
    ]);
  });

  it('gives all faults at once with file, line and column', () => {
    put(
      'config/server.yaml',
      [
        'server:',
        '  port: 70000',
        '  publicURL: https://x.example',
        '  trustedProxies: [10.0.0.0/33]',
        '  drainDelay: soon',
        'storage:',
        '  url: postgres://db',
        'log: loud',
        'passwords:',
        '  memory: 19',
      ].join('\n'),
    );
    expect(faultLines(load({ DRAWBRIDGE_SERVER__WORKERS: 'many' }))).toEqual([
      'config/server.yaml:2:9 server.port: is not right; write a whole number from 0 to 65535',
      'config/server.yaml:3:3 server.publicURL: is not a known key; did you mean publicUrl?',
      'config/server.yaml:4:20 server.trustedProxies.0: is not an address; write one such as 10.0.0.5, or a block such as 10.0.0.0/8',
      'config/server.yaml:5:15 server.drainDelay: is not a duration; write a number with a unit, such as 90s, 15m, 1h or 30d',
      'config/server.yaml:7:8 storage.url: is not a store; write file:<folder>, mongodb://<host>/<database> or env:NAME',
      'config/server.yaml:8:6 log: is text; write a mapping (lines of "key: value")',
      'config/server.yaml:10:11 passwords.memory: is not a size; write a number with a unit, such as 19MiB',
      'environment DRAWBRIDGE_SERVER__WORKERS: is not right; write auto, or a whole number from 1 to 256',
    ]);
  });

  it.each([
    'https://login.example.com/',
    'https://login.example.com/sso',
    'https://Login.example.com',
    'ftp://x',
    'x',
    'https://u:p@x.example',
    'https://x.example:443',
    'https://x.example?a',
  ])('refuses the public URL %s', (publicUrl) => {
    expect(faultLines(load({ DRAWBRIDGE_SERVER__PUBLIC_URL: publicUrl }))).toEqual([
      expect.stringMatching(
        /^environment DRAWBRIDGE_SERVER__PUBLIC_URL: is not an origin; write scheme and host/,
      ),
    ]);
  });

  it('refuses a public http URL that is not loopback, unless allowed', () => {
    const env = { DRAWBRIDGE_SERVER__PUBLIC_URL: 'http://login.example.com' };
    expect(faultLines(load(env))).toEqual([
      expect.stringMatching(
        /DRAWBRIDGE_SERVER__PUBLIC_URL: is http and .* write https:\/\/login\.example\.com/,
      ),
    ]);
    good(load({ ...env, DRAWBRIDGE_SERVER__TLS_TERMINATED_BY_PROXY: 'true' }));
    for (const loopback of ['http://127.0.0.1:3000', 'http://[::1]:3000', 'http://login.localhost'])
      good(load({ DRAWBRIDGE_SERVER__PUBLIC_URL: loopback }));
  });

  it('requires a strong secret key for MongoDB', () => {
    const env = { DRAWBRIDGE_STORAGE__URL: 'mongodb://db/x' };
    expect(faultLines(load(env))).toEqual([
      expect.stringContaining('server.secretKey: is missing and MongoDB needs it'),
    ]);
    expect(faultLines(load({ ...env, DRAWBRIDGE_SERVER__SECRET_KEY: 'short' }))).toEqual([
      'environment DRAWBRIDGE_SERVER__SECRET_KEY: is shorter than 32 bytes; make one with: openssl rand -base64 32',
    ]);
    good(load({ ...env, DRAWBRIDGE_SERVER__SECRET_KEY: key }));
  });

  it('takes secrets in the file as references only, and never repeats one', () => {
    put('config/server.yaml', `server:\n  secretKey: ${key}\nstorage:\n  url: mongodb://u:hush@db/x\n`);
    const lines = faultLines(load());
    expect(lines).toEqual([
      'config/server.yaml:2:14 server.secretKey: is a secret; write a reference to it, env:NAME or file:/path',
      'config/server.yaml:4:8 storage.url: holds a password; write env:NAME here, or set DRAWBRIDGE_STORAGE__URL or DRAWBRIDGE_STORAGE__URL_FILE',
    ]);
    expect(lines.join()).not.toMatch(new RegExp(`${key}|hush`));
    put(
      'config/server.yaml',
      `server:\n  secretKey: file:${put('run/key', key)}\nstorage:\n  url: env:MONGO\n`,
    );
    const { settings } = good(load({ MONGO: 'mongodb://u:hush@db/x' }));
    expect(settings).toMatchObject({ server: { secretKey: key }, storage: { url: 'mongodb://u:hush@db/x' } });
    expect(faultLines(load())).toEqual([
      expect.stringContaining('config/server.yaml:4:8 storage.url: refers to the environment variable MONGO'),
    ]);
  });

  it('takes the outgoing proxy from the setting, or from the variables of other programs', () => {
    const proxyIn = (env: Record<string, string>) => good(load(env)).settings.server.outgoingProxy;
    expect(proxyIn({})).toBeUndefined();
    expect(proxyIn({ HTTPS_PROXY: 'proxy:3128', NO_PROXY: 'a.test, 10.0.0.5' })).toEqual({
      https: 'http://proxy:3128',
      except: ['a.test', '10.0.0.5'],
    });
    expect(proxyIn({ https_proxy: 'http://one:1', HTTPS_PROXY: 'http://two:2' })).toMatchObject({
      https: 'http://one:1',
    });
    put('config/server.yaml', 'server:\n  outgoingProxy: env:PROXY\n  outgoingProxyExcept: [b.test]\n');
    const env = { PROXY: 'http://u:hush@proxy:3128', HTTPS_PROXY: 'http://other:1', NO_PROXY: 'a.test' };
    expect(proxyIn(env)).toEqual({ http: env.PROXY, https: env.PROXY, except: ['b.test'] });
    expect(faultLines(load({ PROXY: 'socks5://hush@proxy' })).join()).toMatch(
      /server\.outgoingProxy: (?!.*hush).*is not a proxy; write http:/,
    );
    put('config/server.yaml', 'server:\n  outgoingProxy: http://u:hush@proxy:3128\n');
    expect(faultLines(load())).toEqual([
      expect.stringContaining(
        'holds a password; write env:NAME here, or set DRAWBRIDGE_SERVER__OUTGOING_PROXY',
      ),
    ]);
  });

  it('resolves a reference in the environment too, so that its path never becomes the key', () => {
    const path = put('run/key', key);
    expect(good(load({ DRAWBRIDGE_SERVER__SECRET_KEY: `file:${path}` })).settings.server.secretKey).toBe(key);
  });

  it('refuses a secret in the argument list', () => {
    expect(faultLines(load({}, { flags: { 'server.secretKey': key } }))).toEqual([
      'command line server.secretKey: is a secret, and a command line can be read by others; set it in the environment',
    ]);
  });

  it('shows what is in force and where it came from, with secrets masked', () => {
    put('config/server.yaml', 'server:\n  drainDelay: 1m\n');
    const { effective } = good(
      load({
        DRAWBRIDGE_SERVER__SECRET_KEY: key,
        DRAWBRIDGE_STORAGE__URL: 'mongodb://u:hush@db/x?proxyPassword=hush',
      }),
    );
    const shown = Object.fromEntries(effective.map(({ name, value, source }) => [name, [value, source]]));
    expect(shown).toMatchObject({
      'server.drainDelay': ['1m', 'config/server.yaml'],
      'server.drainTimeout': ['20s', 'default'],
      'server.secretKey': ['(set)', 'DRAWBRIDGE_SERVER__SECRET_KEY'],
      'storage.url': ['mongodb://***@db/x?***', 'DRAWBRIDGE_STORAGE__URL'],
    });
    expect(JSON.stringify(effective)).not.toMatch(new RegExp(`${key}|hush`));
  });

  it('is frozen through and through', () => {
    const { settings } = good(load({ DRAWBRIDGE_SERVER__TRUSTED_PROXIES: '10.0.0.1' }));
    expect(() => Object.assign(settings.server.trustedProxies, { 0: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(settings.server, { port: 1 })).toThrow(TypeError);
  });
});
