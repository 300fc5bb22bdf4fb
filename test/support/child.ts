import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly process: ChildProcess;
  /** Lines of standard output, growing. */
  readonly lines: readonly string[];
  /** The whole of standard error so far. */
  errors(): string;
  waitForLine(test: (line: string) => boolean): Promise<void>;
  /** Resolves to the exit code; null after a signal. */
  readonly exited: Promise<number | null>;
}

/** Runs `test/support/<script>` in a Node process of its own. */
export const startChild = (script: string, args: readonly string[]): Child => {
  const loader = fileURLToPath(new URL('./typescript.mjs', import.meta.url));
  const file = fileURLToPath(new URL(script, import.meta.url));
  return watchChild(spawn(process.execPath, ['--no-warnings', '--import', loader, file, ...args]));
};

export const watchChild = (child: ChildProcessWithoutNullStreams): Child => {
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    lines.push(line);
    for (const listener of listeners) listener();
  });
  const chunks: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]);
  const exited = ended.then(([[code]]) => code as number | null);
  const errors = () => chunks.join('');
  const waitForLine = (test: (line: string) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = () => {
        if (!lines.some(test)) return;
        listeners.delete(check);
        resolve();
      };
      listeners.add(check);
      check();
      exited.then(() => reject(new Error(`The child ended too early: ${errors()}`)), reject);
    });
  return { process: child, lines, errors, waitForLine, exited };
};
