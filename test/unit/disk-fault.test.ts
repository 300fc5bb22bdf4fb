import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { checkDataFolder } from '../../src/cli/doctor/check-data-folder.ts';
import { openMasterKey } from '../../src/crypto/master-key.ts';
import { diskFaultOf } from '../../src/disk-fault.ts';
import { explainFailure } from '../../src/process/explain-failure.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { loadDriver } from '../../src/storage/sqlite/driver.ts';
import { toStoreError } from '../../src/storage/sqlite/errors.ts';
import { createTestClock } from '../support/test-clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drawbridge-disk-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const mount = (...args: readonly string[]): void => {
  execFileSync('mount', args, { stdio: 'ignore' });
};
const isMountable = (() => {
  const place = mkdtempSync(join(tmpdir(), 'drawbridge-mount-'));
  try {
    mount('-t', 'tmpfs', 'none', place);
    execFileSync('umount', [place], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true });
  }
})();

const ownFault = 'fault in Drawbridge itself';
const thrownBy = async (act: () => unknown): Promise<unknown> => {
  try {
    await act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};
const system = (code: string): Error =>
  Object.assign(new Error(`${code}: no`), { code, syscall: 'open', path: '/data/x' });

describe('a file or folder that cannot be used', () => {
  it.each([
    ['EACCES', /has no right to it; change its owner or its rights/],
    ['EPERM', /has no right to it/],
    ['EROFS', /read-only; .*mount the disk writable/],
    ['ENOSPC', /the disk is full; make room/],
    ['EDQUOT', /quota/],
  ])('%s is explained with its path and the remedy', (code, words) => {
    expect(diskFaultOf(system(code))).toMatch(words);
    expect(explainFailure(system(code))).toMatch(/^\/data\/x cannot be used: /);
    expect(explainFailure(system(code))).not.toContain(ownFault);
  });

  it('is no other error', () => {
    expect(diskFaultOf(new TypeError('x'))).toBeUndefined();
    expect(explainFailure(Object.assign(new Error('x'), { code: 'EACCES' }))).toContain(ownFault);
  });

  it.each(['server', 'cli'] as const)('is named when the role %s opens the store', async (role) => {
    writeFileSync(join(folder, 'data'), '');
    const url = `file:${join(folder, 'data')}`;
    const error = await thrownBy(() =>
      openStorage({ url, clock: createTestClock(0), log: pino({ level: 'silent' }), role }),
    );
    expect(explainFailure(error)).toContain(
      `The data in ${join(folder, 'data')} cannot be used: a part of the path is a file and not a folder; choose another place. The folder is set by DRAWBRIDGE_STORAGE__URL.`,
    );
  });

  it('is named when it should hold the master key', async () => {
    writeFileSync(join(folder, 'data'), '');
    const error = await thrownBy(() => openMasterKey({ folder: join(folder, 'data') }));
    expect(explainFailure(error)).toMatch(/^The master key .*master\.key cannot be used: a part of the path/);
  });

  it('is named in the log when the disk is full', async () => {
    const database = (await loadDriver())(join(folder, 'small.db'));
    database.exec('CREATE TABLE t (x); PRAGMA max_page_count = 3');
    const error = await thrownBy(() => database.exec(`INSERT INTO t VALUES (hex(zeroblob(100000)))`));
    database.close();
    expect(toStoreError(error)).toMatchObject({
      code: 'unavailable',
      detail: expect.stringMatching(/^the disk is full; make room: /),
    });
  });

  // the modes of a folder do not stop root
  (isMountable ? describe : describe.skip)(
    'on a disk that is mounted read-only (needs the right to mount)',
    () => {
      beforeEach(() => {
        mount('-t', 'tmpfs', 'none', folder);
        writeFileSync(join(folder, 'file'), '');
        mount('-o', 'remount,ro', folder);
      });
      afterEach(() => {
        execFileSync('umount', [folder]);
      });

      it.each([
        ['', /^The data in .* cannot be used: it is read-only; .*DRAWBRIDGE_STORAGE__URL/],
        [
          'new/below',
          /^The data in .* cannot be used: it cannot be made, since the folder above is read-only; /,
        ],
      ])('is named when the store is in it: "%s"', async (below, words) => {
        for (const role of ['server', 'cli'] as const) {
          const url = `file:${join(folder, below)}`;
          const error = await thrownBy(() =>
            openStorage({ url, clock: createTestClock(0), log: pino({ level: 'silent' }), role }),
          );
          expect(explainFailure(error)).toMatch(words);
          expect(explainFailure(error)).not.toContain(ownFault);
        }
      });

      it.each(['', 'new/below'])('is found by doctor: "%s"', async (below) => {
        const findings = await checkDataFolder(join(folder, below));
        expect(findings).toContainEqual(
          expect.objectContaining({
            verdict: 'problem',
            message: expect.stringMatching(/ cannot be used: it is read-only; /),
          }),
        );
      });

      it.each(['', 'new/below'])('is named when the master key is to be in it: "%s"', async (below) => {
        const error = await thrownBy(() => openMasterKey({ folder: join(folder, below) }));
        expect(explainFailure(error)).toMatch(/^The master key .* cannot be used: .*is read-only; /);
      });
    },
  );

  it('is named when it is no database', async () => {
    writeFileSync(join(folder, 'drawbridge.db'), readFileSync(import.meta.filename));
    const url = `file:${folder}`;
    const error = await thrownBy(() =>
      openStorage({ url, clock: createTestClock(0), log: pino({ level: 'silent' }), role: 'server' }),
    );
    expect(explainFailure(error)).toMatch(/cannot be used: the file is damaged or of another program/);
  });
});
