import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, type Outcome } from './installation.ts';

const demo = join(packageRoot(), 'dist', 'bench', 'demo', 'main.js');

const play = (url: string): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [demo, '--url', url], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

describe('npm run demo', () => {
  let home: Installation;
  beforeAll(async () => {
    await ensureBuilt();
    home = await createInstallation();
  }, 120_000);
  afterAll(() => home.remove());

  it('says what to do while no server answers', async () => {
    const { code, stdout, stderr } = await play(home.publicUrl);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain('npm start');
  });

  it('plays every flow at both shipped tenants', async () => {
    for (const id of ['default', 'acme']) {
      home.putTenant(id, readFileSync(join(packageRoot(), 'tenants', `${id}.yaml`), 'utf8'));
    }
    await home.start();
    const { code, stdout } = await play(home.publicUrl);
    expect(stdout).not.toContain('✗');
    expect(stdout.match(/✓/g)?.length).toBeGreaterThan(40);
    expect(code).toBe(0);
  }, 90_000);
});
