import { type FileHandle, open } from 'node:fs/promises';
import type { StreamTarget } from './stream-target.ts';

/**
 * Lines of JSON at the end of a file, which is opened for each batch: after a rename the next batch makes a new one. A batch counts
 * as delivered when it is on the disk.
 */
export const createFileTarget = (path: string): StreamTarget => ({
  name: 'file',
  deliver: async ({ lines }) => {
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'a+', 0o600);
      const start = (await endsWithinLine(file)) ? '\n' : '';
      await file.appendFile(`${start}${lines.join('\n')}\n`);
      await file.datasync();
      return { isDelivered: true, words: 'written' };
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException; // what Node throws for a system call
      return { isDelivered: false, words: code };
    } finally {
      await file?.close().catch(() => undefined);
    }
  },
});

/** A process may have been stopped in the middle of a line. */
const endsWithinLine = async (file: FileHandle): Promise<boolean> => {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 });
  return buffer.toString() !== '\n';
};
