import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureBuilt } from './built.ts';
import {
  createInstallation,
  type Environment,
  type Installation,
  passwordGrant,
  serviceTenant,
} from './installation.ts';

const env: Environment = { LEGACY_SECRET: 'the-secret-of-the-legacy-system' };
const passwords: Readonly<Record<string, string>> = {
  ann: 'short1',
  ben: 'the password of ben',
  cid: 'the password of cid',
};

let home: Installation;
let legacy: Server;
let url: string;
beforeAll(ensureBuilt, 120_000);

beforeEach(async () => {
  home = await createInstallation(env);
  legacy = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { username, password } = JSON.parse(body) as { username: string; password: string };
    const isRight = passwords[username] === password;
    response.writeHead(isRight ? 200 : 404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        isRight
          ? { subject: `no-${username}`, username }
          : { error: username in passwords ? 'credentials' : 'unknown' },
      ),
    );
  });
  legacy.listen(0, '127.0.0.1');
  await once(legacy, 'listening');
  url = `http://127.0.0.1:${(legacy.address() as AddressInfo).port}/check`; // it listens on TCP
});
afterEach(async () => {
  await home.remove();
  legacy.closeAllConnections();
  legacy.close();
});

const local = { id: 'local', type: 'local' };
const legacySource = (changes: Readonly<Record<string, unknown>> = {}) => ({
  id: 'legacy',
  type: 'http',
  url,
  secret: 'env:LEGACY_SECRET',
  ...changes,
});
const putTenant = (...sources: readonly unknown[]) => home.putTenant('acme', serviceTenant({ sources }));

const signIn = async (username: string): Promise<number> =>
  (await passwordGrant(home.issuer('acme'), { username, password: passwords[username] ?? '' })).status;

/** With the file as it is now. */
const whileServing = async (work: () => Promise<void>): Promise<void> => {
  const server = await home.start();
  await work();
  server.process.kill('SIGTERM');
  await server.ended;
};

const migration = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await home.run(['migration', 'acme', '--json', ...args]);
  return { code, stderr, progress: stdout === '' ? undefined : (JSON.parse(stdout) as unknown) };
};

describe('migration', () => {
  it('counts who could sign in without the source, and who could not', async () => {
    putTenant(local, legacySource());
    await whileServing(async () => expect([await signIn('ben'), await signIn('cid')]).toEqual([200, 200]));
    const before = await migration();
    expect(before.progress).toMatchObject([
      { source: 'local', people: 0, over: 0, missing: 0 },
      { source: 'legacy', type: 'http', adopt: 'off', people: 2, over: 0, missing: 2 },
    ]);
    expect(before.stderr).toContain('set adopt: true');

    putTenant(local, legacySource({ adopt: true }));
    await whileServing(async () => expect([await signIn('ben'), await signIn('ann')]).toEqual([200, 200]));
    const { progress, stderr } = await migration('--missing');
    expect(progress).toMatchObject([
      {},
      {
        adopt: 'keep',
        people: 3,
        over: 2,
        gone: 0,
        firstAdoptedAt: expect.any(Number),
        lastAdoptedAt: expect.any(Number),
        missing: [{ username: 'cid', why: 'no_password', checkedAt: expect.any(Number) }],
      },
    ]);
    expect(stderr).toBe('');
    const { stdout } = await home.run(['migration', 'acme', '--missing']);
    expect(stdout).toMatch(/^legacy +http +keep +2 of 3 +1 +0 +20\S+ \S+ +20\S+ \S+$/m);
    expect(stdout).toMatch(/^Not over yet at legacy:\n.*\ncid +- +no password is kept +20/m);

    putTenant(local);
    await whileServing(async () => {
      expect([await signIn('ben'), await signIn('ann'), await signIn('cid')]).toEqual([200, 200, 400]);
    });
    const after = await migration();
    expect(after.progress).toMatchObject([
      { source: 'local' },
      { source: 'legacy', type: 'removed', people: 3, over: 2, missing: 1 },
    ]);
    expect(after.stderr).toContain('1 of its people cannot sign in with a password here');
  });

  it('counts an imported hash as over once it was renewed', async () => {
    putTenant(local);
    // made by slappasswd and passlib
    const lines = [
      { username: 'ann', password_hash: '{SSHA}dyR1Mq+iYbiZLE0umII53FDIb/W89vpr' },
      {
        username: 'ben',
        password_hash: '{CRYPT}$2b$05$NI7N9X7FXhyBQLBqFlxITexFQcNWY7gCoGjOaLkkXdIW1kMqhnXmW',
      },
      { username: 'cid' },
    ];
    writeFileSync(join(home.folder, 'people.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    await home.run(['user', 'import', 'acme', 'people.jsonl']);
    await whileServing(async () => {
      const credentials = { username: 'ann', password: 'correct horse battery' };
      expect((await passwordGrant(home.issuer('acme'), credentials)).status).toBe(200);
      expect((await passwordGrant(home.issuer('acme'), credentials)).status).toBe(200);
    });
    expect((await migration('--missing')).progress).toMatchObject([
      {
        source: 'local',
        people: 3,
        over: 1,
        missing: expect.arrayContaining([
          expect.objectContaining({ username: 'ben', why: 'imported_hash' }),
          expect.objectContaining({ username: 'cid', why: 'no_password' }),
        ]),
      },
    ]);
  });

  it('asks for no adoption where people sign in elsewhere', async () => {
    const provider = {
      id: 'partner',
      type: 'oidc',
      issuer: 'https://id.example',
      clientId: 'x',
      clientSecret: 'env:LEGACY_SECRET',
    };
    putTenant(local, provider);
    const { progress } = await migration();
    expect(progress).toEqual([
      expect.anything(),
      { source: 'partner', type: 'oidc', people: 0, over: 0, gone: 0, missing: 0 },
    ]);
  });

  it('says that a local list is needed in the end', async () => {
    putTenant(legacySource({ adopt: true }));
    expect((await migration()).stderr).toContain('has no source of type local');
    home.putTenant('acme', serviceTenant({ sources: [{ id: 'x', type: 'nothing' }] }));
    expect((await migration()).code).toBe(78);
  });
});

describe('doctor', () => {
  it('looks at the real sources of a tenant, at all of them at once', async () => {
    putTenant(local, legacySource(), legacySource({ id: 'other', url: 'http://127.0.0.1:9/check' }));
    const { code, stdout, stderr } = await home.run(['doctor', 'acme']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok +source legacy, password check: .* refuses a person who does not exist$/m);
    expect(stdout).toMatch(/^problem +source other, password check: .*ECONNREFUSED.*start the system/m);
    expect(`${stdout}${stderr}`).not.toContain(env.LEGACY_SECRET);
    const findings = JSON.parse((await home.run(['doctor', 'acme', '--json'])).stdout) as unknown[];
    expect(findings).toContainEqual(
      expect.objectContaining({ about: 'source other, password check', verdict: 'problem' }),
    );
  });

  it('misses a list of people for the day on which all sources are down', async () => {
    putTenant(legacySource());
    expect((await home.run(['doctor', 'acme'])).stdout).toMatch(/^warning +sources: .*break-glass/m);
    putTenant(local, legacySource());
    expect((await home.run(['doctor', 'acme'])).stdout).not.toContain('break-glass');
  });
});
