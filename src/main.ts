// What `npm start` runs: the same as `drawbridge start`.
import { runCli } from './cli.ts';

await runCli(['start', ...process.argv.slice(2)]);
