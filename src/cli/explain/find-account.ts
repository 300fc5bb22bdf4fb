import { type AccountStatus, statusOf } from '../../accounts/account-status.ts';
import { isAdmittedTo } from '../../accounts/admission.ts';
import { identityKey } from '../../accounts/linked-identities.ts';
import { createResolver } from '../../accounts/resolve.ts';
import type { Audit } from '../../audit/audit.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Identity } from '../../connectors/connector.ts';
import type { AccountRecords } from '../../storage/storage.ts';

/** The account of the person after a sign-in. */
export type FoundAccount =
  | { readonly is: 'new' }
  | {
      /** `linked`: it would be linked by the verified e-mail address. */
      readonly is: 'known' | 'linked';
      readonly sub: string;
      readonly username: string;
      readonly status: AccountStatus;
    };

export type AccountFinder = (identity: Identity) => Promise<FoundAccount>;

const deafAudit: Audit = { note: async () => undefined, noteBefore: async () => undefined };

/** Uses the same decision as a sign-in, without writing anything. */
export const createAccountFinder =
  (
    { sources, users, demo }: Pick<TenantDefinition, 'sources' | 'users' | 'demo'>,
    { records, clock }: { readonly records: AccountRecords; readonly clock: Clock },
  ): AccountFinder =>
  async (identity) => {
    let isNew = false;
    const resolver = createResolver({
      records: {
        ...records,
        insert: async () => {
          isNew = true;
          return true;
        },
        update: async () => true,
      },
      sources,
      users,
      isAdmitted: (account) => isAdmittedTo({ demo, sources }, account),
      audit: deafAudit,
      clock,
    });
    const known = await records.findByIdentity(identityKey(identity));
    const account = await resolver.resolve(identity, {});
    if (isNew) return { is: 'new' };
    const { sub, username } = account;
    return { is: known === undefined ? 'linked' : 'known', sub, username, status: statusOf(account) };
  };
