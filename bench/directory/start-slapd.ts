// A small directory on loopback, for the demo and the bench: a real slapd with people and nested groups.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/package-root.ts';
import { findFreePort } from '../free-port.ts';

export interface DirectoryPerson {
  readonly username: string;
  readonly password: string;
  readonly email: string;
  readonly name: string;
  /** Names of groups that list the person. */
  readonly groups: readonly string[];
}

export interface BenchDirectory {
  readonly url: string;
  /** PEM of its own certificate. */
  readonly ca?: string;
  pid(): number;
  readonly peopleBase: string;
  readonly groupsBase: string;
  readonly service: { readonly dn: string; readonly password: string };
  /** Starts it again after `kill`, on the same port and data. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  /** Kills it and removes its files. */
  close(): Promise<void>;
}

/** Group to the group that contains it. */
export type Nesting = Readonly<Record<string, string>>;

interface RealParts {
  findPart(name: 'slapd'): string | undefined;
}

const suffix = 'dc=example,dc=org';
const service = { dn: `cn=reader,${suffix}`, password: 'opens-this-short-lived-directory' };
const schemaFolders = ['/etc/ldap/schema', '/etc/openldap/schema', '/opt/homebrew/etc/openldap/schema'];
const moduleFolders = ['/usr/lib/ldap', '/usr/lib/openldap', '/usr/libexec/openldap'];

/** Where slapd is, if it is installed. */
export const findSlapd = async (): Promise<string | undefined> => {
  const parts = pathToFileURL(join(packageRoot(), 'scripts/real-parts.mjs')).href;
  return ((await import(parts)) as RealParts).findPart('slapd'); // plain JavaScript beside the build
};

export interface DirectoryOptions {
  readonly people: readonly DirectoryPerson[];
  readonly nesting: Nesting;
  /** With a certificate that `openssl` makes; `ldaps` alone then. */
  readonly isTls?: boolean;
}

/** @throws Error when slapd does not start */
export const startDirectory = async (
  slapd: string,
  { people, nesting, isTls = false }: DirectoryOptions,
): Promise<BenchDirectory> => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-directory-'));
  await mkdir(join(folder, 'data'));
  if (isTls) await makeCertificate(folder);
  await writeFile(join(folder, 'slapd.conf'), configuration(folder, isTls), { mode: 0o600 });
  await writeFile(join(folder, 'people.ldif'), entries(people, nesting), { mode: 0o600 });
  const config = ['-f', join(folder, 'slapd.conf')];
  const load = spawn(slapd, ['-T', 'add', ...config, '-l', join(folder, 'people.ldif')], { stdio: 'ignore' });
  const [status] = await once(load, 'exit');
  if (status !== 0) throw new Error(`slapd did not take the people (${status})`);

  const port = await findFreePort();
  const url = `${isTls ? 'ldaps' : 'ldap'}://127.0.0.1:${port}`;
  let child = await launch(slapd, [...config, '-h', url, '-d', '0'], port);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  return {
    url,
    ...(isTls ? { ca: await readFile(join(folder, 'certificate.pem'), 'utf8') } : {}),
    pid: () => child.pid ?? 0,
    peopleBase: `ou=people,${suffix}`,
    groupsBase: `ou=groups,${suffix}`,
    service,
    kill,
    restart: async () => {
      child = await launch(slapd, [...config, '-h', url, '-d', '0'], port);
    },
    close: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const makeCertificate = async (folder: string): Promise<void> => {
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')];
  const kind = ['-x509', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const openssl = spawn('openssl', ['req', ...kind, ...names, ...files], { stdio: 'ignore' });
  const [status] = await once(openssl, 'exit');
  if (status !== 0) throw new Error(`openssl made no certificate (${status})`);
};

const configuration = (folder: string, isTls: boolean): string => {
  const schemas = schemaFolders.find(existsSync);
  const modules = moduleFolders.find(existsSync);
  return [
    ...['core', 'cosine', 'inetorgperson'].map((name) => `include ${schemas}/${name}.schema`),
    ...(modules === undefined ? [] : [`modulepath ${modules}`, 'moduleload back_mdb']),
    `pidfile ${folder}/slapd.pid`,
    ...(isTls
      ? [`TLSCertificateFile ${folder}/certificate.pem`, `TLSCertificateKeyFile ${folder}/key.pem`]
      : []),
    'threads 4',
    'database mdb',
    'dbnosync',
    `suffix "${suffix}"`,
    `directory ${folder}/data`,
    'index objectClass,uid,mail,member,entryUUID eq',
    'access to attrs=userPassword by anonymous auth by * none',
    `access to * by dn.exact="${service.dn}" read by * none`,
    '',
  ].join('\n');
};

const entries = (people: readonly DirectoryPerson[], nesting: Nesting): string => {
  const dnOf = (person: string): string => `uid=${person},ou=people,${suffix}`;
  const groupDn = (group: string): string => `cn=${group},ou=groups,${suffix}`;
  const names = new Set([...people.flatMap(({ groups }) => groups), ...Object.entries(nesting).flat()]);
  const membersOf = (group: string): readonly string[] => [
    ...people.filter(({ groups }) => groups.includes(group)).map(({ username }) => dnOf(username)),
    ...Object.entries(nesting)
      .filter(([, parent]) => parent === group)
      .map(([child]) => groupDn(child)),
  ];
  const records: readonly (readonly string[])[] = [
    [`dn: ${suffix}`, 'objectClass: dcObject', 'objectClass: organization', 'dc: example', 'o: Example'],
    [
      `dn: ${service.dn}`,
      'objectClass: organizationalRole',
      'objectClass: simpleSecurityObject',
      'cn: reader',
      `userPassword: ${service.password}`,
    ],
    ...['people', 'groups'].map((unit) => [
      `dn: ou=${unit},${suffix}`,
      'objectClass: organizationalUnit',
      `ou: ${unit}`,
    ]),
    ...people.map(({ username, password, email, name }) => [
      `dn: ${dnOf(username)}`,
      'objectClass: inetOrgPerson',
      `uid: ${username}`,
      `cn: ${name}`,
      `sn: ${name.split(' ').at(-1)}`,
      `mail: ${email}`,
      `userPassword: ${password}`,
    ]),
    ...[...names].map((group) => [
      `dn: ${groupDn(group)}`,
      'objectClass: groupOfNames',
      `cn: ${group}`,
      ...membersOf(group).map((dn) => `member: ${dn}`),
    ]),
  ];
  return records.map((lines) => `${lines.join('\n')}\n`).join('\n');
};

const launch = async (slapd: string, args: readonly string[], port: number): Promise<ChildProcess> => {
  const child = spawn(slapd, [...args], { stdio: 'ignore' });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  child.once('exit', () => process.removeListener('exit', killWithUs));
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`slapd ended before it was ready (${child.exitCode})`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return child;
};

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
