import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Slapd, startSlapd } from '../support/slapd.ts';
import { ensureBuilt } from './built.ts';
import {
  createInstallation,
  type Environment,
  type Installation,
  passwordGrant,
  serviceTenant,
} from './installation.ts';

const env: Environment = { LDAP_PASSWORD: 'service-Passw0rd', UPSTREAM_SECRET: 'the-secret-at-the-upstream' };

let home: Installation;
beforeAll(ensureBuilt, 120_000);
beforeEach(async () => {
  home = await createInstallation(env);
});
afterEach(() => home.remove());

interface Explained {
  readonly source: string;
  readonly outcome: string;
  readonly message?: string;
  readonly person?: { readonly subject: string; readonly attributes: Readonly<Record<string, unknown>> };
  readonly mapping?: readonly { readonly step: string; readonly changes: readonly unknown[] }[];
  readonly profile?: unknown;
  readonly account?: Readonly<Record<string, unknown>>;
}

const explain = async (args: readonly string[], input = '') => {
  const { code, stdout, stderr } = await home.run(['explain', 'acme', ...args, '--json'], { input });
  return { code, stderr, stdout, sources: stdout === '' ? [] : (JSON.parse(stdout) as readonly Explained[]) };
};

describe('explain --user', () => {
  let slapd: Slapd;
  beforeAll(async () => {
    slapd = await startSlapd();
  });
  afterAll(() => slapd.stop());

  beforeEach(() => {
    home.putTenant(
      'acme',
      serviceTenant({
        sources: [
          { id: 'local', type: 'local' },
          {
            id: 'directory',
            type: 'ldap',
            url: slapd.url,
            insecure: true,
            bind: { dn: slapd.service.dn, password: 'env:LDAP_PASSWORD' },
            search: { base: slapd.baseDn },
            attributes: ['jpegPhoto', 'employeeType'],
            timeouts: { connect: '1s', operation: '1s' },
            mapping: [
              { rename: 'employeeType', to: 'nickname' },
              { prefix: 'groups', with: 'ldap:' },
              { role: 'builder', of: 'groups', equals: 'ldap:team' },
              { drop: 'locale' },
            ],
          },
        ],
      }),
    );
  });

  it('shows what the source says, each step of the mapping, and the account', async () => {
    const { code, sources, stdout, stderr } = await explain(['--user', 'Anna']);
    expect(code).toBe(0);
    expect(sources).toMatchObject([
      { source: 'local', outcome: 'absent' },
      {
        source: 'directory',
        outcome: 'present',
        person: {
          subject: '00000000-0000-4000-8000-000000000001',
          attributes: { mail: ['anna@example.org'], employeeType: ['engineer'] },
          groups: ['team'],
        },
        mapping: [
          { step: 'built-in mapping' },
          {
            step: 'rename employeeType to nickname',
            changes: expect.arrayContaining([{ name: 'nickname', before: [], after: ['engineer'] }]),
          },
          {
            step: 'prefix groups with ldap:',
            changes: [{ name: 'groups', before: ['team'], after: ['ldap:team'] }],
          },
          {
            step: expect.stringContaining('builder'),
            changes: [{ name: 'roles', before: [], after: ['builder'] }],
          },
          { step: 'drop locale', changes: [] },
        ],
        profile: {
          username: 'anna',
          email: 'anna@example.org',
          emailVerified: false,
          claims: { name: 'Anna Adler', nickname: 'engineer' },
          groups: ['ldap:team'],
          roles: ['builder'],
        },
        account: { is: 'new' },
      },
    ]);
    expect(`${stdout}${stderr}`).not.toContain(env.LDAP_PASSWORD);
    expect(JSON.parse((await home.run(['user', 'list', 'acme', '--json'])).stdout)).toEqual([]);
  });

  it('knows the account that a sign-in has made, and its state', async () => {
    await home.start();
    const credentials = { username: 'anna', password: 'anna-Passw0rd' };
    expect((await passwordGrant(home.issuer('acme'), credentials)).status).toBe(200);
    const [account] = JSON.parse((await home.run(['user', 'list', 'acme', '--json'])).stdout);
    expect((await explain(['--user', 'anna'])).sources[1]?.account).toEqual({
      is: 'known',
      sub: account.sub,
      username: 'anna',
      status: 'enabled',
    });
  });

  it('prints it for people', async () => {
    await home.run(['user', 'add', 'acme', 'anna', '--group', 'staff', '--password-stdin'], {
      input: 'correct horse battery staple',
    });
    const { stdout } = await home.run(['explain', 'acme', '--user', 'anna']);
    expect(stdout).toMatch(/^1\. local \(local\): It knows this person\.\n {3}In the end:\n/);
    expect(stdout).toMatch(/ {3}Account: anna \(sub \S+\), enabled\n\n2\. directory \(ldap\)/);
    expect(stdout).toContain('\n      subject: 00000000-0000-4000-8000-000000000001\n');
    expect(stdout).toContain('\n      prefix groups with ldap:\n         groups: team -> ldap:team\n');
    expect(stdout).toContain('\n      drop locale: changes nothing\n');
    expect(stdout).toContain('\n      email: anna@example.org, not verified\n');
    expect(stdout).toContain('\n   Account: a new one at the first sign-in\n');
  });

  it('distinguishes people who are unknown, disabled, ambiguous or hidden from a source that is out of reach', async () => {
    expect((await explain(['--user', 'zoe'])).sources[1]).toMatchObject({ outcome: 'absent' });
    expect((await explain(['--user', 'dora'])).sources[1]).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('disabled there'),
    });
    expect((await explain(['--user', 'double'])).sources[1]).toMatchObject({
      outcome: 'absent',
      message: expect.stringContaining('Several entries have this name'),
    });
    await slapd.kill();
    const { code, sources, stderr } = await explain(['--user', 'anna']);
    await slapd.restart();
    expect(code).toBe(1);
    expect(sources[1]).toMatchObject({ outcome: 'unavailable' });
    expect(stderr).toBe('No answer from directory. `drawbridge doctor acme` says what to do.\n');
  });

  it('says what is wrong with the question', async () => {
    expect((await explain([])).code).toBe(2);
    expect((await explain(['--user', 'anna', '--token-stdin'])).code).toBe(2);
    expect((await explain(['--user', ''])).code).toBe(2);
    expect((await home.run(['explain', 'acne', '--user', 'x'])).stderr).toContain('Did you mean acme?');
  });
});

describe('explain --token', () => {
  const token = 'opaque-token-of-the-upstream-0123456789';
  const jwt = `eyJhbGciOiJub25lIn0.${'e'.repeat(40)}.signature`;
  let userInfo: Readonly<Record<string, unknown>>;
  let server: Server;
  let url: string;

  beforeEach(async () => {
    userInfo = { id: 4711, login: 'anna', email: 'anna@acme.example', email_verified: true };
    server = createServer((request, response) => {
      const isKnown = request.headers.authorization === `Bearer ${token}`;
      response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isKnown ? userInfo : { error: 'invalid_token' }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
    putTenant();
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const putTenant = (changes: Readonly<Record<string, unknown>> = {}) =>
    home.putTenant(
      'acme',
      serviceTenant({
        sources: [
          { id: 'local', type: 'local' },
          {
            id: 'corp',
            type: 'oauth2',
            clientId: 'drawbridge',
            clientSecret: 'env:UPSTREAM_SECRET',
            userAuthorizationUri: `${url}/authorize`,
            accessTokenUri: `${url}/token`,
            userInfoUri: `${url}/user`,
            userNameExtractionPattern: '/login',
            subjectPointer: '/id',
            trustedEmailDomains: ['acme.example'],
            ...changes,
          },
        ],
      }),
    );

  it('shows whom it names, from standard input or a file', async () => {
    const { code, sources } = await explain(['--token', '-'], `${token}\n`);
    expect(code).toBe(0);
    expect(sources).toMatchObject([
      { source: 'local', outcome: 'skipped' },
      {
        source: 'corp',
        outcome: 'present',
        person: { subject: '4711', attributes: { login: 'anna' } },
        profile: { username: 'anna', email: 'anna@acme.example', emailVerified: true },
        account: { is: 'new' },
      },
    ]);
    expect((await explain(['--token-stdin'], token)).sources[1]).toMatchObject({ outcome: 'present' });
    writeFileSync(join(home.folder, 'token.txt'), `${token}\n`);
    expect((await explain(['--token', 'token.txt'])).sources[1]).toMatchObject({ outcome: 'present' });
  });

  it('shows which account would be linked', async () => {
    const added = ['user', 'add', 'acme', 'anna', '--email', 'anna@acme.example'];
    await home.run([...added, '--email-verified', '--password-stdin'], {
      input: 'correct horse battery staple',
    });
    await home.run(['user', 'disable', 'acme', 'anna']);
    expect((await explain(['--token', '-'], token)).sources[1]?.account).toMatchObject({
      is: 'linked',
      username: 'anna',
      status: 'disabled',
    });
    putTenant({ trustedEmailDomains: [] });
    expect((await explain(['--token', '-'], token)).sources[1]?.account).toEqual({ is: 'new' });
    const [account] = JSON.parse((await home.run(['user', 'list', 'acme', '--json'])).stdout);
    expect(account).not.toHaveProperty('identities');
  });

  it('refuses a token that the source does not know', async () => {
    const { code, sources } = await explain(['--token', '-'], 'some-other-token');
    expect(code).toBe(0);
    expect(sources[1]).toMatchObject({ outcome: 'refused', message: expect.stringContaining('expired') });
  });

  it('shows no secret, no token, no bytes and nothing endless', async () => {
    userInfo = {
      ...userInfo,
      password: 'hunter2-hunter2',
      nickname: 'hunter2-hunter2',
      refresh_token: 'refresh-me-0123',
      nested: { api_secret: 'deep-secret-0123', jwt, token_of: `Bearer ${token}` },
      note: `before ${token} after, and ${jwt}`,
      picture: `data:image/png;base64,${'A'.repeat(4096)}`,
      photo: 'Qk'.repeat(1024),
      poem: 'roses are red '.repeat(100),
      escape: '\u001b[2Jgone\u202e',
    };
    for (const more of [['--json'], []]) {
      const { stdout, stderr } = await home.run(['explain', 'acme', '--token', '-', ...more], {
        input: token,
      });
      const all = `${stdout}${stderr}`;
      expect(all).not.toMatch(/hunter2|refresh-me|deep-secret|opaque-token-of|eyJhbGci/);
      expect(all).not.toContain(env.UPSTREAM_SECRET);
      expect(all).not.toMatch(/A{100}|(?:Qk){50}/);
      expect(all).toContain('<4 KiB of bytes>');
      expect(all).toContain('<2 KiB of bytes>');
      expect(all).toContain('(1400 characters)');
      expect(all).toContain('<secret>');
      expect(all).not.toContain('\u001b');
      // in JSON it is data
      if (more.length === 0) expect(all).not.toContain('\u202e');
    }
  });

  it('does not repeat a token that was put where a file belongs', async () => {
    const { code, stderr, stdout } = await explain(['--token', jwt]);
    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).not.toContain('eyJhbGci');
    expect(stderr).toContain('never the token itself');
  });

  it('says which sources cannot be asked without a login', async () => {
    const { code, sources } = await explain(['--user', 'anna']);
    expect(code).toBe(0);
    expect(sources[1]).toMatchObject({ outcome: 'skipped', message: expect.stringContaining('--token') });
  });

  it('distinguishes an outage from a token that is not valid', async () => {
    server.closeAllConnections();
    server.close();
    const { code, sources } = await explain(['--token', '-'], token);
    expect(code).toBe(1);
    expect(sources[1]).toMatchObject({ outcome: 'unavailable' });
  });
});

describe('explain error', () => {
  it('finds what an app or a page was refused for, while the server runs and without a hint of secrets', async () => {
    home.putTenant(
      'acme',
      serviceTenant({
        clients: [
          {
            client_id: 'web',
            token_endpoint_auth_method: 'none',
            redirect_uris: ['https://app.example.com/callback'],
          },
        ],
      }),
    );
    await home.start();
    const url = new URL(`${home.issuer('acme')}/auth`);
    url.search = new URLSearchParams({
      client_id: 'web',
      response_type: 'code',
      redirect_uri: 'https://app.example.com:8443/callback',
      state: 'state-of-the-app',
    }).toString();
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    const errorId = page.headers.get('x-error-id') ?? '';
    const text = await home.run(['explain', 'error', errorId]);
    const json = await home.run(['explain', 'error', errorId.toUpperCase(), '--json']);
    const token = await fetch(`${home.issuer('acme')}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: 'nobody',
        client_secret: 'hush',
        grant_type: 'client_credentials',
      }),
    });
    const refused = await home.run(['explain', 'error', token.headers.get('x-error-id') ?? '']);

    expect([page.status, text.code]).toEqual([400, 0]);
    for (const fact of [
      'acme',
      'invalid_redirect_uri (400)',
      'https://app.example.com:8443/callback',
      'differs from https://app.example.com/callback in the port only',
      'redirect_uris of the client web',
    ])
      expect(text.stdout).toContain(fact);
    expect(text.stdout).not.toContain('state-of-the-app');
    expect(JSON.parse(json.stdout)).toMatchObject({ tenant: 'acme', errorId, clientId: 'web' });
    expect(refused.stdout).toMatch(
      /invalid_client \(401\)[\s\S]*nobody, which is not a client of this tenant/,
    );
    expect(refused.stdout).not.toContain('hush');
  });

  it('finds what else has an error id in the log: of the gateway, the account page, APIs and unreadable requests', async () => {
    home.putTenant('acme', serviceTenant());
    const server = await home.start();
    const { publicUrl } = home;
    const ids: string[] = [];
    for (const [path, init] of [
      ['/api/authz/forward-auth', {}],
      ['/oauth/acme/account/sources/none', { headers: { accept: 'text/html' } }],
      ['/oauth/acme/devices', {}],
      ['/oauth/acme/account/password', { method: 'POST', body: new URLSearchParams({ csrf: 'x' }) }],
      ['/nothing/here', {}],
      ['/', { headers: { 'x-long': 'x'.repeat(20_000) } }],
    ] as const)
      ids.push((await fetch(publicUrl + path, init)).headers.get('x-error-id') ?? path);
    for (const id of ids) await server.waitForLog(({ errorId }) => errorId === id);
    const log = join(home.folder, 'server.log');
    writeFileSync(
      log,
      server
        .log()
        .map((line) => `id.example.com drawbridge: ${JSON.stringify(line)}`)
        .join('\n'),
    );
    for (const id of [ids[0] ?? '', ids.at(-1) ?? '']) {
      const { code, stdout } = await home.run(['explain', 'error', id, '--log', log]);
      expect({ id, code }).toEqual({ id, code: 0 });
      expect(stdout).toContain(id);
    }
    const [id = ''] = ids;
    const piped = await home.run(['explain', 'error', id, '--log', '-', '--json'], {
      input: JSON.stringify({ errorId: id, msg: 'x' }),
    });
    expect(JSON.parse(piped.stdout)).toEqual({ errorId: id, log: [{ errorId: id, msg: 'x' }] });
    const other = await home.run(['explain', 'error', '0123456789abcdef', '--log', log]);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('Neither') });
  });

  it('says what is kept where an id is not, and what an id looks like', async () => {
    const unknown = await home.run(['explain', 'error', '0123456789abcdef']);
    const wrong = await home.run(['explain', 'error', 'oops']);

    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/7 days[\s\S]*"errorId"/) });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('16 hexadecimal digits') });
  });
});
