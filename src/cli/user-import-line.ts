import { findNearest } from '../config/parsing/nearest.ts';
import { parsePasswordHash } from '../crypto/foreign-hashes/parse-password-hash.ts';
import { canonicalLogin, withoutInvisibleEdges } from '../protocol/canonical-login.ts';
import { readEmail } from '../protocol/email-address.ts';
import { standardClaims } from '../protocol/standard-claims.ts';

/** A person of another system, checked for the import. */
export interface ImportedUser {
  readonly username: string;
  readonly email?: string;
  readonly emailVerified: boolean;
  /** Made by any known software, and cheap enough to be checked at a sign-in. */
  readonly passwordHash?: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly isDisabled: boolean;
}

export type ParsedLine =
  | { readonly ok: true; readonly user: ImportedUser }
  /** All faults, for the operator. */
  | { readonly ok: false; readonly faults: readonly string[] };

type Fields = Readonly<Record<string, unknown>>;

const longestLine = 64 * 1024;
const longestName = 200;
const mostNames = 1000;
const keys = [
  'username',
  'email',
  'email_verified',
  'password_hash',
  'claims',
  'groups',
  'roles',
  'disabled',
];

/** Parses one line of the file. A fault contains no part of a hash. */
export const parseUserLine = (line: string): ParsedLine => {
  const fields = parseFields(line);
  if (typeof fields === 'string') return { ok: false, faults: [fields] };
  const faults = [
    ...faultsOfKeys(fields),
    ...faultsOfNames(fields),
    ...faultsOfFlags(fields),
    ...faultsOfHash(fields.password_hash),
    ...faultsOfClaims(fields.claims),
    ...faultsOfList('groups', fields.groups),
    ...faultsOfList('roles', fields.roles),
  ];
  return faults.length > 0 ? { ok: false, faults } : { ok: true, user: toUser(fields) };
};

const parseFields = (line: string): Fields | string => {
  if (line.length > longestLine) return `the line is longer than ${longestLine / 1024} KiB`;
  if (line.includes('\uFFFD')) return 'the line is not UTF-8; convert the file, e.g. with iconv';
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields; // JSON has no other objects
  } catch {
    // the message of the parser quotes the line, and with it the hash
  }
  return 'the line is no JSON object; write {"username": …} on one line';
};

const faultsOfKeys = (fields: Fields): readonly string[] =>
  Object.keys(fields)
    .filter((key) => !keys.includes(key))
    .map((key) => {
      if (key === 'password') {
        return 'password: passwords in the clear are not imported; give password_hash';
      }
      const nearest = findNearest(key, keys);
      return `${key}: is not known; ${nearest === undefined ? `there are ${keys.join(', ')}` : `did you mean ${nearest}?`}`;
    });

const faultsOfNames = ({ username, email, email_verified: verified }: Fields): readonly string[] => [
  ...(typeof username === 'string' && canonicalLogin(username) !== undefined
    ? []
    : ['username: must be a text of 1 to 256 characters, all of them visible']),
  ...faultsOfEmail(email),
  ...(verified === true && !isGiven(email) ? ['email_verified: there is no email'] : []),
];

const faultsOfEmail = (email: unknown): readonly string[] => {
  const read = isGiven(email) ? readEmail(email) : undefined;
  return read?.ok === false ? [`email: ${read.message}`] : [];
};

const faultsOfFlags = (fields: Fields): readonly string[] =>
  ['email_verified', 'disabled']
    .filter((key) => isGiven(fields[key]) && typeof fields[key] !== 'boolean')
    .map((key) => `${key}: must be true or false, without quotes`);

const faultsOfHash = (hash: unknown): readonly string[] => {
  if (!isGiven(hash)) return [];
  if (typeof hash !== 'string') return ['password_hash: must be a text'];
  const parsed = parsePasswordHash(hash);
  return parsed.ok ? [] : [`password_hash: ${parsed.message}`];
};

const faultsOfClaims = (claims: unknown): readonly string[] => {
  if (!isGiven(claims)) return [];
  if (typeof claims !== 'object' || Array.isArray(claims)) return ['claims: must be an object'];
  return Object.keys(claims)
    .filter((name) => !(standardClaims as readonly string[]).includes(name))
    .map((name) => {
      const nearest = findNearest(name, standardClaims);
      return `claims.${name}: is not a claim that is kept; ${nearest === undefined ? `there are ${standardClaims.join(', ')}` : `did you mean ${nearest}?`}`;
    });
};

const faultsOfList = (key: string, list: unknown): readonly string[] => {
  if (!isGiven(list)) return [];
  const isList = Array.isArray(list) && list.length <= mostNames && list.every(isName);
  return isList
    ? []
    : [`${key}: must be a list of at most ${mostNames} texts of 1 to ${longestName} characters`];
};

const isName = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.length <= longestName && !/[\p{Cc}\p{Cs}]/u.test(value);

/** Exports write null for absent values. */
const isGiven = (value: unknown): value is NonNullable<unknown> => value !== undefined && value !== null;

/** Makes the person from fields without faults. */
const toUser = (fields: Fields): ImportedUser => {
  const { username, email, password_hash: passwordHash, claims, groups, roles } = fields;
  const read = readEmail(email);
  return {
    username: withoutInvisibleEdges(String(username)),
    ...(read.ok ? { email: read.email } : {}),
    emailVerified: fields.email_verified === true,
    ...(typeof passwordHash === 'string' ? { passwordHash } : {}),
    claims: (claims ?? {}) as Fields, // checked above, as the lists are
    groups: (groups ?? []) as readonly string[],
    roles: (roles ?? []) as readonly string[],
    isDisabled: fields.disabled === true,
  };
};
