import { Attribute, BerWriter, Change } from 'ldapts';
import type { LdapSource } from '../../config/source/source-definition.ts';
import type { Credentials, PasswordChangeVerdict } from '../connector.ts';
import { bindRefusal } from './bind-verdict.ts';
import type { LdapAnswer, LdapConnection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { isExpiryProof, mayWritePassword } from './expired-password.ts';
import { fillDn } from './filters.ts';
import type { LdapSourceParts } from './ldap-source-parts.ts';
import { findByLogin } from './person-search.ts';
import { resultCode } from './result-codes.ts';
import { decoyCredentials } from './sign-in.ts';
import { misconfigured, unreachable } from './unreachable.ts';

export type NewPassword = Credentials & { readonly newPassword: string };

/**
 * The person proves the old password by a bind, and changes it on the same connection. Not every directory accepts the
 * bind of a person whose password has expired or must be changed: the tenant's own account then sends both passwords, or
 * the new one alone where the directory does not let it present the old one and it may write passwords.
 * @throws AppError `unavailable`
 */
export const changePassword = async (
  parts: LdapSourceParts,
  change: NewPassword,
  deadline: Deadline,
): Promise<PasswordChangeVerdict> => {
  const { source } = parts;
  const found = await findName(parts, change.login, deadline);
  const { dn, secret } =
    found === undefined ? decoyCredentials(source) : { dn: found, secret: change.password };
  let isSent = false;
  const send = (connection: LdapConnection): Promise<LdapAnswer> => {
    isSent = true;
    return sendChange(connection, { source, dn, change, deadline });
  };
  const byPerson = await parts.directory.use<LdapAnswer | 'credentials' | 'not_let_in'>('people', {
    deadline,
    get isRepeatable() {
      return !isSent;
    },
    work: async (connection) => {
      const answer = await connection.bind(dn, secret, deadline);
      // without `revealLock`, so that a lock looks like a wrong password
      const refusal = bindRefusal(answer, { kind: source.kind, revealLock: false });
      if (answer.ok) return await send(connection);
      return refusal === 'password_expired' || refusal === 'password_change_required'
        ? 'not_let_in'
        : 'credentials';
    },
  });
  if (found === undefined || byPerson === 'credentials') return { ok: false, reason: 'credentials' };
  if (byPerson !== 'not_let_in') return readAnswer(byPerson, source);
  if (source.bind.as !== 'service')
    throw misconfigured({
      reason: 'it has no account that can change expired passwords',
      detail: `source ${source.id}: only an account of its own can change passwords that have expired`,
    });
  const asService = (work: (connection: LdapConnection) => Promise<LdapAnswer>): Promise<LdapAnswer> =>
    parts.directory.use('service', {
      deadline,
      get isRepeatable() {
        return !isSent;
      },
      work,
    });
  const byService = await asService(send);
  if (!needsNewAlone(byService, source) || !(await isExpiryProof(parts, dn, deadline)))
    return readAnswer(byService, source);
  const { password: _, ...newAlone } = change;
  return readAnswer(
    await asService((connection) => sendChange(connection, { source, dn, change: newAlone, deadline })),
    source,
  );
};

/** OpenLDAP verifies no old password for another account. */
const needsNewAlone = (answer: LdapAnswer, { kind }: LdapSource): boolean =>
  kind === 'openldap' &&
  !answer.ok &&
  answer.policy === undefined &&
  (answer.code === resultCode.unwillingToPerform || answer.code === resultCode.insufficientAccessRights);

/**
 * Can this person change a password that has expired?
 * @throws AppError `unavailable`
 */
export const isExpiredChangeable = async (
  parts: LdapSourceParts,
  login: string,
  deadline: Deadline,
): Promise<boolean> => {
  const { source, directory } = parts;
  if (source.kind === 'active-directory') return true;
  if (source.bind.as !== 'service') return false;
  return directory.use('service', {
    isRepeatable: true,
    deadline,
    work: async (connection) => {
      const entry = await findByLogin({ ...parts, connection, deadline }, login);
      return entry !== undefined && (await mayWritePassword(connection, entry.dn, deadline));
    },
  });
};

const findName = async (
  parts: LdapSourceParts,
  login: string,
  deadline: Deadline,
): Promise<string | undefined> => {
  const { bind } = parts.source;
  if (bind.as === 'person') return fillDn(bind.dnTemplate, login);
  const entry = await parts.directory.use('service', {
    deadline,
    isRepeatable: true,
    work: (connection) => findByLogin({ ...parts, connection, deadline }, login),
  });
  return entry?.dn;
};

interface Sending {
  readonly source: LdapSource;
  readonly dn: string;
  /** Without the old password: the new one replaces it. */
  readonly change: Pick<NewPassword, 'newPassword'> & Partial<NewPassword>;
  readonly deadline: Deadline;
}

const sendChange = (connection: LdapConnection, sending: Sending): Promise<LdapAnswer> => {
  const { source, dn, change, deadline } = sending;
  if (source.passwordChange === 'rfc3062')
    return connection.extended('1.3.6.1.4.1.4203.1.11.1', passwordModify(sending), deadline);
  const isActiveDirectory = source.kind === 'active-directory';
  const type = isActiveDirectory ? 'unicodePwd' : 'userPassword';
  const encode = isActiveDirectory ? quotedUtf16 : (password: string) => Buffer.from(password);
  const changed = (operation: 'add' | 'delete' | 'replace', password: string): Change =>
    new Change({ operation, modification: new Attribute({ type, values: [encode(password)] }) });
  const changes =
    change.password === undefined
      ? [changed('replace', change.newPassword)]
      : [changed('delete', change.password), changed('add', change.newPassword)];
  return connection.modify(dn, changes, deadline);
};

/** RFC 3062 section 2. */
const passwordModify = ({ dn, change }: Sending): Buffer => {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeString(dn, 0x80);
  if (change.password !== undefined) writer.writeString(change.password, 0x81);
  writer.writeString(change.newPassword, 0x82);
  writer.endSequence();
  return writer.buffer;
};

/** [MS-ADTS] section 3.1.1.3.1.5.1. */
const quotedUtf16 = (password: string): Buffer => Buffer.from(`"${password}"`, 'utf16le');

/** Windows error codes that begin Active Directory's diagnostic text. */
const windows = { passwordRestriction: '0000052d', wrongPassword: '00000056' } as const;

const readAnswer = (answer: LdapAnswer, source: LdapSource): PasswordChangeVerdict => {
  if (answer.ok) return { ok: true };
  const { code, diagnostic } = answer;
  const begin = diagnostic.slice(0, 8).toLowerCase();
  if (begin === windows.wrongPassword || /verify old password/i.test(diagnostic))
    return { ok: false, reason: 'credentials' };
  if (
    answer.policy !== undefined ||
    code === resultCode.constraintViolation ||
    begin === windows.passwordRestriction
  )
    return { ok: false, reason: 'policy', ...messageOf(diagnostic) };
  const detail = `source ${source.id}: a change of password was answered with code ${code}: ${diagnostic}`;
  if (code === resultCode.insufficientAccessRights)
    throw misconfigured({
      reason: 'insufficientAccessRights to change passwords',
      detail: `${detail}. Give the right to write userPassword to the person, and for expired passwords to the account of the source`,
    });
  throw unreachable(detail);
};

const longestMessage = 200;

/**
 * The text of OpenLDAP is for people; that of Active Directory is for programs, except the last part of Samba's text.
 */
const messageOf = (diagnostic: string): { message?: string } => {
  const [, forPeople = diagnostic] = /check_password_restrictions: (.+)$/.exec(diagnostic) ?? [];
  const message = forPeople.trim();
  const isReadable =
    message !== '' && message.length <= longestMessage && !/^[0-9A-F]{8}:|\p{Cc}/iu.test(message);
  return isReadable ? { message } : {};
};
