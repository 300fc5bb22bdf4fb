import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'ldapts';
import { findPart } from '../../scripts/real-parts.mjs';
import { eventually } from './eventually.ts';
import type { Certificate } from './slapd-certificates.ts';

/** A directory of one's own on loopback, with the people of `slapd-people.ldif`. */
export interface Slapd {
  readonly url: string;
  readonly ldapsUrl: string;
  readonly baseDn: string;
  readonly service: { readonly dn: string; readonly password: string };
  /** The lines that it logged on operations while `work` ran: each with its filter or name. */
  during(work: () => Promise<unknown>): Promise<readonly string[]>;
  /** Connections that are open now. */
  connections(): number;
  /** Changes entries as the administrator. */
  asAdmin<T>(work: (client: Client) => Promise<T>): Promise<T>;
  /** Kills it with SIGKILL and keeps its files. */
  kill(): Promise<void>;
  /** Stops it in its tracks (SIGSTOP): it goes on accepting connections and answers nothing. */
  pause(): void;
  resume(): void;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface SlapdOptions {
  readonly certificate?: Certificate;
  readonly caFile?: string;
  readonly needsClientCertificate?: boolean;
  /** Shows and checks nothing that is not encrypted, except to the administrator. */
  readonly needsTls?: boolean;
  readonly anonymousReads?: boolean;
  /** Further lines of the configuration, in the part of the database; rules of access go before the usual ones. */
  readonly settings?: readonly string[];
}

const baseDn = 'dc=example,dc=org';
const admin = { dn: `cn=admin,${baseDn}`, password: 'admin-Passw0rd' };
const service = { dn: `cn=service,${baseDn}`, password: 'service-Passw0rd' };
const peopleFile = join(import.meta.dirname, 'slapd-people.ldif');
const schemaFolders = ['/etc/ldap/schema', '/etc/openldap/schema', '/opt/homebrew/etc/openldap/schema'];
const moduleFolders = ['/usr/lib/ldap', '/usr/lib/openldap', '/usr/libexec/openldap'];

export const findFreePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

const operation = / (BIND dn|SRCH base|MOD dn|PASSMOD id|EXT oid)=/;

const configuration = (folder: string, options: SlapdOptions): string => {
  const { certificate, caFile } = options;
  const schemas = schemaFolders.find(existsSync);
  const modules = moduleFolders.find(existsSync);
  const others = options.anonymousReads === true ? 'read' : 'none';
  const encrypted = options.needsTls === true ? ' ssf=128' : '';
  return [
    ...['core', 'cosine', 'inetorgperson', 'nis'].map((name) => `include ${schemas}/${name}.schema`),
    ...(modules === undefined ? [] : [`modulepath ${modules}`]),
    ...['back_mdb', 'memberof', 'ppolicy'].map((name) => `moduleload ${name}`),
    `pidfile ${folder}/slapd.pid`,
    ...(certificate === undefined
      ? []
      : [`TLSCertificateFile ${certificate.certFile}`, `TLSCertificateKeyFile ${certificate.keyFile}`]),
    ...(caFile === undefined ? [] : [`TLSCACertificateFile ${caFile}`]),
    ...(options.needsClientCertificate === true ? ['TLSVerifyClient demand'] : []),
    'threads 4',
    'database mdb',
    'maxsize 67108864',
    'dbnosync',
    `suffix "${baseDn}"`,
    `rootdn "${admin.dn}"`,
    `rootpw ${admin.password}`,
    `directory ${folder}/data`,
    'index objectClass,uid,mail,member,uniqueMember,memberUid,entryUUID eq',
    ...(options.settings ?? []),
    `access to attrs=userPassword by${encrypted} anonymous auth by self write by * none`,
    `access to * by${encrypted} dn.exact="${service.dn}" read by self read by * ${others}`,
    'overlay memberof',
    'overlay ppolicy',
    `ppolicy_default "cn=default,ou=policies,${baseDn}"`,
    'ppolicy_use_lockout',
    'ppolicy_hash_cleartext',
    '',
  ].join('\n');
};

const isListening = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

const launch = async (slapd: string, args: readonly string[], lines: string[]) => {
  const child = spawn(slapd, [...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  void exited.then(() => process.removeListener('exit', killWithUs));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      if (line.includes('slapd starting')) resolve();
    });
    void exited.then(() =>
      reject(new Error(`slapd ended before it was ready:\n${lines.slice(-20).join('\n')}`)),
    );
  });
  // It says so before it listens.
  const [, , , urls = ''] = args;
  for (const url of urls.split(' '))
    await eventually(`slapd listens at ${url}`, () => isListening(url), 10_000);
  return { child, exited };
};

/** The signal comes back before each thread has stopped, and a thread that runs may still answer. */
const waitUntilStopped = (pid: number | undefined): void => {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return;
  const states = () =>
    readdirSync(tasks).map((task) => /\) (\w)/.exec(readFileSync(join(tasks, task, 'stat'), 'utf8'))?.[1]);
  while (states().some((state) => state !== 'T'));
};

export const startSlapd = async (options: SlapdOptions = {}): Promise<Slapd> => {
  const slapd = findPart('slapd');
  if (slapd === undefined) throw new Error('slapd is missing');
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-slapd-'));
  const file = join(folder, 'slapd.conf');
  await mkdir(join(folder, 'data'));
  await writeFile(file, configuration(folder, options));
  execFileSync(slapd, ['-T', 'add', '-q', '-f', file, '-l', peopleFile], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [port, tlsPort] = [await findFreePort(), await findFreePort()];
  const url = `ldap://127.0.0.1:${port}`;
  const ldapsUrl = `ldaps://127.0.0.1:${tlsPort}`;
  const urls = options.certificate === undefined ? url : `${url} ${ldapsUrl}`;
  const args = ['-f', file, '-h', urls, '-d', 'stats'];
  const lines: string[] = [];
  let running: { child: ChildProcess; exited: Promise<unknown> } = await launch(slapd, args, lines);
  const kill = async (): Promise<void> => {
    running.child.kill('SIGKILL');
    await running.exited;
  };
  const asAdmin: Slapd['asAdmin'] = async (work) => {
    const client = new Client({ url, timeout: 5_000, connectTimeout: 5_000 });
    try {
      await client.bind(admin.dn, admin.password);
      return await work(client);
    } finally {
      await client.unbind();
    }
  };
  let marks = 0;
  /** Lines come late: what was asked last must be among them. */
  const mark = async (): Promise<number> => {
    marks += 1;
    const filter = `(cn=mark ${marks})`;
    await asAdmin((client) => client.search(baseDn, { filter }));
    const find = () => lines.findIndex((line) => line.includes(filter));
    await eventually(`slapd logs ${filter}`, () => find() >= 0, 5_000);
    return find();
  };
  const isOurs = (line: string): boolean => !line.includes(admin.dn) && !line.includes('(cn=mark ');
  return {
    url,
    ldapsUrl,
    baseDn,
    service,
    during: async (work) => {
      const begin = await mark();
      await work();
      const end = await mark();
      return lines.slice(begin, end).filter((line) => operation.test(line) && isOurs(line));
    },
    connections: () => {
      const opened = lines.filter((line) => / conn=\d+ fd=\d+ ACCEPT /.test(line)).length;
      return opened - lines.filter((line) => / conn=\d+ fd=\d+ closed/.test(line)).length;
    },
    asAdmin,
    kill,
    pause: () => {
      running.child.kill('SIGSTOP');
      waitUntilStopped(running.child.pid);
    },
    resume: () => running.child.kill('SIGCONT'),
    restart: async () => {
      running = await launch(slapd, args, lines);
    },
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
