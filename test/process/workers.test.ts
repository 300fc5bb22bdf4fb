import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { readMetrics } from '../support/metrics-reading.ts';
import { freePort } from '../support/test-server.ts';
import { ensureBuilt } from './built.ts';
import {
  createInstallation,
  type Installation,
  passwordGrant,
  type RunningServer,
  serviceTenant,
} from './installation.ts';

const password = 'correct horse battery staple';
const two = { DRAWBRIDGE_SERVER__WORKERS: '2' };

let home: Installation;
beforeAll(ensureBuilt, 120_000);
beforeEach(async () => {
  home = await createInstallation(two);
  home.putTenant('acme', serviceTenant());
});
afterEach(() => home.remove());

/** Each request on a connection of its own, so that the workers take turns. */
const discover = async (): Promise<number> => {
  const response = await fetch(`${home.issuer('acme')}/.well-known/openid-configuration`, {
    headers: { Connection: 'close' },
  });
  await response.text();
  return response.status;
};

const workersThatAnswered = (server: RunningServer): ReadonlySet<unknown> =>
  new Set(server.log().flatMap(({ msg, worker }) => (msg === 'request' ? [worker] : [])));

const listening = (server: RunningServer): readonly unknown[] =>
  server.log().flatMap(({ msg, worker }) => (msg === 'listening' ? [worker] : []));

const waitForWorkers = (server: RunningServer, count: number): Promise<void> =>
  server.waitForLog(() => listening(server).length >= count);

describe('several workers', () => {
  it('write one banner', async () => {
    const words = await home.startInTerminal();
    expect(words.match(/Drawbridge serves/g)).toHaveLength(1);
  });

  it('share the port and the store', async () => {
    const server = await home.start();
    await waitForWorkers(server, 2);
    await Promise.all(Array.from({ length: 20 }, discover));
    await server.waitForLog(() => workersThatAnswered(server).size === 2);
  });

  it('know a user whom the command line has just added, each of them', async () => {
    const server = await home.start();
    await waitForWorkers(server, 2);
    const add = await home.run(['user', 'add', 'acme', 'alice', '--password-stdin'], { input: password });
    expect(add.code).toBe(0);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => passwordGrant(home.issuer('acme'), { username: 'alice', password })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    await home.run(['user', 'disable', 'acme', 'alice']);
    const refused = await Promise.all(
      Array.from({ length: 8 }, () => passwordGrant(home.issuer('acme'), { username: 'alice', password })),
    );
    expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 400));
  });

  it('show the numbers of all of them', async () => {
    const port = await freePort();
    const server = await home.start({ DRAWBRIDGE_MANAGEMENT__PORT: String(port) });
    await waitForWorkers(server, 2);
    await Promise.all(Array.from({ length: 20 }, discover));
    await server.waitForLog(() => workersThatAnswered(server).size === 2);
    const route = { route: '/oauth/:tenant/.well-known/openid-configuration' };
    const requests = async () => (await readMetrics(port)).sum('drawbridge_http_requests_total', route);
    await eventually('all requests are counted', async () => (await requests()) === 20, 5000);
  });

  it('are replaced when they die', async () => {
    const server = await home.start();
    await waitForWorkers(server, 2);
    const { pid } = await workerOf(server.pid);
    process.kill(pid, 'SIGKILL');
    await server.waitForLog(({ msg }) => msg === 'a worker has ended');
    expect(await discover()).toBe(200);
    await waitForWorkers(server, 3);
    await Promise.all(Array.from({ length: 20 }, discover));
    await server.waitForLog(() => workersThatAnswered(server).has(3));
  });

  it('all end when the primary is asked to, after their requests', async () => {
    const server = await home.start();
    await waitForWorkers(server, 2);
    const answers = Promise.all(Array.from({ length: 10 }, discover));
    await server.waitForLog(({ msg }) => msg === 'request');
    server.process.kill('SIGTERM');
    const settled = await answers.catch((error: unknown) => error);
    const { code } = await server.ended;
    expect(code).toBe(0);
    expect(settled).toEqual(Array.from({ length: 10 }, () => 200));
    // `ended` waits for the last process that holds standard output, so no worker is left behind.
    expect(server.log().filter(({ msg }) => msg === 'stopped')).toHaveLength(2);
  });

  it('end when the primary was killed, and leave port and data free', async () => {
    const server = await home.start();
    await waitForWorkers(server, 2);
    server.process.kill('SIGKILL');
    // Standard output closes with the last process that holds it.
    await server.ended;
    const next = await home.start();
    expect(listening(next)).not.toEqual([]);
  });

  it('that cannot begin end the primary with what to do', async () => {
    const other = await createInstallation();
    try {
      await other.start();
      const { code, stderr } = await home.run(['start', '--port', String(other.port)]);
      expect(code).toBe(1);
      expect(stderr).toContain(`Port ${other.port} on 127.0.0.1 is in use`);
      expect(stderr.match(/is in use/g)).toHaveLength(1);
    } finally {
      await other.remove();
    }
  });
});

/** One of the processes that the primary started. */
const workerOf = async (primary: number): Promise<{ readonly pid: number }> => {
  const { execFileSync } = await import('node:child_process');
  const children = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const [found] = children.filter(([, parent]) => parent === primary);
  return { pid: found?.[0] ?? 0 };
};
