import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { packageRoot } from '../../src/package-root.ts';

const drawbridge = [process.execPath, join(packageRoot(), 'bin', 'drawbridge.js')];

export type Environment = Readonly<Record<string, string>>;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningServer {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Standard error so far: words for people, none while all is well. */
  words(): string;
  /** Standard output so far: the log, parsed. */
  log(): readonly Readonly<Record<string, unknown>>[];
  waitForLog(test: (line: Readonly<Record<string, unknown>>) => boolean): Promise<void>;
  readonly ended: Promise<Outcome>;
}

/** A folder with settings, tenants and data, as somebody has it who installed Drawbridge. */
export interface Installation {
  readonly folder: string;
  readonly publicUrl: string;
  readonly port: number;
  issuer(tenant: string): string;
  putTenant(id: string, content: Readonly<Record<string, unknown>> | string): void;
  /** Runs a command to its end. */
  run(
    args: readonly string[],
    more?: { readonly input?: string; readonly env?: Environment },
  ): Promise<Outcome>;
  /**
   * Starts the server; resolves when it listens, or when it ended instead.
   * @param command how; default: as `npx --no drawbridge start` does
   */
  start(env?: Environment, command?: readonly string[]): Promise<RunningServer>;
  /** Starts it in a terminal; resolves to all that is written there, with the whole banner. */
  startInTerminal(env?: Environment): Promise<string>;
  /** Kills what still runs and removes the folder. */
  remove(): Promise<void>;
}

export const clientSecret = 'a-secret-of-the-tests-that-is-long-enough';

/** A tenant with a client for the password grant and for itself. */
export const serviceTenant = (changes: Readonly<Record<string, unknown>> = {}) => ({
  displayName: 'Acme',
  grants: { password: true },
  clients: [
    {
      client_id: 'migrator',
      client_secret: 'env:TEST_CLIENT_SECRET',
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['password', 'refresh_token', 'client_credentials'],
    },
  ],
  ...changes,
});

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
};

export const createInstallation = async (env: Environment = {}): Promise<Installation> => {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-process-'));
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const children = new Set<ChildProcess>();
  mkdirSync(join(folder, 'tenants'));
  const environment = (more: Environment): NodeJS.ProcessEnv => ({
    PATH: process.env.PATH,
    TEST_CLIENT_SECRET: clientSecret,
    DRAWBRIDGE_SERVER__PORT: String(port),
    DRAWBRIDGE_SERVER__DRAIN_DELAY: '0s',
    DRAWBRIDGE_PASSWORDS__MEMORY: '7168KiB',
    DRAWBRIDGE_PASSWORDS__ITERATIONS: '1',
    ...env,
    ...more,
  });

  const launch = ([program = '', ...args]: readonly string[], more: Environment) => {
    // a group of its own, so that what it starts ends with it
    const child = spawn(program, args, { cwd: folder, env: environment(more), detached: true });
    children.add(child);
    const out: string[] = [];
    const err: string[] = [];
    const listeners = new Set<() => void>();
    const collect = (into: string[]) => (chunk: Buffer) => {
      into.push(chunk.toString());
      for (const listener of listeners) listener();
    };
    child.stdout.on('data', collect(out));
    child.stderr.on('data', collect(err));
    const ended = once(child, 'close').then(([code]): Outcome => {
      children.delete(child);
      return { code: code as number | null, stdout: out.join(''), stderr: err.join('') };
    });
    const waitFor = (test: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        const check = () => {
          if (!test()) return;
          listeners.delete(check);
          resolve();
        };
        listeners.add(check);
        check();
      });
    return { child, ended, waitFor, words: () => err.join(''), text: () => out.join('') };
  };

  return {
    folder,
    publicUrl,
    port,
    issuer: (tenant) => `${publicUrl}/oauth/${tenant}`,
    putTenant: (id, content) =>
      writeFileSync(
        join(folder, 'tenants', `${id}.yaml`),
        typeof content === 'string' ? content : stringify(content),
      ),
    run: (args, { input = '', env: more = {} } = {}) => {
      const { child, ended } = launch([...drawbridge, ...args], more);
      child.stdin.end(input);
      return ended;
    },
    start: async (more = {}, command = [...drawbridge, 'start']) => {
      const { child, ended, waitFor, words, text } = launch(command, more);
      const log = () =>
        text()
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Record<string, unknown>);
      await Promise.race([waitFor(() => text().includes('"msg":"listening"')), ended]);
      return {
        process: child,
        pid: child.pid ?? 0,
        words,
        log,
        waitForLog: (test) => waitFor(() => log().some(test)),
        ended,
      };
    },
    startInTerminal: async (more = {}) => {
      const command = ['script', '-qefc', `'${drawbridge.join("' '")}' start`, '/dev/null'];
      const { child, ended, waitFor, text } = launch(command, more);
      await Promise.race([waitFor(() => /^ {2}tenants {2}[^\n]*\n/m.test(text())), ended]);
      // the terminal has a process group of its own
      child.stdin.write('\x03');
      await ended;
      return text().replaceAll('\r\n', '\n');
    },
    remove: async () => {
      const ends = [...children].map((child) => once(child, 'close'));
      for (const { pid } of children) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      await Promise.all(ends);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** Asks for a token with the password grant. */
export const passwordGrant = (
  issuer: string,
  credentials: { readonly username: string; readonly password: string },
): Promise<Response> =>
  fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'migrator',
      client_secret: clientSecret,
      scope: 'openid',
      ...credentials,
    }),
  });
