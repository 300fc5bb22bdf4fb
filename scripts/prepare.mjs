// `npm ci` builds, unless the compiler was left out (`npm ci --omit=dev`), where `dist` comes with the package.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** For `npx --no drawbridge`. A `bin` in package.json would make npx install this very folder into its cache. */
const linkCommand = () => {
  const folder = join(root, 'node_modules', '.bin');
  mkdirSync(folder, { recursive: true });
  const link = join(folder, 'drawbridge');
  rmSync(link, { force: true });
  if (process.platform === 'win32') {
    writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\bin\\drawbridge.js" %*\r\n');
  } else {
    symlinkSync(join('..', '..', 'bin', 'drawbridge.js'), link);
  }
};

const findCompiler = () => {
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve('typescript/package.json');
    return join(dirname(manifest), 'bin', 'tsc');
  } catch {
    return undefined;
  }
};

linkCommand();
const compiler = findCompiler();
if (compiler !== undefined) {
  const build = [compiler, '-p', 'tsconfig.build.json'];
  process.exitCode = spawnSync(process.execPath, build, { cwd: root, stdio: 'inherit' }).status ?? 1;
} else if (!existsSync(join(root, 'dist'))) {
  console.error('Drawbridge was not built: typescript is missing. Run `npm ci` without --omit=dev.');
  process.exitCode = 1;
}
