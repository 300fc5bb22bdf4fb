import type { LdapSource } from '../../config/source/source-definition.ts';
import type { SourceRefusal } from '../connector.ts';
import type { LdapAnswer } from './connection.ts';

/**
 * Active Directory's reasons, in the diagnostic text of code 49. All but 775 are sent only after the right password.
 */
const activeDirectoryReasons: Readonly<Record<string, SourceRefusal>> = {
  '525': 'unknown',
  '52e': 'credentials',
  '530': 'hours_restricted',
  '531': 'workstation_restricted',
  '532': 'password_expired',
  '533': 'account_disabled',
  // the account, not the password, has expired
  '701': 'account_disabled',
  '773': 'password_change_required',
  '775': 'account_locked',
};

/**
 * The refusal that an answer to a person's bind means; undefined: the bind succeeded. A refusal that a directory gives
 * without having checked the password looks like a wrong password, unless the tenant reveals locks.
 */
export const bindRefusal = (
  answer: LdapAnswer,
  source: Pick<LdapSource, 'kind' | 'revealLock'>,
): SourceRefusal | undefined => {
  const refusal =
    source.kind === 'active-directory' ? activeDirectoryRefusal(answer) : openLdapRefusal(answer);
  return refusal !== undefined && unproven.has(refusal) && !source.revealLock ? 'credentials' : refusal;
};

/** Refusals that say nothing about the password. */
const unproven: ReadonlySet<SourceRefusal> = new Set([
  'account_locked',
  'hours_restricted',
  'workstation_restricted',
]);

/** Active Directory's own reason, for the operator, where it is not simply a wrong password. */
export const bindDetail = (answer: LdapAnswer, { kind }: Pick<LdapSource, 'kind'>): string | undefined => {
  if (kind !== 'active-directory') return undefined;
  const data = activeDirectoryCode(answer);
  if (data === undefined || data === '52e' || data === '525') return undefined;
  return activeDirectoryReasons[data] ?? `active_directory_${data}`;
};

const activeDirectoryRefusal = (answer: LdapAnswer): SourceRefusal | undefined => {
  if (answer.ok) return undefined;
  return activeDirectoryReasons[activeDirectoryCode(answer) ?? ''] ?? 'credentials';
};

const activeDirectoryCode = (answer: LdapAnswer): string | undefined =>
  answer.ok ? undefined : /\bdata ([0-9a-f]{3,8})\b/i.exec(answer.diagnostic)?.[1]?.toLowerCase();

const openLdapRefusal = (answer: LdapAnswer): SourceRefusal | undefined => {
  switch (answer.policy) {
    case 'accountLocked':
      return 'account_locked';
    case 'passwordExpired':
      return 'password_expired';
    case 'changeAfterReset':
      return 'password_change_required';
    default:
      return answer.ok ? undefined : 'credentials';
  }
};
