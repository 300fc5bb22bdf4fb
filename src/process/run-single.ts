import { type ServeParts, serve } from './serve.ts';

/** One process that does everything. */
export const runSingle = (parts: ServeParts): Promise<number> =>
  serve({
    ...parts,
    role: 'server',
    onListening: parts.showBanner,
    abandon: () => process.exit(1),
  });
