import { constants, type FileHandle, open } from 'node:fs/promises';
import type { Delivered, StreamBatch, StreamTarget } from './stream-target.ts';

export interface FileWriting {
  /** Lines of JSON at the end of a file. */
  targetOf(path: string): StreamTarget;
}

export interface FileWritingParts {
  readonly append: (path: string, text: string) => Promise<void>;
  readonly timeoutMs: number;
  readonly closingTimeoutMs: number;
}

/** A write to a file system that hangs holds one of the few threads of Node. */
const mostAtOnce = 2;

/**
 * Of one process. A batch counts as delivered when it is on the disk. A write cannot be broken off: what takes too long counts as failed,
 * and until it has ended no other write to the file is begun.
 */
export const createFileWriting = ({
  append = appendToFile,
  timeoutMs = 15_000,
  closingTimeoutMs = 2_000,
}: Partial<FileWritingParts> = {}): FileWriting => {
  const underWay = new Map<string, Promise<unknown>>();

  const begin = (path: string, { lines }: StreamBatch): Promise<Delivered> => {
    const writing = append(path, `${lines.join('\n')}\n`)
      .then(() => ({ isDelivered: true, words: 'written' }), toFailure)
      .finally(() => underWay.delete(path));
    underWay.set(path, writing);
    return writing;
  };

  const deliver = async (path: string, batch: StreamBatch, closing: AbortSignal): Promise<Delivered> => {
    const limit = createLimit(closing, { timeoutMs, closingTimeoutMs });
    try {
      while (!underWay.has(path) && underWay.size >= mostAtOnce && !limit.isOver())
        await Promise.race([limit.ended, ...underWay.values()]);
      if (underWay.has(path) || limit.isOver()) return timedOut;
      return await Promise.race([begin(path, batch), limit.ended]);
    } finally {
      limit.clear();
    }
  };

  return {
    targetOf: (path) => ({ name: 'file', deliver: (batch, closing) => deliver(path, batch, closing) }),
  };
};

const timedOut: Delivered = { isDelivered: false, words: 'timeout' };

const createLimit = (
  closing: AbortSignal,
  { timeoutMs, closingTimeoutMs }: Pick<FileWritingParts, 'timeoutMs' | 'closingTimeoutMs'>,
) => {
  let isOver = false;
  let end = (): void => undefined;
  const ended = new Promise<Delivered>((resolve) => {
    end = () => {
      isOver = true;
      resolve(timedOut);
    };
  });
  const timers = [setTimeout(end, timeoutMs)];
  const onClosing = (): void => void timers.push(setTimeout(end, closingTimeoutMs));
  if (closing.aborted) onClosing();
  else closing.addEventListener('abort', onClosing, { once: true });
  return {
    ended,
    isOver: () => isOver,
    clear: (): void => {
      closing.removeEventListener('abort', onClosing);
      for (const timer of timers) clearTimeout(timer);
    },
  };
};

class NotRegularError extends Error {}

const toFailure = (error: unknown): Delivered => {
  if (error instanceof NotRegularError) return { isDelivered: false, words: 'not a regular file' };
  const { code = 'unknown' } = error as NodeJS.ErrnoException; // what Node throws for a system call
  return { isDelivered: false, words: code === 'ELOOP' ? 'not a regular file' : code };
};

/** Neither follows a link nor waits for the reader of a pipe. */
const flags =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opened for each batch: after a rename the next batch makes a new file. */
const appendToFile = async (path: string, text: string): Promise<void> => {
  const file = await open(path, flags, 0o600);
  try {
    if (!(await file.stat()).isFile()) throw new NotRegularError();
    const start = (await endsWithinLine(file)) ? '\n' : '';
    await file.appendFile(`${start}${text}`);
    await file.datasync();
  } finally {
    await file.close().catch(() => undefined);
  }
};

/** A process may have been stopped in the middle of a line. */
const endsWithinLine = async (file: FileHandle): Promise<boolean> => {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 });
  return buffer.toString() !== '\n';
};
