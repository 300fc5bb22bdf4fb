// `node --import <this file>` runs TypeScript in a child process of a test, as jest does in its own.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
