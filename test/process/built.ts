import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { packageRoot } from '../../src/package-root.ts';

const root = packageRoot();
const lock = join(root, '.cache', 'building.lock');

const changedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const newestIn = (folder: string, extension: string): number =>
  Math.max(
    0,
    ...readdirSync(join(root, folder), { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(extension))
      .map((name) => changedAt(join(root, folder, name))),
  );

const isFresh = (): boolean => changedAt(join(root, 'dist', 'src', 'cli.js')) > newestIn('src', '.ts');

/** These tests run what users run: the built files. Of several test files one builds, and only when there is need. */
export const ensureBuilt = async (): Promise<void> => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      if (Date.now() - changedAt(lock) > 60_000) rmdirSync(lock); // its owner was killed
      await delay(100);
    }
  }
  try {
    if (isFresh()) return;
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
      cwd: root,
    });
    if (status !== 0) throw new Error(`The build failed:\n${stdout}`);
  } finally {
    rmdirSync(lock);
  }
};
