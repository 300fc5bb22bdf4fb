// `node --import <this file>` runs TypeScript in a child process of a test, as jest does in its own.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);

// A killed test leaves no child behind: its standard input ends with the process of the test.
process.stdin.on('end', () => process.exit(1)).resume();
process.stdin.unref?.();
