import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { packageRoot } from '../../src/package-root.ts';
import type { BenchDirectory } from '../directory/start-slapd.ts';
import { findFreePort } from '../free-port.ts';
import { exchange } from './http-exchange.ts';

/** A server of its own with two tenants: the people of `branch` are kept at `head-office` and in a directory. */
export interface Offices {
  readonly url: string;
  readonly tenantsDirectory: string;
  close(): Promise<void>;
}

const demoSecret = 'opens-only-this-short-lived-server-0123456789';
const appAt = 'https://app.example';

const headOffice = (url: string) => ({
  displayName: 'Head office',
  demo: true,
  resources: [{ identifier: 'https://api.example/head-office' }],
  clients: [
    {
      client_id: 'branch',
      client_name: 'The branch',
      client_secret: demoSecret,
      redirect_uris: [`${url}/oauth/branch/upstream/head-office/callback`],
      post_logout_redirect_uris: [`${url}/oauth/branch/upstream/head-office/signed-out`],
      firstParty: true,
    },
  ],
  users: [
    {
      username: 'alice',
      password: 'correct horse battery',
      email: 'alice@example.com',
      emailVerified: true,
      claims: { name: 'Alice Adams' },
    },
  ],
});

const branch = (url: string, directory: BenchDirectory | undefined) => ({
  displayName: 'Branch',
  demo: true,
  grants: { password: true },
  resources: [{ identifier: 'https://api.example/branch' }],
  sources: [
    { id: 'local', type: 'local' },
    {
      id: 'head-office',
      type: 'oidc',
      displayName: 'Head office',
      issuer: `${url}/oauth/head-office`,
      clientId: 'branch',
      clientSecret: demoSecret,
    },
    ...(directory === undefined ? [] : [ldapSource(directory)]),
  ],
  clients: [
    {
      client_id: 'web',
      client_name: 'Web app',
      client_secret: demoSecret,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [`${appAt}/callback`],
      post_logout_redirect_uris: [`${appAt}/signed-out`],
      firstParty: true,
    },
    { client_id: 'migrator', client_secret: demoSecret, grant_types: ['password'] },
  ],
  users: [{ username: 'janitor', password: 'works without a directory' }],
});

const ldapSource = (directory: BenchDirectory) => ({
  id: 'directory',
  type: 'ldap',
  displayName: 'Directory',
  url: directory.url,
  insecure: true,
  bind: directory.service,
  search: { base: directory.peopleBase },
  groups: { from: 'member', base: directory.groupsBase, nested: 'expand' },
  timeouts: { connect: '1s', operation: '2s' },
  mapping: [{ role: 'publisher', of: 'groups', equals: 'editors' }],
});

/** @throws Error with what the server said when it does not start */
export const openOffices = async (directory: BenchDirectory | undefined): Promise<Offices> => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-offices-'));
  const tenantsDirectory = join(folder, 'tenants');
  const port = await findFreePort();
  const url = `http://localhost:${port}`;
  await mkdir(tenantsDirectory);
  await writeFile(join(tenantsDirectory, 'head-office.yaml'), stringify(headOffice(url)));
  await writeFile(join(tenantsDirectory, 'branch.yaml'), stringify(branch(url, directory)));
  const server = spawn(process.execPath, [join(packageRoot(), 'bin/drawbridge.js'), 'start'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      DRAWBRIDGE_SERVER__PORT: String(port),
      DRAWBRIDGE_SERVER__PUBLIC_URL: url,
      DRAWBRIDGE_STORAGE__URL: `file:${join(folder, 'data')}`,
      DRAWBRIDGE_TENANTS__DIRECTORY: tenantsDirectory,
      DRAWBRIDGE_SERVER__DRAIN_DELAY: '0s',
    },
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
  return { url, tenantsDirectory, close };
};

const isUp = async (url: string): Promise<boolean> => {
  try {
    return (await exchange(new URL(`${url}/healthz`))).status === 200;
  } catch {
    return false;
  }
};
