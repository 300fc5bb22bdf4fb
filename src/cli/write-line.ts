import { once } from 'node:events';

/** Waits for a reader that is slower, so that memory does not grow with what is written. */
export const writeLine = async (line: string): Promise<void> => {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
};
