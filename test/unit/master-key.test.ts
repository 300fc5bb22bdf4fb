import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createMasterKey, openMasterKey } from '../../src/crypto/master-key.ts';

const secret = 'correct-horse-battery-staple-0123456789';
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'master-key-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a master key', () => {
  it('gives each purpose a key of its own, the same each time', () => {
    const key = createMasterKey(secret);
    expect(key.derive('cookies')).toEqual(createMasterKey(secret).derive('cookies'));
    expect(key.derive('cookies')).not.toEqual(key.derive('signing-keys'));
    expect(key.derive('cookies')).toHaveLength(32);
    expect(key.derive('dpop', 64)).toHaveLength(64);
  });

  it('has a check value that distinguishes it from another', () => {
    const key = createMasterKey(secret);
    expect(key.checkValue()).toBe(createMasterKey(`${secret}\n`).checkValue());
    expect(key.checkValue()).not.toBe(createMasterKey(`${secret}x`).checkValue());
    expect(key.checkValue()).not.toContain(secret);
  });

  it.each(['short', 'a'.repeat(64), 'abc'.repeat(30)])('refuses the weak secret %s', (weak) => {
    expect(() => createMasterKey(weak)).toThrow(/too weak/);
  });

  it('never repeats the secret in its complaint', () => {
    expect(() => createMasterKey('hunter2')).not.toThrow(/hunter2/);
  });
});

describe('openMasterKey', () => {
  it('takes the setting and leaves the folder alone', async () => {
    const key = await openMasterKey({ secretKey: secret, folder });
    expect(key.checkValue()).toBe(createMasterKey(secret).checkValue());
    expect(await readdir(folder)).toEqual([]);
  });

  it('makes a key on first start that only the owner can read, and finds it again', async () => {
    const inside = join(folder, 'data');
    const first = await openMasterKey({ folder: inside });
    const second = await openMasterKey({ folder: inside });
    expect(second.checkValue()).toBe(first.checkValue());
    expect((await stat(join(inside, 'master.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(inside)).toEqual(['master.key']);
  });

  it('gives the key of the file when the same text comes as a setting', async () => {
    const made = await openMasterKey({ folder });
    const text = await readFile(join(folder, 'master.key'), 'utf8');
    expect((await openMasterKey({ secretKey: text })).checkValue()).toBe(made.checkValue());
  });

  it('makes one key when many start together', async () => {
    const keys = await Promise.all(Array.from({ length: 40 }, () => openMasterKey({ folder })));
    expect(new Set(keys.map((key) => key.checkValue())).size).toBe(1);
    expect(await readdir(folder)).toEqual(['master.key']);
  });

  it('refuses a key file that others may read, and says what to do', async () => {
    await openMasterKey({ folder });
    await chmod(join(folder, 'master.key'), 0o640);
    await expect(openMasterKey({ folder })).rejects.toThrow(/mode 640.*chmod 600/);
  });

  it('refuses an empty key file instead of replacing it', async () => {
    await writeFile(join(folder, 'master.key'), '', { mode: 0o600 });
    await expect(openMasterKey({ folder })).rejects.toThrow(/too weak/);
    expect(await readFile(join(folder, 'master.key'), 'utf8')).toBe('');
  });

  it('asks for the setting where there is no folder', async () => {
    await expect(openMasterKey({})).rejects.toThrow(/DRAWBRIDGE_SERVER__SECRET_KEY/);
  });
});
