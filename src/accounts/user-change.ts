// The outcome of a change that an operator makes of a person.
import type { AccountRecord } from '../storage/storage.ts';

export type UserChange =
  | { readonly ok: true; readonly account: AccountRecord }
  /** `message` is for the operator. */
  | { readonly ok: false; readonly reason: UserFault; readonly message: string };

export type UserFault =
  | 'username'
  | 'email'
  | 'password'
  | 'taken'
  | 'not_found'
  | 'owned'
  | 'changed'
  | 'system';

export const notFound: UserChange = {
  ok: false,
  reason: 'not_found',
  message: 'There is no user with this name, e-mail address or sub.',
};

export const alreadyTaken: UserChange = {
  ok: false,
  reason: 'taken',
  message: 'The user name or the e-mail address belongs to another user of this tenant already.',
};

/** The change is made of this version of the account alone; absent: of any. */
export interface AtVersion {
  readonly version?: number | undefined;
}

export const isAnotherVersion = (account: Pick<AccountRecord, 'version'>, { version }: AtVersion): boolean =>
  version !== undefined && version !== account.version;

export const changedMeanwhile: UserChange = {
  ok: false,
  reason: 'changed',
  message: 'Somebody else changed this user meanwhile; look at it, and try again.',
};

export const hasNoPassword = {
  ok: false,
  reason: 'system',
  message: 'A system user has API keys and no password.',
} as const satisfies UserChange;

export const unusableName: UserChange = {
  ok: false,
  reason: 'username',
  message: 'The user name must have 1 to 256 characters, all of them visible.',
};

export const unusableEmail = (message: string): UserChange => ({
  ok: false,
  reason: 'email',
  message: `The e-mail address ${message}.`,
});
