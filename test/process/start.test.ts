import { statSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { ensureBuilt } from './built.ts';
import {
  createInstallation,
  freePort,
  type Installation,
  passwordGrant,
  serviceTenant,
} from './installation.ts';

const password = 'correct horse battery staple';

let home: Installation;
beforeAll(ensureBuilt, 120_000);
beforeEach(async () => {
  home = await createInstallation();
  home.putTenant('acme', serviceTenant());
});
afterEach(() => home.remove());

const addAlice = () => home.run(['user', 'add', 'acme', 'alice', '--password-stdin'], { input: password });

describe('drawbridge start', () => {
  it('says in a terminal what it serves and where', async () => {
    home.putTenant('globex', serviceTenant({ displayName: 'Globex Ltd' }));
    home.putTenant('broken', 'displayName: [\n');
    const words = await home.startInTerminal();
    expect(words).toContain(`Drawbridge serves ${home.publicUrl}`);
    expect(words).toContain('Globex Ltd');
    expect(words).toMatch(new RegExp(`issuer +${home.issuer('acme')}\\n`));
    expect(words).toMatch(new RegExp(`sign in +${home.issuer('globex')}\\n`));
    expect(words).toContain(join(home.folder, 'data'));
    expect(words).toMatch(/broken.yaml:\d+:\d+/);
    expect(words).not.toContain('Unsupported runtime');
  });

  it('logs JSON alone elsewhere, without a banner', async () => {
    home.putTenant('broken', 'displayName: [\n');
    const server = await home.start();
    await server.waitForLog(({ msg, port }) => msg === 'listening' && port === home.port);
    await server.waitForLog(({ tenant }) => tenant === 'broken');
    expect(server.words()).not.toContain('Drawbridge serves');
    expect(server.words()).not.toContain('issuer');
    expect((await fetch(`${home.issuer('acme')}/.well-known/openid-configuration`)).status).toBe(200);
  });

  it('makes a master key that only its owner may read, and keeps it', async () => {
    const first = await home.start();
    const key = join(home.folder, 'data', 'master.key');
    expect(statSync(key).mode & 0o777).toBe(0o600);
    const madeAt = statSync(key).mtimeMs;
    first.process.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
    await home.start();
    expect(statSync(key).mtimeMs).toBe(madeAt);
  });

  it('refuses the data of another server, which goes on undisturbed', async () => {
    await home.start();
    const second = await home.start({ DRAWBRIDGE_SERVER__PORT: String(await freePort()) });
    const { code, stderr } = await second.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('Another Drawbridge server is running on the data in');
    expect((await fetch(`${home.publicUrl}/readyz`)).status).toBe(200);
  });

  it('starts again after it was killed, and knows the tokens of before', async () => {
    const first = await home.start();
    await addAlice();
    const before = await passwordGrant(home.issuer('acme'), { username: 'alice', password });
    const tokens = (await before.json()) as { access_token: string };
    first.process.kill('SIGKILL');
    await first.ended;
    await home.start();
    const userinfo = await fetch(`${home.issuer('acme')}/me`, {
      headers: { Authorization: `Bearer ${tokens.access_token}` },
    });
    expect(userinfo.status).toBe(200);
  });

  it('lists all faults of the settings by line and column and ends with 78', async () => {
    writeFileSync(join(home.folder, 'bad.yaml'), 'server:\n  prot: 80\n  workers: many\n');
    const { code, stderr } = await home.run(['start', '--config', 'bad.yaml']);
    expect(code).toBe(78);
    expect(stderr).toMatch(/bad\.yaml:2:\d+ server\.prot: .*did you mean port/);
    expect(stderr).toMatch(/bad\.yaml:3:\d+ server\.workers: /);
  });

  it('opens the gateway to everybody on this machine alone, and says so', async () => {
    const open = { AUTH_ENABLED: 'false' };
    for (const face of [
      { DRAWBRIDGE_SERVER__PUBLIC_URL: 'https://login.example.com' },
      { DRAWBRIDGE_SERVER__HOST: '0.0.0.0' },
    ]) {
      const { code, stderr } = await home.run(['start'], { env: { ...open, ...face } });
      expect(code).toBe(78);
      expect(stderr).toMatch(/gateway\.enabled|AUTH_ENABLED/);
    }
    const server = await home.start(open);
    await server.waitForLog(({ level, msg }) => level === 'warn' && /AUTH_ENABLED=false/.test(String(msg)));
    expect(await (await fetch(`${home.publicUrl}/readyz`)).json()).toMatchObject({
      authentication: 'disabled',
    });
    const { stdout, code } = await home.run(['doctor'], { env: open });
    expect(stdout).toMatch(/warning +gateway: Authentication is off/);
    expect(code).toBe(0);
  });

  it('says what to do when the port is taken', async () => {
    const other = await createInstallation();
    try {
      await other.start();
      const { code, stderr } = await home.run(['start', '--port', String(other.port)]);
      expect(code).toBe(1);
      expect(stderr).toContain('DRAWBRIDGE_SERVER__PORT');
    } finally {
      await other.remove();
    }
  });

  it('keeps details for the management listener and for this machine', async () => {
    const port = await freePort();
    home.putTenant('broken', 'displayName: [\n');
    const server = await home.start({ DRAWBRIDGE_MANAGEMENT__PORT: String(port) });
    await server.waitForLog(({ tenant }) => tenant === 'broken');
    const inside = await (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
    expect(inside).toContain('broken.yaml');
    const outside = await fetch(`${home.publicUrl}/readyz`, {
      headers: { 'X-Forwarded-For': '203.0.113.9' },
    });
    expect(await outside.text()).not.toContain('broken.yaml');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  });

  it('names what it knows soon although a thousand files wait for their check', async () => {
    for (let index = 0; index < 1000; index += 1) home.putTenant(`t${index}`, serviceTenant());
    const words = await home.startInTerminal();
    expect(words).toContain(home.issuer('acme'));
    expect(words).toMatch(/and \d{3} more tenants/);
  });
});

describe('stopping', () => {
  it('loses no request of keep-alive clients under load: not ready first, then gone, with exit code 0', async () => {
    const server = await home.start({ DRAWBRIDGE_SERVER__DRAIN_DELAY: '1s' });
    await addAlice();
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const statuses: number[] = [];
    let isOpen = true;
    const connections = new Set<string | undefined>();
    const ask = (path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        get(`${home.publicUrl}${path}`, { agent }, (response) => {
          if (response.statusCode === 503) connections.add(response.headers.connection);
          response.resume();
          response.once('end', () => resolve(response.statusCode ?? 0));
        }).once('error', reject);
      });
    const client = async (): Promise<void> => {
      while (isOpen) statuses.push(await ask('/oauth/acme/.well-known/openid-configuration'));
    };
    const signIns = async (): Promise<void> => {
      while (isOpen) {
        statuses.push((await passwordGrant(home.issuer('acme'), { username: 'alice', password })).status);
      }
    };
    const clients = [...Array.from({ length: 6 }, client), signIns(), signIns()];
    while (statuses.length < 100) await ask('/healthz');
    server.process.kill('SIGTERM');
    // As a balancer does: no more requests once it says that it goes.
    while ((await ask('/readyz')) === 200);
    isOpen = false;
    await Promise.all(clients);
    expect(new Set(statuses)).toEqual(new Set([200]));
    // So that clients without a balancer connect anew, elsewhere.
    expect(connections).toEqual(new Set(['close']));
    expect((await server.ended).code).toBe(0);
    agent.destroy();
  });

  it('ends at once with a second signal', async () => {
    const server = await home.start({ DRAWBRIDGE_SERVER__DRAIN_DELAY: '60s' });
    server.process.kill('SIGTERM');
    await server.waitForLog(({ msg }) => msg === 'stopping');
    server.process.kill('SIGTERM');
    // waiting for the drain would end with 0, and after this test's time
    expect((await server.ended).code).toBe(1);
  }, 50_000);

  it('serves on without a reader of its output, and stops when asked to', async () => {
    const server = await home.start();
    server.process.stdout?.destroy();
    server.process.stderr?.destroy();
    const discovery = `${home.issuer('acme')}/.well-known/openid-configuration`;
    for (let count = 0; count < 100; count++) expect((await fetch(discovery)).status).toBe(200);
    server.process.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
  });

  it('stops when npm, which started it, is asked to', async () => {
    // npm runs scripts in the folder of the package, so the paths are said
    const npm = await home.start(
      {
        HOME: home.folder,
        DRAWBRIDGE_STORAGE__URL: `file:${join(home.folder, 'data')}`,
        DRAWBRIDGE_TENANTS__DIRECTORY: join(home.folder, 'tenants'),
      },
      ['npm', '--prefix', packageRoot(), 'start'],
    );
    expect((await fetch(`${home.publicUrl}/healthz`)).status).toBe(200);
    npm.process.kill('SIGTERM');
    await npm.ended;
    await expect(fetch(home.publicUrl)).rejects.toThrow('fetch failed');
  });

  it('looks at the tenants again on SIGHUP and goes on', async () => {
    const server = await home.start();
    server.process.kill('SIGHUP');
    await server.waitForLog(({ msg }) => msg === 'looking at the tenants again');
    expect((await fetch(`${home.publicUrl}/healthz`)).status).toBe(200);
  });

  it('logs an uncaught error, finishes and ends with 1', async () => {
    const fault = `process.on('SIGUSR2',()=>{throw new Error('out of the blue')})`;
    const server = await home.start({
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fault)}`,
    });
    server.process.kill('SIGUSR2');
    expect((await server.ended).code).toBe(1);
    const [line] = server.log().filter(({ level }) => level === 'fatal');
    expect(JSON.stringify(line)).toContain('out of the blue');
    expect(server.log().at(-1)?.msg).toBe('stopped');
  });
});

describe('the embedded store after a stop', () => {
  it('is one whole file', async () => {
    await addAlice();
    const server = await home.start();
    await passwordGrant(home.issuer('acme'), { username: 'alice', password });
    server.process.kill('SIGTERM');
    await server.ended;
    const log = join(home.folder, 'data', 'drawbridge.db-wal');
    expect(statSync(log, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
    expect(statSync(join(home.folder, 'data', 'drawbridge.db')).size).toBeGreaterThan(50_000);
  });
});
