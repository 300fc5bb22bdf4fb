// The only roles that tokens of a grant have, where an API key with fewer roles than its owner was exchanged for them. The library
// keeps them in the model (`kept-members.ts`).
import { grantedBy } from '../../accounts/api-keys/key-limits.ts';
import type { AccountRecord } from '../../storage/storage.ts';

interface Limited {
  atMostRoles?: readonly string[];
}

/** Undefined: all of the person. */
export const readRoleLimit = (grant: object | undefined): readonly string[] | undefined =>
  (grant as Limited | undefined)?.atMostRoles; // of our own, unknown to the library's types

export const setRoleLimit = (grant: object, roles: readonly string[] | undefined): void => {
  const limited = grant as Limited; // of our own, unknown to the library's types
  if (roles !== undefined) limited.atMostRoles = [...roles];
};

/** The account with the roles and groups that tokens of this grant have. */
export const limitedBy = (grant: object | undefined, account: AccountRecord): AccountRecord => {
  const roles = readRoleLimit(grant);
  return roles === undefined ? account : { ...account, ...grantedBy({ roles }, account) };
};
