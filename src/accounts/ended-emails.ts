import type { Clock } from '../clock.ts';
import type { AccountRecords } from '../storage/storage.ts';
import { changeAccount } from './account-change.ts';

export interface EndedEmailsParts {
  readonly records: Pick<AccountRecords, 'withEndedEmails' | 'findBySub' | 'update'>;
  readonly clock: Clock;
}

const atOnce = 100;

/**
 * Removes addresses of before that can no longer be put back, with what their people signed in with then, from the accounts of a
 * tenant.
 * @returns of how many accounts this call has removed some
 * @throws AppError `unavailable`; the next call goes on
 */
export const createForgetEndedEmails =
  ({ records, clock }: EndedEmailsParts): (() => Promise<number>) =>
  async () => {
    const cleanSome = async (): Promise<number> => {
      let cleaned = 0;
      for (const account of await records.withEndedEmails({ nowMs: clock.now(), limit: atOnce })) {
        const { ok } = await changeAccount(records, account, ({ formerEmails = [] }) => {
          const left = formerEmails.filter(({ until }) => until > clock.now());
          if (left.length === formerEmails.length) return undefined;
          return { formerEmails: left.length === 0 ? undefined : left };
        });
        if (ok) cleaned += 1;
      }
      return cleaned;
    };
    let total = 0;
    let last: number;
    // fewer than these: nothing is left, or another process is at it
    do {
      last = await cleanSome();
      total += last;
    } while (last === atOnce);
    return total;
  };
