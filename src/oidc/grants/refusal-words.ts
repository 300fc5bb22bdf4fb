import type { DisclosedRefusal } from '../../accounts/account-types.ts';

/** Each description begins with a code that programs may rely on. */
export const refusalWords: Readonly<Record<DisclosedRefusal, string>> = {
  password_change_required: 'password_change_required: the password must be changed before it can be used',
  password_expired: 'password_expired: the password has expired',
  account_disabled: 'account_disabled: the account is disabled',
  account_locked: 'account_locked: the account is locked',
  hours_restricted: 'hours_restricted: the account may not be used at this time',
  workstation_restricted: 'workstation_restricted: the account may be used at certain computers only',
};
