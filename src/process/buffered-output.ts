import { write, writeSync } from 'node:fs';

/** Lines wait for each other this long at most, in milliseconds: one write for many lines is much cheaper. */
const flushEveryMs = 200;
/** Characters that are written at once without waiting for the timer. */
const enough = 4096;
/** Bytes and characters that are kept for a reader that does not read; later lines are dropped. */
const limit = 8 * 1024 * 1024;
/** How long stopping waits for a reader that does not read, in milliseconds. */
const lastWaitMs = 250;

/** The interface that pino expects of a destination. */
export interface BufferedOutput {
  write(line: string): void;
  /** pino calls it after a fatal line. */
  flushSync(): void;
}

/**
 * An output for a server that logs each request; flushed when the process exits. A reader that closes the pipe (EPIPE)
 * or does not read never stops the server: its lines are dropped. pino's own destination never stops trying to flush
 * into a broken pipe.
 */
export const openBufferedOutput = (fd = 1): BufferedOutput => {
  let waiting = '';
  /** The rest of the last chunk, which is not written yet. */
  let rest: Buffer = Buffer.alloc(0);
  let isUnderWay = false;
  let isBroken = false;

  const isEmpty = (): boolean => waiting === '' && rest.length === 0;
  const take = (): Buffer => {
    const chunk = Buffer.concat([rest, Buffer.from(waiting)]);
    waiting = '';
    rest = Buffer.alloc(0);
    return chunk;
  };
  /** EAGAIN: the reader is slow. Any other error: there is no longer a reader. */
  const settle = (chunk: Buffer, outcome: NodeJS.ErrnoException | number): void => {
    if (typeof outcome === 'number') rest = chunk.subarray(outcome);
    else if (outcome.code === 'EAGAIN') rest = chunk;
    else isBroken = true;
  };

  const flush = (): void => {
    if (isUnderWay || isBroken || isEmpty()) return;
    const chunk = take();
    isUnderWay = true;
    write(fd, chunk, (error, written) => {
      isUnderWay = false;
      settle(chunk, error ?? written);
      if (error === null && rest.length === 0 && waiting.length >= enough) flush();
    });
  };

  const flushSync = (): void => {
    const giveUpAt = performance.now() + lastWaitMs;
    while (!isBroken && !isEmpty() && performance.now() < giveUpAt) {
      const chunk = take();
      try {
        settle(chunk, writeSync(fd, chunk));
      } catch (error) {
        settle(chunk, error as NodeJS.ErrnoException); // what Node throws for a system call
      }
    }
  };

  setInterval(flush, flushEveryMs).unref();
  process.on('exit', flushSync);
  return {
    flushSync,
    write: (line) => {
      if (isBroken || rest.length + waiting.length > limit) return;
      waiting += line;
      // behind a reader that does not read the timer is enough: each attempt copies what is kept
      if (waiting.length >= enough && rest.length === 0) flush();
    },
  };
};
