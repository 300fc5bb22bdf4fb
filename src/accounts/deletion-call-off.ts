import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { NotifyOfChange } from './account-notices.ts';
import type { CallOffDeletion } from './account-types.ts';
import { changed } from './linked-identities.ts';
import { changedByOthers, mostAttempts } from './lost-races.ts';
import { mayCompleteSignIn } from './standing.ts';

export interface DeletionCallOffParts {
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly notifyOfChange: NotifyOfChange;
  readonly audit: Audit;
  readonly clock: Clock;
}

export const createDeletionCallOff =
  ({ records, notifyOfChange, audit, clock }: DeletionCallOffParts): CallOffDeletion =>
  async ({ account, signedInAt, ...origin }) => {
    const { sub } = account;
    let current: AccountRecord | undefined = account;
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      if (current?.deleteAt === undefined) return current;
      const nowMs = clock.now();
      if (current.deleteAt <= nowMs || !mayCompleteSignIn(current, signedInAt)) return undefined;
      const { version } = current;
      const patch = { deleteAt: undefined, updatedAt: nowMs };
      const notice = { kind: 'account_deletion_undone' } as const;
      // compare-and-set: of this and the removal of the account only one is done
      const make = () => records.update(sub, patch, version);
      if (await notifyOfChange(current, notice, { make, isDone: (isDone) => isDone })) {
        const event = { ...origin, action: 'account.delete_undo', actor: sub, object: sub } as const;
        await audit.note({ ...event, outcome: 'success' });
        return changed(current, patch);
      }
      current = await records.findBySub(sub);
    }
    throw changedByOthers();
  };
