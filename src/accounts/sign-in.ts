// The one door for every password of the house: login page, password grant and gateway come through here.
import type { Audit } from '../audit/audit.ts';
import { canonicalLogin } from '../canonical-login.ts';
import { type Clock, epochSeconds } from '../clock.ts';
import type { TenantThrottle } from '../config/tenant-definition.ts';
import { type PasswordHasher, type PasswordVerdict, preparePassword } from '../crypto/password-hasher.ts';
import type { Log } from '../log.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { Accounts, PasswordAttempt } from './accounts.ts';
import { mayHoldTokens } from './standing.ts';
import { signInAccountKey, signInAddressKey, type Throttle, type ThrottleVerdict } from './throttle.ts';

export interface SignInParts {
  readonly tenant: string;
  readonly records: AccountRecords;
  readonly hasher: PasswordHasher;
  readonly throttle: Throttle;
  readonly limits: Pick<TenantThrottle, 'account' | 'address'>;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  /** False for accounts that have no business here, such as demo users of a tenant that is no demo any more. */
  readonly isAdmitted: (account: AccountRecord) => boolean;
}

/** For the operator, in the audit record. The asker learns none of it. */
type Refusal =
  | 'malformed'
  | 'throttled_address'
  | 'throttled_account'
  | 'unknown_login'
  | 'wrong_password'
  | 'disabled_or_locked'
  | 'not_admitted';

/**
 * Each attempt is counted before anything is verified, and each costs one hash whoever it names: neither the
 * answer nor its time tells whether an account exists, has a password, or is disabled or locked.
 */
export const createSignIn = (parts: SignInParts): Accounts['signIn'] => {
  const { throttle, limits, hasher, tenant } = parts;

  const verify = async (account: AccountRecord | undefined, password: string): Promise<PasswordVerdict> => {
    if (account?.passwordHash !== undefined) return hasher.verify(tenant, account.passwordHash, password);
    await hasher.verifyNothing(tenant, password);
    return { isValid: false, needsRehash: false };
  };

  const refuse = async (attempt: PasswordAttempt, reason: Refusal, account?: AccountRecord) => {
    await parts.audit.note({
      ...originOf(attempt),
      outcome: 'failure',
      actor: attempt.login,
      reason,
      ...(account === undefined ? {} : { object: account.sub }),
    });
    return { ok: false, reason: 'credentials' } as const;
  };

  const turnAway = async (attempt: PasswordAttempt, verdict: ThrottleVerdict, reason: Refusal) => {
    // One record a window: a flood must not fill the disk.
    if (verdict.isFirstRefusal) await refuse(attempt, reason);
    return { ok: false, reason: 'throttled', retryAfterSeconds: verdict.retryAfterSeconds } as const;
  };

  /** A password that was right stays right: no trouble with the new hash may keep its owner out. */
  const rehash = async (account: AccountRecord, password: string): Promise<void> => {
    try {
      const passwordHash = await hasher.hash(tenant, password);
      await parts.records.update(account.sub, { passwordHash }, account.version);
    } catch (error) {
      parts.log.warn({ tenant, err: error }, 'a password hash was not renewed');
    }
  };

  return async (attempt) => {
    const startedAt = epochSeconds(parts.clock);
    // A blocked address must not run up the counter of somebody's account, so it is asked first and alone.
    const addressKey = signInAddressKey(attempt.address);
    const byAddress = await throttle.spend(addressKey, limits.address);
    if (!byAddress.isAllowed) return turnAway(attempt, byAddress, 'throttled_address');

    const login = canonicalLogin(attempt.login);
    if (login === undefined || preparePassword(attempt.password) === undefined) {
      return refuse(attempt, 'malformed');
    }
    const accountKey = signInAccountKey(login);
    const byAccount = await throttle.spend(accountKey, limits.account);
    if (!byAccount.isAllowed) return turnAway(attempt, byAccount, 'throttled_account');

    const account = await parts.records.findByLogin(login);
    const { isValid, needsRehash } = await verify(account, attempt.password);
    if (account === undefined) return refuse(attempt, 'unknown_login');
    if (!isValid) return refuse(attempt, 'wrong_password', account);
    if (!mayHoldTokens(account)) return refuse(attempt, 'disabled_or_locked', account);
    if (!parts.isAdmitted(account)) return refuse(attempt, 'not_admitted', account);

    await Promise.all([
      throttle.clear(accountKey),
      throttle.refund(addressKey, limits.address),
      needsRehash ? rehash(account, attempt.password) : undefined,
      parts.audit.note({ ...originOf(attempt), outcome: 'success', actor: account.sub, object: account.sub }),
    ]);
    return { ok: true, account, signedInAt: Math.max(startedAt, account.notBefore ?? 0) };
  };
};

const originOf = ({ via, address, clientId, requestId }: PasswordAttempt) => ({
  action: `sign_in.${via}`,
  address,
  ...(clientId === undefined ? {} : { clientId }),
  ...(requestId === undefined ? {} : { requestId }),
});
