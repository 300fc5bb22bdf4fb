// `npm test`: makes sure that the real parts are there, then runs jest. Further arguments go to jest.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findParts } from './real-parts.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const parts = await findParts();
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const { status } = spawnSync(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', jest, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...parts } },
);
process.exit(status ?? 1);
