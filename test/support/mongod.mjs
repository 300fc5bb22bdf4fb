// Plain JavaScript, because jest's global set-up is loaded without a transform.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findPart } from '../../scripts/real-parts.mjs';

const findFreePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
};

const launch = async (mongod, args) => {
  const child = spawn(mongod, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  exited.then(() => process.removeListener('exit', killWithUs));
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise((resolve, reject) => {
    const last = [];
    lines.on('line', (line) => {
      last.push(line);
      if (last.length > 20) last.shift();
      if (line.includes('"Waiting for connections"')) resolve();
    });
    exited.then(() => reject(new Error(`mongod ended before it was ready:\n${last.join('\n')}`)));
  });
  await ready;
  return { child, exited };
};

const initiate = async (port) => {
  const { default: mongoose } = await import('mongoose');
  const client = new mongoose.mongo.MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  const admin = client.db('admin');
  const config = { _id: 'rs0', members: [{ _id: 0, host: `127.0.0.1:${port}` }] };
  await admin.command({ replSetInitiate: config });
  while (!(await admin.command({ hello: 1 })).isWritablePrimary) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await client.close();
};

/**
 * A mongod of one's own on a free port, with its files in a temporary folder. Nothing is deleted behind a test's
 * back: the TTL monitor is off unless `ttlMonitorSeconds` is given.
 */
export const startMongod = async ({ replicaSet = false, ttlMonitorSeconds, failPoints = false } = {}) => {
  const mongod = findPart('mongod');
  if (mongod === undefined) throw new Error('mongod is missing');
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-mongod-'));
  const port = await findFreePort();
  const ttl =
    ttlMonitorSeconds === undefined ? 'ttlMonitorEnabled=false' : `ttlMonitorSleepSecs=${ttlMonitorSeconds}`;
  const args = [
    ...['--dbpath', folder, '--port', `${port}`, '--bind_ip', '127.0.0.1', '--nounixsocket'],
    ...['--wiredTigerCacheSizeGB', '0.25', '--setParameter', 'diagnosticDataCollectionEnabled=false'],
    ...(failPoints ? ['--setParameter', 'enableTestCommands=1'] : []),
    ...['--setParameter', ttl, ...(replicaSet ? ['--replSet', 'rs0', '--oplogSize', '64'] : [])],
  ];
  let { child, exited } = await launch(mongod, args);
  if (replicaSet) await initiate(port);
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return {
    url: `mongodb://127.0.0.1:${port}/${replicaSet ? '?replicaSet=rs0' : ''}`,
    port,
    pid: child.pid,
    /** Kills it with SIGKILL and keeps its files. */
    kill,
    /** Stops it in its tracks (SIGSTOP), or lets it go on. */
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    restart: async () => {
      ({ child, exited } = await launch(mongod, args));
    },
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
