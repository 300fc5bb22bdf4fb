import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPart } from '../../scripts/real-parts.mjs';
import { eventually } from './eventually.ts';

/** A proxy in a process of its own. */
export interface RunningProxy {
  /** What it said so far on standard error. */
  errors(): string;
  stop(): Promise<void>;
}

export const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

export interface ProxyCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Where it listens once it is ready. */
  readonly port: number;
  /** Removed when it has stopped. */
  readonly folder: string;
}

export const runProxy = async ({ file, args, env, port, folder }: ProxyCommand): Promise<RunningProxy> => {
  const child = spawn(file, [...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  const exited = once(child, 'exit');
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const chunks: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => void chunks.push(chunk.toString()));
  const errors = () => chunks.join('');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    process.removeListener('exit', killWithUs);
    await rm(folder, { recursive: true, force: true });
  };
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  await eventually(`${file} listens`, async () => hasEnded() || (await isListening(port)), 15_000);
  if (!hasEnded()) return { errors, stop };
  await stop();
  throw new Error(`${file} ended before it was ready:\n${errors()}`);
};

/**
 * A real nginx.
 * @param http what stands in `http { … }`
 */
export const startNginx = async (http: string, port: number): Promise<RunningProxy> => {
  const file = findPart('nginx');
  if (file === undefined) throw new Error('nginx is missing');
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-nginx-'));
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  for (const place of places) await mkdir(join(folder, place));
  const configuration = [
    // workers of a root that gives up its rights could not write to the folder
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'daemon off;',
    'worker_processes 1;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr warn;',
    'events { worker_connections 512; }',
    'http {',
    'access_log off;',
    ...places.map((place) => `${place}_temp_path ${folder}/${place};`),
    http,
    '}',
  ];
  const configurationFile = join(folder, 'nginx.conf');
  await writeFile(configurationFile, configuration.join('\n'));
  return runProxy({ file, args: ['-p', folder, '-e', 'stderr', '-c', configurationFile], port, folder });
};
