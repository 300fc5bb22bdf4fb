import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { packageRoot } from '../../src/package-root.ts';
import { findFreePort } from '../free-port.ts';
import { exchange } from './http-exchange.ts';

const runProgram = promisify(execFile);

/** A server that a part of the demo has for itself. */
export interface OwnServer {
  readonly url: string;
  readonly tenantsDirectory: string;
  /** A command of `drawbridge` in its folder; resolves to what it prints. @throws Error with what it says when it fails */
  run(args: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export interface OwnServerContent {
  /** Tenant files by id. */
  readonly tenants: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * @param contentAt what it serves, once its address is known
 * @throws Error with what the server said when it does not start
 */
export const startOwnServer = async (contentAt: (url: string) => OwnServerContent): Promise<OwnServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-demo-'));
  const tenantsDirectory = join(folder, 'tenants');
  const port = await findFreePort();
  const url = `http://localhost:${port}`;
  const { tenants, environment } = contentAt(url);
  await mkdir(tenantsDirectory);
  for (const [id, tenant] of Object.entries(tenants))
    await writeFile(join(tenantsDirectory, `${id}.yaml`), stringify(tenant));
  const program = join(packageRoot(), 'bin/drawbridge.js');
  const env = {
    ...process.env,
    DRAWBRIDGE_SERVER__PORT: String(port),
    DRAWBRIDGE_SERVER__PUBLIC_URL: url,
    DRAWBRIDGE_STORAGE__URL: `file:${join(folder, 'data')}`,
    DRAWBRIDGE_TENANTS__DIRECTORY: tenantsDirectory,
    DRAWBRIDGE_SERVER__DRAIN_DELAY: '0s',
    ...environment,
  };
  const server = spawn(process.execPath, [program, 'start'], {
    ...{ cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] },
  });
  const words: string[] = [];
  server.stderr.on('data', (chunk: Buffer) => words.push(chunk.toString()));
  const ended = once(server, 'exit');
  const killWithUs = (): void => void server.kill('SIGKILL');
  process.once('exit', killWithUs);
  const close = async (): Promise<void> => {
    server.kill('SIGINT');
    await ended;
    process.removeListener('exit', killWithUs);
    await rm(folder, { recursive: true, force: true });
  };
  while (!(await isUp(url))) {
    if (server.exitCode !== null) throw new Error(`the server did not start: ${words.join('')}`);
    await delay(50);
  }
  const run = async (args: readonly string[]): Promise<string> =>
    (await runProgram(process.execPath, [program, ...args], { cwd: folder, env })).stdout;
  return { url, tenantsDirectory, run, close };
};

const isUp = async (url: string): Promise<boolean> => {
  try {
    return (await exchange(new URL(`${url}/healthz`))).status === 200;
  } catch {
    return false;
  }
};
