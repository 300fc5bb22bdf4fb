import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../free-port.ts';
import type { TargetReply, TargetRequest, TargetTask, Usage } from './task.ts';

export interface TargetProcess {
  readonly origin: string;
  readonly pid: number;
  usage(): Promise<Usage>;
  stop(): Promise<void>;
}

export interface TargetProcessOptions {
  readonly task: Omit<TargetTask, 'port'>;
  /** Path of the Node to run it on. */
  readonly node: string;
  /** More arguments for Node, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
}

/**
 * Starts a target in a process of its own and waits until it answers. Its output is dropped, as a log collector
 * would take it off its hands; what it fails with comes back as an error.
 */
export const startTarget = async (options: TargetProcessOptions): Promise<TargetProcess> => {
  // The issuer is made of it, so it must be known before the server is built.
  const port = await findFreePort();
  const child = fork(fileURLToPath(new URL('./serve.js', import.meta.url)), {
    execPath: options.node,
    execArgv: ['--disable-warning=ExperimentalWarning', ...(options.nodeArguments ?? [])],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = `${lastWords}${chunk.toString('utf8')}`.slice(-2000);
  });
  const exited = once(child, 'exit');
  const ask = async (request: TargetRequest): Promise<TargetReply> => {
    const answer = once(child, 'message').then(([message]) => message as TargetReply); // of serve.ts
    child.send(request);
    const ended = exited.then(() => ({ failed: `the process ended: ${lastWords}` }));
    return Promise.race([answer, ended]);
  };
  const started = await ask({ start: { ...options.task, port } });
  if (started !== 'started') {
    child.kill();
    throw new Error(
      `${options.task.kind}: ${typeof started === 'object' && 'failed' in started ? started.failed : ''}`,
    );
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    usage: async () => {
      const reply = await ask('usage');
      if (typeof reply === 'object' && 'usage' in reply) return reply.usage;
      throw new Error(typeof reply === 'object' ? reply.failed : 'no usage was reported');
    },
    stop: async () => {
      child.send('stop' satisfies TargetRequest);
      await exited;
    },
  };
};
