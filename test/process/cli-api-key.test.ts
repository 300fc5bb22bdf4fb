import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { apiKeyPattern } from '../../src/crypto/api-key.ts';
import { eventually } from '../support/eventually.ts';
import { type Service, startService } from '../support/service.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, serviceTenant } from './installation.ts';

describe('api-key', () => {
  let home: Installation;
  let files: Service;

  beforeAll(async () => {
    await ensureBuilt();
    files = await startService();
    home = await createInstallation();
    home.putTenant(
      'acme',
      serviceTenant({
        apiKeys: { maximumAge: '180d', onePerSystemUser: true },
        resources: [{ identifier: 'https://orders.example.com', scopes: { 'orders:read': 'Read orders' } }],
      }),
    );
    mkdirSync(join(home.folder, 'config'));
    const target = { url: files.url };
    const services = [
      { name: 'files', prefix: '/files', tenants: ['acme'], target },
      { name: 'wages', prefix: '/wages', tenants: ['globex'], target },
    ];
    writeFileSync(join(home.folder, 'config', 'server.yaml'), stringify({ gateway: { services } }));
    await home.run(['user', 'add', 'acme', 'robot', '--system']);
    await home.start();
  }, 120_000);
  afterAll(async () => {
    await home.remove();
    await files.close();
  });

  const run = (...args: readonly string[]) => home.run(['api-key', ...args]);
  const keyIn = (stdout: string): string => new RegExp(apiKeyPattern).exec(stdout)?.[0] ?? '';
  const ask = (headers: Readonly<Record<string, string>>) => fetch(`${home.publicUrl}/files/x`, { headers });
  const asBearer = (key: string) => ask({ authorization: `Bearer ${key}` });
  const listed = async (...more: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    JSON.parse((await run('list', 'acme', '--json', ...more)).stdout);

  it('gives a system user a key that a service gets to know, and replaces and revokes it while the server runs', async () => {
    const added = await home.run(['user', 'add', 'acme', 'ci', '--system', '--role', 'deployer']);
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('ci was added') });
    const limits = ['--service', 'files', '--scope', 'orders:read'];
    const networks = ['--network', '127.0.0.0/8', '--network', '::1'];
    const life = ['--note', 'nightly build', '--expires', '90d'];
    const created = await run('create', 'acme', 'ci', ...life, ...limits, ...networks);
    const key = keyIn(created.stdout);
    expect(created).toMatchObject({ code: 0, stdout: expect.stringMatching(`^${key}\nThis is the key `) });

    expect((await asBearer(key)).status).toBe(200);
    const [publicHalf = '', secretHalf = ''] = [key.slice(0, 19), key.slice(20)];
    expect((await ask({ 'x-api-key': publicHalf, 'x-api-secret': secretHalf })).status).toBe(200);
    for (const { headers } of files.got) {
      expect(headers).toMatchObject({
        ...{ 'x-auth-method': 'apikey', 'remote-user': 'ci', 'x-auth-roles': 'deployer' },
      });
      for (const name of ['authorization', 'x-api-key', 'x-api-secret'])
        expect(headers).not.toHaveProperty(name);
    }
    await eventually('the use is noted', async () => (await listed())[0]?.lastUsedAt !== undefined, 10_000);
    const [{ id } = {}] = await listed('--user', 'ci');
    expect((await run('list', 'acme')).stdout).toMatch(
      /\S+ +db_\w{16} +ci +nightly build +scope orders:read; service files; network 127\.0\.0\.0\/8, ::1 .* (127\.0\.0\.1|::1)\n/,
    );

    const refused = await run('create', 'acme', 'ci');
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('reassign or rotate that one'),
    });
    const rotated = keyIn((await run('rotate', 'acme', String(id), '--overlap', '1h')).stdout);
    for (const each of [key, rotated]) expect((await asBearer(each)).status).toBe(200);
    const reassigned = keyIn((await run('reassign', 'acme', String(id))).stdout);
    for (const each of [key, rotated])
      await eventually('the old key is refused', async () => (await asBearer(each)).status === 401, 10_000);
    expect((await asBearer(reassigned)).status).toBe(200);

    expect(await listed('--expiring', '91d')).toHaveLength(1);
    expect(await listed('--expiring', '89d')).toHaveLength(0);
    expect((await run('revoke', 'acme', String(id))).stdout).toBe(`The key ${String(id)} was revoked.\n`);
    await eventually('the key is refused', async () => (await asBearer(reassigned)).status === 401, 10_000);
    expect(await listed()).toEqual([]);
  });

  it.each([
    [['create', 'acme', 'nobody'], /No account of acme has the name/],
    [['create', 'acme', 'robot', '--expires', 'never'], /allowNonExpiring/],
    [['create', 'acme', 'robot', '--expires', '181d'], /at most 180 days/],
    [['create', 'acme', 'robot', '--role', 'admin'], /The owner has no role admin/],
    [['create', 'acme', 'robot', '--network', 'home'], /home is no network/],
    [['create', 'acme', 'robot', '--service', 'wages'], /no service wages .* There are: files\./],
    [
      ['create', 'acme', 'robot', '--resource', 'https://nowhere.example.com'],
      /no resource .* There are: https:\/\/orders\.example\.com\./,
    ],
    [['create', 'acme', 'robot', '--scope', 'order:read'], /no scope order:read .*orders:read/],
    [['rotate', 'acme', 'any', '--overlap', '8d'], /at most 7 days/],
    [['revoke', 'acme', 'never'], /There is no key never in acme/],
    [['rotate', 'acme', 'never'], /There is no such key/],
    [['list', 'nowhere'], /There is no tenant nowhere/],
  ])('says what is wrong with %j', async (args, words) => {
    const { code, stderr } = await run(...args);
    expect([code, stderr]).toEqual([1, expect.stringMatching(words)]);
  });

  it('is for system users the only proof', async () => {
    await home.run(['user', 'add', 'acme', 'machine', '--system']);
    const passwd = await home.run(['user', 'passwd', 'acme', 'machine', '--password-stdin'], { input: 'x' });
    expect(passwd).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has API keys and no password'),
    });
    const both = await home.run(['user', 'add', 'acme', 'm2', '--system', '--password-stdin'], {
      input: 'x',
    });
    expect(both.code).toBe(2);
  });
});
