import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { mongoStore, mongoUrl } from '../support/stores.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, passwordGrant, serviceTenant } from './installation.ts';

const password = 'correct horse battery staple';

let home: Installation;
beforeAll(ensureBuilt, 120_000);
beforeEach(async () => {
  home = await createInstallation();
});
afterEach(() => home.remove());

const addAlice = (input = password) =>
  home.run(['user', 'add', 'acme', 'alice', '--email', 'alice@acme.example', '--password-stdin'], { input });

const initMain = () =>
  home.run(
    [
      'init',
      '--tenant',
      'main',
      '--redirect-uri',
      'https://app.example.com/cb',
      '--username',
      'ada',
      '--password-stdin',
    ],
    { input: `${password}\n` },
  );

describe('exit codes', () => {
  it.each([
    ['no command', [], 2],
    ['an unknown command', ['strat'], 2],
    ['a word that every object knows', ['constructor'], 2],
    ['an unknown option', ['start', '--prot', '1'], 2],
    ['a missing argument', ['user', 'add', 'acme'], 2],
    ['help', ['--help'], 0],
    ['the command for help', ['help'], 0],
    ['help with a command that is none', ['help', 'user', 'ad'], 2],
    ['the version', ['--version'], 0],
    ['no server', ['healthcheck'], 1],
  ] as const)('%s', async (_, args, expected) => {
    const { code, stderr, stdout } = await home.run(args);
    expect(code).toBe(expected);
    expect(`${stdout}${stderr}`).not.toBe('');
  });

  it('78 for a setting that is wrong, whatever the command', async () => {
    const env = { DRAWBRIDGE_SERVER__WORKERS: 'many' };
    expect((await home.run(['user', 'list', 'acme'], { env })).code).toBe(78);
    expect((await home.run(['config', 'check'], { env })).code).toBe(78);
  });
});

describe('help', () => {
  it.each([
    [['help', 'user'], 'Usage: drawbridge user'],
    [['help', 'user', 'add'], 'Usage: drawbridge user add'],
    [['user', 'help', 'add'], 'Usage: drawbridge user add'],
    [['user', 'add', '--help'], 'Usage: drawbridge user add'],
  ])('%j shows the command', async (args, usage) => {
    const { code, stdout, stderr } = await home.run(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(usage);
  });
});

describe('config', () => {
  it('check lists the faults of all files', async () => {
    home.putTenant('acme', serviceTenant({ displayNam: 'x' }));
    home.putTenant('Bad', serviceTenant());
    const { code, stderr } = await home.run(['config', 'check']);
    expect(code).toBe(78);
    expect(stderr).toMatch(/tenants\/acme\.yaml:\d+:\d+ displayNam: .*displayName/);
    expect(stderr).toContain('tenants/Bad.yaml');
    expect(stderr).toContain('2 faults.');
  });

  it('check warns of demo tenants that the public would not get', async () => {
    home.putTenant('demo', serviceTenant({ demo: true }));
    const env = { DRAWBRIDGE_SERVER__PUBLIC_URL: 'https://login.example.com' };
    const { code, stdout, stderr } = await home.run(['config', 'check'], { env });
    expect(code).toBe(0);
    expect(stdout).toContain('and 1 tenant file.');
    expect(stderr).toContain('demo is not served. The tenant demo is a demo');
    expect((await home.run(['config', 'check'])).stderr).not.toContain('is not served');
    expect((await home.run(['doctor'], { env })).stdout).toMatch(
      /warning +tenant demo: It is not served\. .*demo/,
    );
    await home.start(env);
    const { stdout: ready } = await home.run(['healthcheck', '--ready', '--json'], { env });
    expect(JSON.stringify(JSON.parse(ready))).toContain('The tenant demo is a demo');
  });

  it('show names the origin of a setting and masks secrets', async () => {
    const env = { DRAWBRIDGE_SERVER__SECRET_KEY: 'a-master-key-that-nobody-may-see-0123456789' };
    const { stdout, stderr } = await home.run(['config', 'show', '--json'], { env });
    const settings = JSON.parse(stdout) as { name: string; source: string; value?: string }[];
    const byName = new Map(settings.map((setting) => [setting.name, setting]));
    expect(byName.get('server.port')).toMatchObject({
      source: 'DRAWBRIDGE_SERVER__PORT',
      value: String(home.port),
    });
    expect(byName.get('log.level')).toMatchObject({ source: 'default', value: 'info' });
    expect(`${stdout}${stderr}`).not.toContain('nobody-may-see');
  });

  it('schema prints what editors need', async () => {
    for (const kind of ['server', 'tenant']) {
      const { code, stdout } = await home.run(['config', 'schema', kind]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toHaveProperty('properties');
    }
  });
});

describe('init', () => {
  it('makes a tenant that passes the check and is never overwritten', async () => {
    const made = await initMain();
    expect(made.code).toBe(0);
    expect(made.stdout).toContain(home.issuer('main'));
    expect((await home.run(['config', 'check'])).code).toBe(0);
    const file = readFileSync(join(home.folder, 'tenants', 'main.yaml'), 'utf8');
    const secretFile = /client_secret: file:(.*)/.exec(file)?.[1] ?? '';
    expect(statSync(secretFile).mode & 0o777).toBe(0o600);
    const secret = readFileSync(secretFile, 'utf8').trim();
    expect(`${made.stdout}${made.stderr}${file}`).not.toContain(secret);
    expect(`${made.stdout}${made.stderr}${file}`).not.toContain(password);
    const again = await initMain();
    expect(again.code).not.toBe(0);
    expect(again.stderr).toContain('is not overwritten');
    expect(readFileSync(join(home.folder, 'tenants', 'main.yaml'), 'utf8')).toBe(file);
  });

  it('makes a client and a user that work, while the server is running', async () => {
    home.putTenant('acme', serviceTenant());
    await home.start();
    expect((await initMain()).code).toBe(0);
    const path = join(home.folder, 'tenants', 'main.yaml');
    const text = readFileSync(path, 'utf8');
    const secret = readFileSync(/client_secret: file:(.*)/.exec(text)?.[1] ?? '', 'utf8').trim();
    home.putTenant(
      'main',
      text
        .replace('[authorization_code, refresh_token]', '[authorization_code, password]')
        .concat('\ngrants:\n  password: true\n'),
    );
    const authorization = `Basic ${Buffer.from(`web:${secret}`).toString('base64')}`;
    const ask = () =>
      fetch(`${home.issuer('main')}/token`, {
        method: 'POST',
        headers: { Authorization: authorization },
        body: new URLSearchParams({ grant_type: 'password', username: 'ada', password, scope: 'openid' }),
      });
    let answer = await ask();
    for (const endsAt = Date.now() + 5000; answer.status !== 200 && Date.now() < endsAt; )
      answer = await ask();
    expect(answer.status).toBe(200);
    expect(await answer.json()).toHaveProperty('id_token');
  });

  it('says which flags are missing when there is no terminal to ask at', async () => {
    const { code, stderr } = await home.run(['init', '--tenant', 'main']);
    expect(code).toBe(2);
    expect(stderr).toContain('--redirect-uri');
    expect(stderr).toContain('--username');
    expect(stderr).not.toContain('--tenant');
  });

  it.each([
    ['an id that is reserved', ['--tenant', 'admin']],
    ['a redirect in the clear', ['--redirect-uri', 'http://app.example.com/cb']],
  ])('refuses %s and writes nothing', async (_, flags) => {
    const { code } = await home.run(['init', '--yes', '--password-stdin', ...flags], { input: password });
    expect(code).toBe(2);
    expect(existsSync(join(home.folder, 'data'))).toBe(false);
  });

  it('leaves nothing behind when the password will not do', async () => {
    const { code, stderr } = await home.run(['init', '--yes', '--password-stdin'], { input: 'short' });
    expect(code).toBe(1);
    expect(stderr).toContain('at least 15 characters');
    expect(existsSync(join(home.folder, 'tenants', 'main.yaml'))).toBe(false);
  });
});

describe('user', () => {
  beforeEach(() => home.putTenant('acme', serviceTenant()));

  it('takes no password from the command line', async () => {
    const onLine = await home.run(['user', 'add', 'acme', 'alice', '--password', password]);
    expect(onLine.code).toBe(2);
    expect(`${onLine.stdout}${onLine.stderr}`).not.toContain(password);
    const nowhere = await home.run(['user', 'add', 'acme', 'alice']);
    expect(nowhere.code).toBe(2);
    expect(nowhere.stderr).toContain('--password-stdin');
  });

  it('adds, lists, disables, enables and gives new passwords', async () => {
    await home.start();
    const signIn = async (secret: string) =>
      (await passwordGrant(home.issuer('acme'), { username: 'alice@acme.example', password: secret })).status;
    const added = await addAlice();
    expect(added.code).toBe(0);
    expect(`${added.stdout}${added.stderr}`).not.toContain(password);
    expect(await signIn(password)).toBe(200);
    expect((await home.run(['user', 'disable', 'acme', 'alice'])).code).toBe(0);
    expect(await signIn(password)).toBe(400);
    const { stdout } = await home.run(['user', 'list', 'acme', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([{ username: 'alice', status: 'disabled', hasPassword: true }]);
    expect(stdout).not.toContain('argon2');
    await home.run(['user', 'enable', 'acme', 'alice']);
    const input = 'another staple for the horse\n';
    expect((await home.run(['user', 'passwd', 'acme', 'alice', '--password-stdin'], { input })).code).toBe(0);
    expect(await signIn(password)).toBe(400);
    expect(await signIn('another staple for the horse')).toBe(200);
  });

  it('refuses the unknown, the doubled and the weak with words', async () => {
    await addAlice();
    expect((await addAlice()).stderr).toContain('belongs to another user');
    expect((await home.run(['user', 'disable', 'acme', 'bob'])).code).toBe(1);
    expect((await home.run(['user', 'list', 'acne'])).stderr).toContain('Did you mean acme?');
    const weak = ['user', 'add', 'acme', 'bob', '--password-stdin'];
    for (const input of ['bobbobbobbobbob', 'acme-acme-acme-2029']) {
      const { code, stderr } = await home.run(weak, { input });
      expect(code).toBe(1);
      expect(stderr).toContain('easy to guess');
      expect(stderr).not.toContain(input);
    }
  });
});

describe('a demo user with a new password', () => {
  it('is made a local one from now on', async () => {
    const people = [{ username: 'alice', password: 'demo-password' }];
    home.putTenant('acme', serviceTenant({ demo: true, users: people }));
    await home.start();
    await passwordGrant(home.issuer('acme'), { username: 'alice', password: 'demo-password' });
    const change = () =>
      home.run(['user', 'passwd', 'acme', 'alice', '--password-stdin'], { input: password });
    expect((await change()).stdout).toContain('no longer works for this person');
    expect((await change()).stdout).not.toContain('no longer works');
    expect((await home.run(['doctor', 'acme'])).stdout).toMatch(/tenant acme: 1 user$/m);
  });
});

describe('reports', () => {
  it('count the uses of the password grant, and list keys and tenants', async () => {
    home.putTenant('acme', serviceTenant());
    home.putTenant('demo', serviceTenant({ demo: true }));
    await home.start();
    await addAlice();
    for (let use = 0; use < 3; use += 1) {
      await passwordGrant(home.issuer('acme'), { username: 'alice', password });
    }
    const report = JSON.parse((await home.run(['client', 'report', 'acme', '--json'])).stdout);
    expect(report).toMatchObject([{ tenant: 'acme', clientId: 'migrator', count: 3, distinctUsers: 1 }]);
    expect((await home.run(['client', 'report'])).stdout).toMatch(/acme +migrator +3 +20\d\d-/);
    expect((await home.run(['keys', 'list', 'acme'])).stdout).toContain('RS256/1');
    const tenants = await home.run(['tenant', 'list', '--json'], {
      env: { DRAWBRIDGE_SERVER__PUBLIC_URL: 'https://login.example.com' },
    });
    expect(JSON.parse(tenants.stdout)).toMatchObject([
      { id: 'acme', status: 'served', hasData: true, issuer: 'https://login.example.com/oauth/acme' },
      { id: 'demo', status: 'refused' },
    ]);
    const ready = await home.run(['healthcheck', '--ready']);
    expect(ready.code).toBe(0);
  });
});

describe('client secret', () => {
  const secrets = (verb: string, ...args: readonly string[]) =>
    home.run(['client', 'secret', verb, 'acme', 'migrator', ...args]);

  it('makes a second one, shows where they are, and says what to write', async () => {
    home.putTenant('acme', serviceTenant());
    const made = await secrets('new');
    expect([made.code, made.stderr]).toEqual([0, '']);
    const [, secret = ''] = /^ACME_MIGRATOR_SECRET_NEXT=(\S{43})$/m.exec(made.stdout) ?? [];
    expect(secret).not.toBe('');
    const write = '["env:TEST_CLIENT_SECRET", "env:ACME_MIGRATOR_SECRET_NEXT"]';
    expect(made.stdout).toContain(`client_secret: ${write}`);

    const file = join(home.folder, 'next.secret');
    const filed = await secrets('new', '--file', 'next.secret', '--json');
    expect(JSON.parse(filed.stdout)).not.toHaveProperty('secret');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await secrets('new', '--file', 'next.secret')).code).toBe(1);

    const [client] = serviceTenant().clients;
    home.putTenant('acme', {
      ...serviceTenant(),
      clients: [{ ...client, client_secret: ['env:TEST_CLIENT_SECRET', `file:${file}`] }],
    });
    expect((await home.run(['config', 'check'])).code).toBe(0);
    const listed = await secrets('list');
    expect(listed.stdout).toContain(`file:${file}`);
    expect(listed.stdout).not.toContain(readFileSync(file, 'utf8').trim());
    expect((await secrets('new')).code).toBe(1);
    expect((await secrets('retire', 'env:TEST_CLIENT_SECRET')).stdout).toContain(
      `client_secret: file:${file}`,
    );
    expect((await secrets('retire', 'env:OTHER')).code).toBe(1);
  });
});

describe('tenant purge', () => {
  it('deletes what a removed tenant left behind, and nothing that is in use', async () => {
    home.putTenant('acme', serviceTenant());
    await addAlice();
    const early = await home.run(['tenant', 'purge', 'acme', '--yes']);
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('still has a file');
    const elsewhere = { DRAWBRIDGE_TENANTS__DIRECTORY: home.folder };
    expect((await home.run(['tenant', 'purge', 'acme'], { env: elsewhere })).code).toBe(2);
    expect((await home.run(['tenant', 'purge', 'acme', '--yes'], { env: elsewhere })).code).toBe(0);
    expect((await home.run(['user', 'list', 'acme', '--json'])).stdout.trim()).toBe('[]');
  });
});

describe('doctor', () => {
  it('finds nothing to repair in a new installation', async () => {
    await initMain();
    const { code, stdout } = await home.run(['doctor', 'main']);
    expect(stdout).not.toContain('problem');
    expect(code).toBe(0);
  });

  it('says what to do about what it finds', async () => {
    await initMain();
    const server = await home.start();
    server.process.kill('SIGTERM');
    await server.ended;
    chmodSync(join(home.folder, 'data', 'drawbridge.db'), 0o644);
    const env = {
      DRAWBRIDGE_SERVER__SECRET_KEY: 'not-the-key-of-this-store-0123456789',
      DRAWBRIDGE_SERVER__PUBLIC_URL: 'https://login.example.com',
    };
    const { code, stdout } = await home.run(['doctor', '--json'], { env });
    const findings = JSON.parse(stdout) as { about: string; verdict: string; message: string }[];
    const of = (verdict: string) =>
      findings
        .filter((finding) => finding.verdict === verdict)
        .map(({ message }) => message)
        .join('\n');
    expect(code).toBe(1);
    expect(of('problem')).toContain('The master key is not the one');
    expect(of('problem')).toContain('chmod 600');
    expect(of('warning')).toContain('DRAWBRIDGE_SERVER__TRUSTED_PROXIES');
  });

  it('reports a fault of a tenant file once, and does not count it for another tenant', async () => {
    home.putTenant('acme', serviceTenant({ displayNam: 'x' }));
    home.putTenant('globex', serviceTenant());
    const other = await home.run(['doctor', 'globex']);
    expect(other.code).toBe(0);
    expect(other.stdout).toContain('1 file of other tenants has faults (acme)');
    const { code, stdout } = await home.run(['doctor', 'acme']);
    expect(code).toBe(1);
    expect(stdout.match(/displayNam: is not/g)).toHaveLength(1);
    const listed = (await home.run(['tenant', 'list'])).stdout;
    expect(listed).toContain('acme: broken, last good version is served if the server runs');
  });

  it('knows a port that another program uses', async () => {
    const other = createServer().listen(home.port, '127.0.0.1');
    await once(other, 'listening');
    const { stdout } = await home.run(['doctor']);
    other.close();
    expect(stdout).toContain(`Another program uses ${home.port}`);
  });
});

/** A dozen processes one after the other, on a machine that may be busy. */
const manyProcessesMs = 120_000;

describe('backup and restore', () => {
  const signIn = async () => passwordGrant(home.issuer('acme'), { username: 'alice', password });
  beforeEach(async () => {
    home.putTenant('acme', serviceTenant());
  });

  it(
    'bring back people, keys and counts, and no token',
    async () => {
      const first = await home.start();
      await addAlice();
      const tokens = (await (await signIn()).json()) as { access_token: string; refresh_token: string };
      const keys = (await home.run(['keys', 'list', 'acme', '--json'])).stdout;
      const saved = await home.run(['backup', 'saved.gz', '--json']);
      expect(saved.code).toBe(0);
      expect(JSON.parse(saved.stdout)).toMatchObject({ counts: { accounts: 1, keys: 1 } });
      const file = join(home.folder, 'saved.gz');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const text = gunzipSync(readFileSync(file)).toString();
      const masterKey = readFileSync(join(home.folder, 'data', 'master.key'), 'utf8').trim();
      expect(text).not.toContain(masterKey);
      expect(text).not.toContain(tokens.refresh_token);
      await home.run(['user', 'disable', 'acme', 'alice']);
      await home.run(['user', 'add', 'acme', 'bob', '--password-stdin'], { input: password });

      const busy = await home.run(['restore', 'saved.gz', '--replace']);
      expect(busy.code).toBe(1);
      expect(busy.stderr).toContain('A restore needs it stopped');
      expect(busy.stderr).not.toContain('folder of its own');
      first.process.kill('SIGTERM');
      await first.ended;
      const full = await home.run(['restore', 'saved.gz']);
      expect(full.code).toBe(1);
      expect(full.stderr).toContain('--replace');
      const restored = await home.run(['restore', 'saved.gz', '--replace']);
      expect(restored.code).toBe(0);
      expect(restored.stdout).toMatch(/: .*\b1 account, /);

      await home.start();
      expect((await home.run(['keys', 'list', 'acme', '--json'])).stdout).toBe(keys);
      expect((await signIn()).status).toBe(200);
      const people = JSON.parse((await home.run(['user', 'list', 'acme', '--json'])).stdout);
      expect(people).toMatchObject([{ username: 'alice', status: 'enabled' }]);
      const userinfo = await fetch(`${home.issuer('acme')}/me`, {
        headers: { Authorization: `Bearer ${tokens.access_token}` },
      });
      expect(userinfo.status).toBe(401);
      const refreshed = await fetch(`${home.issuer('acme')}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token,
          client_id: 'migrator',
          client_secret: 'a-secret-of-the-tests-that-is-long-enough',
        }),
      });
      expect(refreshed.status).toBe(400);
    },
    manyProcessesMs,
  );

  it(
    'move to an empty store with the master key, and refuse another key',
    async () => {
      await addAlice();
      const server = await home.start();
      await signIn();
      server.process.kill('SIGTERM');
      await server.ended;
      await home.run(['backup', 'bare.gz']);
      expect((await home.run(['backup', 'bare.gz'])).stderr).toContain('is not overwritten');
      await home.run(['backup', 'whole.gz', '--with-master-key']);
      const elsewhere = { DRAWBRIDGE_STORAGE__URL: 'file:./elsewhere' };
      const keyless = await home.run(['restore', 'bare.gz'], { env: elsewhere });
      expect(keyless.code).toBe(1);
      expect(keyless.stderr).toContain('master.key');
      const wrong = { ...elsewhere, DRAWBRIDGE_SERVER__SECRET_KEY: 'not-the-key-of-this-backup-0123456789' };
      expect((await home.run(['restore', 'whole.gz'], { env: wrong })).code).toBe(1);
      expect(existsSync(join(home.folder, 'elsewhere', 'drawbridge.db'))).toBe(false);
      expect((await home.run(['restore', 'whole.gz'], { env: elsewhere })).code).toBe(0);
      await home.start(elsewhere);
      expect((await signIn()).status).toBe(200);
    },
    manyProcessesMs,
  );

  (mongoUrl() === undefined ? it.skip : it)(
    'restores into MongoDB only once its servers have ended',
    async () => {
      const store = await mongoStore.open();
      const env = {
        DRAWBRIDGE_STORAGE__URL: store.url,
        DRAWBRIDGE_SERVER__SECRET_KEY: 'a-master-key-of-the-tests-0123456789',
      };
      try {
        const server = await home.start(env);
        expect((await home.run(['backup', 'saved.gz'], { env })).code).toBe(0);
        const busy = await home.run(['restore', 'saved.gz', '--replace'], { env });
        expect(busy.code).toBe(1);
        expect(busy.stderr).toMatch(/Nothing was restored .*servers are using this store/);
        server.process.kill('SIGTERM');
        await server.ended;
        expect((await home.run(['restore', 'saved.gz', '--replace'], { env })).code).toBe(0);
      } finally {
        await store.cleanup();
      }
    },
    manyProcessesMs,
  );

  it('refuses half a backup before anything is touched', async () => {
    await addAlice();
    await home.run(['backup', 'saved.gz', '--with-master-key']);
    const whole = readFileSync(join(home.folder, 'saved.gz'));
    writeFileSync(join(home.folder, 'half.gz'), whole.subarray(0, whole.length / 2));
    const { code, stderr } = await home.run(['restore', 'half.gz', '--replace']);
    expect(code).toBe(1);
    expect(stderr).toContain('is not a whole backup');
    expect(JSON.parse((await home.run(['user', 'list', 'acme', '--json'])).stdout)).toHaveLength(1);
  });
});

describe('mail list', () => {
  beforeEach(() => home.putTenant('acme', serviceTenant()));

  it('says when there is none, and takes no wrong number', async () => {
    expect(await home.run(['mail', 'list', 'acme'])).toMatchObject({
      code: 0,
      stdout: 'No mail was written for users of acme in the last 30 days.\n',
    });
    expect((await home.run(['mail', 'list', 'acme', '--limit', '0'])).code).toBe(2);
    expect((await home.run(['mail', 'list', 'never'])).code).toBe(1);
    expect((await home.run(['doctor', '--mail-to', 'a@example.com'])).code).toBe(2);
  });

  it('shows what came of each mail, and nothing that was in it', async () => {
    const storage = await openStorage({
      url: `file:${join(home.folder, 'data')}`,
      clock: systemClock,
      log: pino({ enabled: false }),
    });
    const now = Date.now();
    const { mails } = storage.forTenant('acme');
    const mail = { purpose: 'password_reset', address: 'a…@example.com', content: 'what is sealed' };
    const entry = { createdAt: now, state: 'pending', attempts: 0, nextAttemptAt: now } as const;
    await mails.add(['m-1', 'm-2'].map((id) => ({ id, ...mail, ...entry })));
    const outcome = { nextAttemptAt: now + 60_000, lastAttemptAt: now };
    await mails.settle('m-1', { ...outcome, state: 'failed', lastOutcome: '550 5.1.1' });
    await mails.settle('m-2', { ...outcome, state: 'pending', lastOutcome: 'ESOCKET' });
    await storage.close();

    const text = (await home.run(['mail', 'list', 'acme'])).stdout;
    expect(text).toMatch(/password_reset +a…@example\.com +- +pending +0 +ESOCKET +20\d\d-/);
    expect(text).toMatch(/password_reset +a…@example\.com +- +failed +0 +550 5\.1\.1 +-/);
    const json = (await home.run(['--json', 'mail', 'list', 'acme', '--limit', '1'])).stdout;
    expect(JSON.parse(json)).toMatchObject([{ id: 'm-2', lastOutcome: 'ESOCKET' }]);
    expect(`${text}${json}`).not.toMatch(/sealed|content/);
  });
});
