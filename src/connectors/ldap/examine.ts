// Examines the real directory for `doctor`, on connections of its own: one server after the other, each as far as
// possible.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SourceFinding } from '../connector.ts';
import { type LdapConnection, openConnection } from './connection.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { examineContents, type Note } from './examine-contents.ts';
import { hasEntry } from './filters.ts';
import { parseEndpoint } from './ldap-socket.ts';
import type { LdapSourceParts } from './ldap-source-parts.ts';
import { detailOf } from './unreachable.ts';

const dayMs = 24 * 3600 * 1000;
const expiryWarningDays = 30;
const clockWarningMs = 60_000;

/** Never rejects. */
export const examine = async (parts: LdapSourceParts): Promise<readonly SourceFinding[]> => {
  const findings: SourceFinding[] = [];
  for (const url of parts.source.urls) findings.push(...(await examineServer(parts, url)));
  return findings;
};

const examineServer = async (parts: LdapSourceParts, url: string): Promise<readonly SourceFinding[]> => {
  const { source } = parts;
  const findings: SourceFinding[] = [];
  const note = (verdict: SourceFinding['verdict'], about: string, message: string): void => {
    findings.push({ verdict, about: `${url}: ${about}`, message });
  };
  const { host } = parseEndpoint(url);
  if (isIP(host) === 0) {
    try {
      const addresses = await lookup(host, { all: true });
      note('ok', 'name', `${host} is ${addresses.map(({ address }) => address).join(', ')}`);
    } catch {
      note(
        'problem',
        'name',
        `${host} cannot be resolved. Correct the host in "urls", or the DNS of this machine.`,
      );
      return findings;
    }
  }
  let connection: LdapConnection;
  try {
    connection = await openConnection(url, source);
  } catch (error) {
    note('problem', 'connection', adviceFor(error, url, source.startTls));
    return findings;
  }
  const deadline = startDeadline(10 * source.operationTimeoutMs);
  try {
    note('ok', 'connection', 'The server accepts connections.');
    noteEncryption(connection, note, parts.clock.now());
    if (!(await noteBind(connection, parts, note, deadline))) return findings;
    await noteClock(connection, parts, note, deadline);
    // without an account of its own the source can read nothing
    if (source.bind.as !== 'person') await examineContents({ source, connection, deadline }, note);
  } catch (error) {
    const question = connection.isUsable ? '' : ' Is it overloaded, or is this no LDAP server?';
    note('problem', 'answers', `${detailOf(error)}.${question}`);
  } finally {
    connection.close();
  }
  return findings;
};

const noteEncryption = ({ socket }: LdapConnection, note: Note, nowMs: number): void => {
  if (!(socket instanceof TLSSocket)) {
    note('warning', 'encryption', 'Passwords travel in clear text. Use ldaps:// or "startTls: true".');
    return;
  }
  const { valid_to: validTo } = socket.getPeerCertificate();
  const days = Math.floor((Date.parse(validTo) - nowMs) / dayMs);
  if (days < expiryWarningDays)
    note(
      'warning',
      'certificate',
      `It expires in ${days} days (${validTo}). Renew it on the directory's server.`,
    );
  else note('ok', 'certificate', `It is valid until ${validTo} (${socket.getProtocol()}).`);
};

const noteBind = async (
  connection: LdapConnection,
  { source }: LdapSourceParts,
  note: Note,
  deadline: Deadline,
): Promise<boolean> => {
  const { bind } = source;
  if (bind.as !== 'service') return true;
  const answer = await connection.bind(bind.dn, bind.password, deadline);
  if (answer.ok && answer.policy !== 'changeAfterReset') {
    note('ok', 'bind', `${bind.dn} is accepted.`);
    return true;
  }
  const why = answer.ok
    ? 'its password must be changed'
    : `code ${answer.code} ${answer.diagnostic}`.trimEnd();
  note('problem', 'bind', `${bind.dn} is refused (${why}). Check the name and the password under "bind".`);
  return false;
};

/** Only Active Directory gives its time. A difference of the clocks makes accounts expire at the wrong time. */
const noteClock = async (
  connection: LdapConnection,
  { clock }: LdapSourceParts,
  note: Note,
  deadline: Deadline,
): Promise<void> => {
  const query = {
    base: '',
    scope: 'base',
    filter: hasEntry,
    attributes: ['currentTime'],
    sizeLimit: 1,
  } as const;
  const [root] = await connection.search(query, deadline).catch((error: unknown) => {
    if (connection.isUsable) return [];
    throw error;
  });
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(root?.texts('currentTime')[0] ?? '') ?? [];
  if (year === undefined) return;
  const theirs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const seconds = Math.round((theirs - clock.now()) / 1000);
  if (Math.abs(seconds) * 1000 <= clockWarningMs) note('ok', 'clock', 'It agrees with ours.');
  else
    note('warning', 'clock', `It is ${seconds} s off ours. Let both machines follow the same time servers.`);
};

const advice: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there. Check host and port in "urls", and that the directory runs.',
  ETIMEDOUT: 'No answer. Check host and port in "urls", and the firewalls between the two machines.',
  EHOSTUNREACH: 'There is no route to that address. Check routes and firewalls.',
  ENETUNREACH: 'There is no route to that address. Check routes and firewalls.',
  ECONNRESET:
    'The server hung up. Does the port speak TLS, and does the server ask for a client certificate?',
  EPROTO: 'The server speaks no TLS there. ldaps:// is usually port 636; for port 389 use "startTls: true".',
  CERT_HAS_EXPIRED: 'Its certificate has expired. Renew it on the server of the directory.',
  CERT_NOT_YET_VALID: 'Its certificate is not valid yet. Check the clocks of both machines.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'Its certificate is for another name. Use that name in "urls", or set "tls.serverName".',
};

const unknownAuthority =
  'Its certificate is signed by an authority that is not trusted here. Set "tls.ca" to the certificate of that authority.';

const adviceFor = (error: unknown, url: string, startTls: boolean): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  const known =
    advice[code] ?? (/SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY/.test(code) ? unknownAuthority : undefined);
  if (known !== undefined) return known;
  if (/^ERR_SSL|^ERR_OSSL/.test(code))
    return `TLS fails (${code}). Does ${url} speak TLS of version 1.2 or later?`;
  const hint =
    startTls && url.startsWith('ldap://')
      ? ' For a port of ldaps://, usually 636, write that instead of "startTls".'
      : '';
  return `${detailOf(error)}.${hint}`;
};
