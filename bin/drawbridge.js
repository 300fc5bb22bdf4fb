#!/usr/bin/env node
// CommonJS, since loading an ES module already starts libuv's threads, and their number is read only then. Password
// hashing may keep four of them busy; signing and files need some too.
const { availableParallelism } = require('node:os');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

process.env.UV_THREADPOOL_SIZE ??= String(Math.min(availableParallelism(), 4) + 4);

if (existsSync(join(__dirname, '../dist/src/cli.js'))) {
  void import('../dist/src/cli.js').then(({ runCli }) => runCli(process.argv.slice(2)));
} else {
  console.error('Drawbridge is not built yet. Run `npm run build` in its folder, then try again.');
  process.exitCode = 1;
}
