import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPart } from '../../scripts/real-parts.mjs';

/** A Samba Active Directory domain controller that speaks LDAP only, on an address of its own on loopback. */
export interface Samba {
  /** Its ports are 389 and 636, which Samba does not let one choose. */
  readonly address: string;
  readonly ldapsUrl: string;
  readonly ldapUrl: string;
  /** PEM of the certificate authority that signed its certificate, which is for `serverName`. */
  readonly ca: string;
  readonly serverName: string;
  readonly baseDn: string;
  readonly realm: string;
  readonly administrator: { readonly dn: string; readonly password: string };
  /** `samba-tool` on the directory's own database. @throws Error with its output when it fails */
  tool(...args: readonly string[]): string;
  /** Changes an entry as no client may (operational attributes too). */
  modify(ldif: string): void;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const realm = 'AD.TEST';
const serverName = 'dc1.ad.test';
const password = 'Administrators-Passw0rd';

const isListening = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

const launch = async (samba: string, folder: string, address: string) => {
  const child = spawn(
    samba,
    ['--foreground', '--no-process-group', '--model=single', `--configfile=${join(folder, 'etc/smb.conf')}`],
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  void exited.then(() => process.removeListener('exit', killWithUs));
  let hasEnded = false;
  void exited.then(() => {
    hasEnded = true;
  });
  while (!((await isListening(address, 636)) && (await isListening(address, 389)))) {
    if (hasEnded) throw new Error('samba ended before it was ready');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, exited };
};

const run = (command: string, args: readonly string[], input?: string): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', input });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${stderr}${stdout}`);
  return stdout;
};

/** Makes a domain of its own in a temporary folder, which takes some seconds, and starts its controller. */
export const startSamba = async (): Promise<Samba> => {
  const samba = findPart('samba');
  if (samba === undefined) throw new Error('samba is missing');
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-samba-'));
  // Several may run at once on this machine.
  const address = `127.${64 + (process.pid % 128)}.${Math.floor(Date.now() / 1000) % 250}.7`;
  run('samba-tool', [
    ...[
      'domain',
      'provision',
      '--server-role=dc',
      `--realm=${realm}`,
      '--domain=AD',
      `--adminpass=${password}`,
    ],
    ...['--dns-backend=NONE', `--targetdir=${folder}`, '--host-name=dc1', '--host-ip=127.0.0.1'],
    ...['--option=interfaces=lo', '--option=bind interfaces only=yes', '--option=vfs objects='],
  ]);
  const state = join(folder, 'run');
  await mkdir(state);
  // The last value counts: LDAP alone, and nothing outside of the folder.
  const own = [
    ['server services', 'ldap'],
    ['interfaces', `${address}/8`],
    ['bind interfaces only', 'yes'],
    ['pid directory', state],
    ['ncalrpc dir', join(state, 'ncalrpc')],
    ['log file', join(state, 'samba.log')],
  ];
  await appendFile(
    join(folder, 'etc/smb.conf'),
    `\n[global]\n${own.map(([key, value]) => `\t${key} = ${value}\n`).join('')}`,
  );
  let { child, exited } = await launch(samba, folder, address);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  const database = join(folder, 'private/sam.ldb');
  const baseDn = 'DC=ad,DC=test';
  return {
    address,
    ldapUrl: `ldap://${address}:389`,
    ldapsUrl: `ldaps://${address}:636`,
    ca: await readFile(join(folder, 'private/tls/ca.pem'), 'utf8'),
    serverName,
    baseDn,
    realm,
    administrator: { dn: `CN=Administrator,CN=Users,${baseDn}`, password },
    tool: (...args) =>
      run('samba-tool', [...args, '-H', database, `--configfile=${join(folder, 'etc/smb.conf')}`]),
    modify: (ldif) => {
      // The last part lets a time be written that nobody may set.
      const controls = ['relax:0', 'local_oid:1.3.6.1.4.1.7165.4.3.12:0'].map((name) => `--controls=${name}`);
      run('ldbmodify', ['-H', database, ...controls], ldif);
    },
    kill,
    restart: async () => {
      ({ child, exited } = await launch(samba, folder, address));
    },
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
