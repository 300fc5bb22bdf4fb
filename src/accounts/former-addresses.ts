// Verified e-mail addresses that accounts had before and can put back: meanwhile no other person gets such an address. An
// account has no name for them, so that nobody signs in with one; the account decides, and these records only find it.
import type { Clock } from '../clock.ts';
import { hashParts } from '../crypto/ids.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { FormerEmail } from '../storage/former-email.ts';
import type { AccountRecord, Artifacts } from '../storage/storage.ts';

/** Both throw AppError `unavailable`. */
export interface FormerAddresses {
  /** Before the account loses the address, so that nobody finds it free in between. */
  note(sub: string, lost: Pick<FormerEmail, 'email' | 'until'>): Promise<void>;
  /** @param email canonical */
  find(email: string): Promise<AccountRecord | undefined>;
}

export interface FormerAddressesParts {
  readonly artifacts: Pick<Artifacts, 'load' | 'write'>;
  readonly clock: Clock;
}

const kind = 'FormerEmail';

export const createFormerAddresses = ({ artifacts, clock }: FormerAddressesParts): FormerAddresses => ({
  note: async (sub, { email, until }) => {
    const id = idOf(canonicalLogin(email) ?? email);
    const artifact = { kind, id, payload: '', accountId: sub, expiresAt: Math.ceil(until / 1000) } as const;
    await artifacts.write([{ op: 'put', artifact }]);
  },
  find: async (email) => {
    const { linkedAccounts } = await artifacts.load([{ kind, id: idOf(email) }]);
    return linkedAccounts.find(({ formerEmails = [] }) =>
      formerEmails.some((former) => canonicalLogin(former.email) === email && former.until > clock.now()),
    );
  },
});

const idOf = (email: string): string => hashParts('former-email', email);
