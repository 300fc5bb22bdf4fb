import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CliContext } from './context.ts';
import { CommandFailure } from './exit.ts';

/**
 * A file of JSON lines, or standard input for `-`.
 * @throws CommandFailure
 */
export const openLinesFile = async ({ cwd }: CliContext, file: string): Promise<NodeJS.ReadableStream> => {
  if (file === '-') return process.stdin;
  try {
    const handle = await open(resolve(cwd, file));
    if ((await handle.stat()).isFile()) return handle.createReadStream();
    await handle.close();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new CommandFailure(`${file} cannot be read (${code}). Give the path of a file of JSON lines.`);
  }
  throw new CommandFailure(`${file} is no file. Give the path of a file of JSON lines.`);
};
