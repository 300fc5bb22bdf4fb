// `npm test`: builds, makes sure that the real parts are there, then runs jest. Further arguments go to jest.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const run = (...args) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const built = run(compiler, '-p', 'tsconfig.build.json'); // the tests of the process run what was built
if (built !== 0) process.exit(built);
const parts = run(join(root, 'scripts', 'real-parts.mjs'));
if (parts !== 0 && process.env.CI === 'true') process.exit(parts);
process.exit(
  run(
    '--disable-warning=ExperimentalWarning',
    '--experimental-vm-modules',
    join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
    ...process.argv.slice(2),
  ),
);
