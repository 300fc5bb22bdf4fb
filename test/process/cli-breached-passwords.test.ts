import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RangeServer, startRangeServer } from '../support/range-server.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, serviceTenant } from './installation.ts';

const listed = 'lantern orbit mosaic';
const fresh = 'granite meadow whistle';

let home: Installation;
let list: RangeServer;
beforeAll(ensureBuilt, 120_000);
beforeEach(async () => {
  list = await startRangeServer({ [listed]: 3 });
  home = await createInstallation();
  home.putTenant('acme', serviceTenant({ passwords: { breached: { url: list.url } } }));
});
afterEach(async () => {
  await home.remove();
  await list.close();
});

const give = (verb: string, input: string) =>
  home.run(['user', verb, 'acme', 'alice', '--password-stdin'], { input });

describe('a list of breached passwords', () => {
  it('refuses passwords of the command line, and none while it cannot be asked', async () => {
    const refused = await give('add', listed);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('This password has become public with the data of some service'),
    ]);
    expect((await give('add', fresh)).code).toBe(0);
    expect((await give('passwd', listed)).code).toBe(1);
    expect((await home.run(['doctor', 'acme'])).stdout).toContain(`breached passwords: ${list.url} answers`);
    list.instead = (response) => response.destroy();
    const open = await give('passwd', listed);
    expect(open.code).toBe(0);
    expect(open.stdout + open.stderr).toContain('list of breached passwords could not be asked');
  });
});
