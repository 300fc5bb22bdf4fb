import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { adminOperations } from '../../src/admin/api/operations.ts';
import { administrativeRoles, may, type Permission } from '../../src/admin/permissions.ts';
import { packageRoot } from '../../src/package-root.ts';
import { keyOf } from '../support/admin-api.ts';
import { documentedBlocks } from '../support/documented.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({
  store: sqliteStore,
  settings: {
    administration: {
      tenant: 'globex',
      operators: { subs: [], roles: ['operator'], groups: [] },
      secondFactor: true,
      maxAgeSeconds: 3600,
    },
  },
});

/** What the rows of the table on the page are about. */
const rows: Readonly<Record<string, readonly Permission[]>> = {
  'people: see': ['people.read'],
  'people: unlock': ['people.unlock'],
  'people: remove second factors': ['people.resetFactors'],
  'people: disable, enable': ['people.change'],
  'sign-ins of people: see': ['signIns.read'],
  'sign-ins of people: end': ['signIns.end'],
  'system users, API keys: see': ['systemUsers.read', 'keys.read'],
  'system users, API keys: change': ['systemUsers.change', 'keys.change'],
  'audit record': ['audit.read'],
};

describe('docs/admin-api.md', () => {
  const page = readFileSync(join(packageRoot(), 'docs', 'admin-api.md'), 'utf8');

  it('names every operation, and no other', () => {
    const named = [...page.matchAll(/^\| `([A-Z]+ \/[^`]*)`/gm)].map(([, request]) => request);
    expect(named).toEqual(
      adminOperations.map(({ method, path }) => `${method} ${path.replace('/tenants/{tenant}', '')}`),
    );
  });

  it('has the table of rights that is in force', () => {
    for (const [row, permissions] of Object.entries(rows))
      for (const permission of permissions) {
        const cells = administrativeRoles.map((role) => (may([role], permission) ? 'yes' : '–'));
        expect(page).toContain(`| ${row} | ${cells.join(' | ')} |`);
      }
  });

  it('has commands that work', async () => {
    const { secret } = await keyOf(server, 'globex', 'operator', { roles: ['operator'] });
    for (const command of documentedBlocks('admin-api.md', 'sh')) {
      const env = { ...process.env, SERVER: server.publicUrl, KEY: secret };
      const { stdout } = await promisify(execFile)('sh', ['-euc', command], { env });
      expect(JSON.parse(stdout)).toHaveProperty(/audit/.test(command) ? 'entries' : 'secret');
    }
  });
});
