// A person who has lost their second factor, and a mail that an operator sends for it: the link in it gives one recovery code. The
// code stands in for the factor and never for the password, and the link begins no session.
import type { Audit } from '../../audit/audit.ts';
import type { Clock } from '../../clock.ts';
import type { Locale } from '../../config/tenant/tenant-definition.ts';
import type { TenantMail } from '../../mail/tenant-mail.ts';
import type { AccountRecord, AccountRecords } from '../../storage/storage.ts';
import { createFindHolder, proofMarkOf } from '../proof-holder.ts';
import { maySignIn } from '../standing.ts';
import type { Verifications } from '../verifications.ts';
import { addRecoveryCode, hasLosableFactor, withdrawRecoveryCode } from './factor-reset.ts';

export type FactorMailSent =
  | { readonly ok: true; readonly email: string }
  /** `no_address`: there is no verified one. `no_factor`: the password alone is asked for. */
  | { readonly ok: false; readonly reason: 'disabled' | 'no_address' | 'no_factor' };

export interface FactorMailsParts {
  readonly issuer: string;
  readonly verifications: Pick<Verifications, 'create'>;
  readonly mail: Pick<TenantMail, 'send'>;
  readonly audit: Audit;
  /** `cli`, or a sub. */
  readonly actor: string;
}

export const factorRecoverySeconds = 24 * 3600;
const purpose = 'factor-recovery';

export const factorRecoveryUrl = (issuer: string): string => `${issuer}/recover/factor`;

/** @throws AppError `unavailable` when store or audit record are not available */
export const createFactorMails =
  ({ issuer, verifications, mail, audit, actor }: FactorMailsParts) =>
  async (account: AccountRecord, locale: Locale): Promise<FactorMailSent> => {
    const { sub, email, emailVerified, username } = account;
    if (!maySignIn(account)) return { ok: false, reason: 'disabled' };
    if (!hasLosableFactor(account)) return { ok: false, reason: 'no_factor' };
    if (email === undefined || emailVerified !== true) return { ok: false, reason: 'no_address' };
    await audit.noteBefore({ action: 'user.recovery_mail', actor, object: sub, outcome: 'success' });
    const seconds = factorRecoverySeconds;
    const { link } = await verifications.create({
      ...{ purpose, address: email, sub, seconds },
      about: proofMarkOf(account),
    });
    await mail.send({
      ...{ kind: 'factor_recovery', to: email, sub, locale, values: { username } },
      ...{ link: `${factorRecoveryUrl(issuer)}?token=${link}`, linkSeconds: seconds },
    });
    return { ok: true, email };
  };

export interface FactorRecovery {
  /** Whom the link is for, without using it; undefined when it was used, is too old, or the account has changed since. */
  find(link: string): Promise<AccountRecord | undefined>;
  /** Uses the link, which stays good when the store fails. @returns a recovery code, good once */
  redeem(
    link: string,
    origin: { readonly address: string; readonly requestId: string },
  ): Promise<string | undefined>;
}

export interface FactorRecoveryParts {
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly verifications: Pick<Verifications, 'find' | 'consumeLink'>;
  /** See `FactorsParts`. */
  readonly recoveryKey: Buffer;
  readonly audit: Audit;
  readonly clock: Clock;
}

export const createFactorRecovery = (parts: FactorRecoveryParts): FactorRecovery => {
  const { records, verifications, audit } = parts;

  const holderOf = createFindHolder(records, hasLosableFactor);

  return {
    find: async (link) => holderOf(await verifications.find(purpose, link)),
    redeem: async (link, origin) => {
      const account = await holderOf(await verifications.find(purpose, link));
      if (account === undefined) return undefined;
      const { sub } = account;
      // first: an outage in between must not use the link up, and nobody has seen the code
      const code = await addRecoveryCode(parts, account);
      if ((await verifications.consumeLink(purpose, link)) === undefined) {
        await withdrawRecoveryCode(parts, account, code);
        return undefined;
      }
      await audit.note({ ...origin, action: 'recovery.factor', actor: sub, object: sub, outcome: 'success' });
      return code;
    },
  };
};
