import type { LdapSource } from '../../config/source/source-definition.ts';
import type { LookupVerdict } from '../connector.ts';
import type { LdapEntry } from './entry.ts';

export type AccountState = 'usable' | Extract<LookupVerdict, { status: 'refused' }>['reason'];

const stateNames = {
  openldap: ['pwdAccountLockedTime', 'pwdPolicySubentry', 'nsAccountLock'],
  'active-directory': [
    'userAccountControl',
    'accountExpires',
    'lockoutTime',
    'msDS-User-Account-Control-Computed',
  ],
} as const;

/** Attributes that hold the state of an account; a mapping does not see them. */
export const stateAttributes = (kind: LdapSource['kind']): readonly string[] => stateNames[kind];

/** userAccountControl, [MS-ADTS] section 2.2.16. */
const disabledFlag = 0x2;
const lockedFlag = 0x10;

/** The state of the account as its entry has it, without a check of the password. */
export const accountState = (entry: LdapEntry, kind: LdapSource['kind'], nowMs: number): AccountState =>
  kind === 'active-directory' ? activeDirectoryState(entry, nowMs) : openLdapState(entry);

const activeDirectoryState = (entry: LdapEntry, nowMs: number): AccountState => {
  if ((numberOf(entry, 'userAccountControl') & disabledFlag) !== 0) return 'account_disabled';
  const expiresAt = fileTime(entry, 'accountExpires');
  if (expiresAt !== undefined && expiresAt <= nowMs) return 'account_disabled';
  // The computed attribute respects the duration of a lock; lockoutTime stays after its end, until the next sign-in.
  const [computed] = entry.texts('msDS-User-Account-Control-Computed');
  if (computed !== undefined) return (Number(computed) & lockedFlag) === 0 ? 'usable' : 'account_locked';
  return fileTime(entry, 'lockoutTime') === undefined ? 'usable' : 'account_locked';
};

/** draft-behera-ldap-password-policy: an account that only an administrator can unlock. */
const lockedForEver = '000001010000Z';

const openLdapState = (entry: LdapEntry): AccountState => {
  if (entry.texts('nsAccountLock')[0]?.toLowerCase() === 'true') return 'account_disabled';
  const [lockedAt] = entry.texts('pwdAccountLockedTime');
  if (lockedAt === undefined) return 'usable';
  return lockedAt === lockedForEver ? 'account_disabled' : 'account_locked';
};

const numberOf = (entry: LdapEntry, attribute: string): number => Number(entry.texts(attribute)[0] ?? 0);

const neverExpires = 2n ** 63n - 1n;
const fileTimeOfEpoch = 116_444_736_000_000_000n;

/** Milliseconds since the epoch of a time in steps of 100 ns since 1601; undefined for "never". */
const fileTime = (entry: LdapEntry, attribute: string): number | undefined => {
  const [text = '0'] = entry.texts(attribute);
  const steps = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  if (steps === 0n || steps >= neverExpires) return undefined;
  return Number((steps - fileTimeOfEpoch) / 10_000n);
};
