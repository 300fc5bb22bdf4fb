// User names that accounts had before: for a time no other person can choose one, and receive what is meant for who had it. The
// account has no name for them, so nobody signs in with one.
import { type Clock, epochSeconds } from '../clock.ts';
import { hashParts } from '../crypto/ids.ts';
import type { AccountRecords, Artifacts } from '../storage/storage.ts';

/** Both throw AppError `unavailable`. Names are canonical. */
export interface FormerUsernames {
  /**
   * Names that the account had and has no more. Before it loses them, so that nobody finds one free in between. They are free
   * when the account is deleted.
   */
  keep(
    sub: string,
    names: { readonly before: readonly string[]; readonly after: readonly string[] },
  ): Promise<void>;
  /** The sub of the account that has the name, or had it lately. */
  findHolder(username: string): Promise<string | undefined>;
}

export interface FormerUsernamesParts {
  readonly records: Pick<AccountRecords, 'findByLogin'>;
  readonly artifacts: Pick<Artifacts, 'load' | 'write'>;
  readonly clock: Clock;
}

export const usernameKeptSeconds = 30 * 24 * 3600;
const kind = 'FormerUsername';

export const createFormerUsernames = ({
  records,
  artifacts,
  clock,
}: FormerUsernamesParts): FormerUsernames => ({
  keep: async (sub, { before, after }) => {
    const expiresAt = epochSeconds(clock) + usernameKeptSeconds;
    const lost = before.filter((name) => !after.includes(name));
    if (lost.length === 0) return;
    await artifacts.write(
      lost.map((name) => ({
        op: 'put',
        artifact: { kind, id: idOf(name), payload: '', accountId: sub, expiresAt },
      })),
    );
  },

  findHolder: async (username) => {
    // in this order: a name that becomes free in between is kept already
    const account = await records.findByLogin(username);
    if (account !== undefined) return account.sub;
    const { artifacts: kept } = await artifacts.load([{ kind, id: idOf(username) }]);
    return kept.find((artifact) => artifact.kind === kind)?.accountId;
  },
});

const idOf = (username: string): string => hashParts('former-username', username);
