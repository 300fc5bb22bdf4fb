import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Environment, type Installation, type Outcome } from './installation.ts';

const demo = join(packageRoot(), 'dist', 'bench', 'demo', 'main.js');

interface Play {
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Environment;
}

const play = ({ args = [], cwd, env = {} }: Play): Promise<Outcome> =>
  new Promise((resolve) => {
    const options = { ...(cwd === undefined ? {} : { cwd }), env: { PATH: process.env.PATH, ...env } };
    execFile(process.execPath, [demo, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

const shippedTenants = (home: Installation): void => {
  for (const id of ['default', 'acme'])
    home.putTenant(id, readFileSync(join(packageRoot(), 'tenants', `${id}.yaml`), 'utf8'));
};

/** As `npm run demo` runs where this installation is. */
const playHere = (home: Installation, env: Environment = {}): Promise<Outcome> =>
  play({ cwd: home.folder, env: { DRAWBRIDGE_SERVER__PORT: String(home.port), ...env } });

describe('npm run demo', () => {
  let home: Installation;
  beforeAll(async () => {
    await ensureBuilt();
    home = await createInstallation();
  }, 120_000);
  afterAll(() => home.remove());

  it('says what to do while no server answers', async () => {
    const { code, stdout } = await playHere(home);
    expect(code).toBe(1);
    expect(stdout).toContain(`No Drawbridge answers at ${home.publicUrl}`);
    expect(stdout).toContain('npm start');
  });

  it('says that another program holds the port', async () => {
    const other = createServer((_req, res) => res.end('hello')).listen(home.port, 'localhost');
    await once(other, 'listening');
    const { code, stdout } = await playHere(home);
    other.close();
    expect(code).toBe(1);
    expect(stdout).toContain(`Another program answers at ${home.publicUrl}`);
  });

  it('plays every flow at the server that npm start starts here, and says that another one holds the port', async () => {
    shippedTenants(home);
    await home.start();
    const elsewhere = await createInstallation();
    shippedTenants(elsewhere);
    const refused = await playHere(elsewhere, { DRAWBRIDGE_SERVER__PORT: String(home.port) });
    await elsewhere.remove();
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain(`Another Drawbridge answers at ${home.publicUrl}`);
    expect(refused.stdout).not.toContain('✓');

    const { code, stdout } = await playHere(home);
    expect(stdout).not.toContain('✗');
    expect(stdout).toContain('✓ Deletion: everything ends at once, the account after a week');
    expect(stdout).toContain('✓ Reassigned: the old ones are refused within a second');
    expect(stdout).toContain('✓ The audit record has it all, and is verified');
    expect(stdout.match(/✓/g)?.length).toBeGreaterThan(40);
    expect(code).toBe(0);
  }, 120_000);

  it('plays at a server elsewhere if its URL is given', async () => {
    const { code, stdout } = await play({ args: ['--url', 'http://localhost:9'] });
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining('No Drawbridge answers at http://localhost:9'),
    ]);
  });
});
