// The deletion of an account by its person: asked for, called off by a sign-in, and done when its time has come.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { NotifyOfChange } from './account-notices.ts';
import { createDeletionRequests, type DeletionRequests } from './deletion-request.ts';
import { createDueDeletions } from './due-deletions.ts';
import type { Revocations } from './revocations.ts';
import { createClearThrottle, type Throttle } from './throttle.ts';
import { createAccountRemoval } from './user-removal.ts';

export interface AccountDeletion extends DeletionRequests {
  /** See `createDueDeletions`. */
  removeDue(): Promise<number>;
}

export interface AccountDeletionParts {
  readonly definition: Pick<TenantDefinition, 'accounts' | 'users'>;
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts'>;
  readonly revocations: Pick<Revocations, 'endAccount'>;
  readonly throttle: Pick<Throttle, 'clear'>;
  /** `Storage.purgeAccount` of this tenant. */
  readonly purgeAccount: (sub: string) => Promise<number>;
  readonly notifyOfChange: NotifyOfChange;
  readonly audit: Audit;
  readonly clock: Clock;
}

export const createAccountDeletion = (parts: AccountDeletionParts): AccountDeletion => {
  const { definition, storage, throttle, ...shared } = parts;
  const records = storage.accounts;
  return {
    ...createDeletionRequests({ ...shared, definition, records }),
    removeDue: createDueDeletions({
      ...shared,
      records,
      artifacts: storage.artifacts,
      remove: createAccountRemoval({
        ...shared,
        records,
        clearThrottle: createClearThrottle(throttle),
        actor: 'drawbridge',
      }),
    }),
  };
};
