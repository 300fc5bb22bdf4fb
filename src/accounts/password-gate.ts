import type { Audit } from '../audit/audit.ts';
import type { TenantThrottle } from '../config/tenant/tenant-definition.ts';
import { preparePassword } from '../crypto/password-hasher.ts';
import { definedOnly } from '../defined-only.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { PasswordAttempt } from './account-types.ts';
import {
  signInAccountKey,
  signInAddressKey,
  signInFoldedKey,
  type Throttle,
  type ThrottleVerdict,
} from './throttle.ts';

export interface PasswordGateParts {
  readonly throttle: Throttle;
  readonly limits: Pick<TenantThrottle, 'account' | 'address'>;
  readonly audit: Audit;
}

/** An attempt that is counted already, before anything is verified. */
export interface CountedAttempt {
  readonly ok: true;
  /** The password was right: clears the counter of the name, and refunds that of the address. */
  accept(): Promise<void>;
  /** Nothing was verified, or not against this person's password alone: the attempt no longer counts. */
  giveBack(): Promise<void>;
  /** Records why the attempt failed; it stays counted. */
  refuse(reason: string, sub?: string): Promise<Refused>;
}

interface Refused {
  readonly ok: false;
  readonly reason: 'credentials';
}

export type GateVerdict =
  | CountedAttempt
  | Refused
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

/** Counts each attempt before anything is verified, so that parallel ones cannot slip through together. */
export const createPasswordGate = ({ throttle, limits, audit }: PasswordGateParts) => {
  return async (attempt: PasswordAttempt, action: string): Promise<GateVerdict> => {
    const refuse: CountedAttempt['refuse'] = async (reason, sub) => {
      const whom = { actor: attempt.login, ...definedOnly({ object: sub }) };
      await audit.note({ ...factsOf(attempt), ...whom, action, outcome: 'failure', reason });
      return { ok: false, reason: 'credentials' };
    };
    const refuseThrottled = async (verdict: ThrottleVerdict, reason: string): Promise<GateVerdict> => {
      // One record in each window: a flood must not fill the disk.
      if (verdict.isFirstRefusal) await refuse(reason);
      return { ok: false, reason: 'throttled', retryAfterSeconds: verdict.retryAfterSeconds };
    };

    // A blocked address must not increase the counter of an account, so the address is checked first and alone.
    const addressKey = signInAddressKey(attempt.address);
    const byAddress = await throttle.spend(addressKey, limits.address);
    if (!byAddress.isAllowed) return refuseThrottled(byAddress, 'throttled_address');

    const login = canonicalLogin(attempt.login);
    if (login === undefined || preparePassword(attempt.password) === undefined) return refuse('malformed');
    const accountKey = signInAccountKey(login);
    const byAccount = await throttle.spend(accountKey, limits.account);
    if (!byAccount.isAllowed) return refuseThrottled(byAccount, 'throttled_account');
    const foldedKey = signInFoldedKey(login);
    const isSameKey = foldedKey === accountKey;
    if (!isSameKey) {
      const byFolded = await throttle.spend(foldedKey, limits.account);
      if (!byFolded.isAllowed) return refuseThrottled(byFolded, 'throttled_account');
    }
    // never cleared: the name behind the plainest spelling may be another person's
    const refundFolded = async (): Promise<void> => {
      if (!isSameKey) await throttle.refund(foldedKey, limits.account);
    };

    return {
      ok: true,
      refuse,
      accept: async () => {
        await Promise.all([
          throttle.clear(accountKey),
          refundFolded(),
          throttle.refund(addressKey, limits.address),
        ]);
      },
      giveBack: async () => {
        await Promise.all([
          throttle.refund(accountKey, limits.account),
          refundFolded(),
          throttle.refund(addressKey, limits.address),
        ]);
      },
    };
  };
};

export type PasswordGate = ReturnType<typeof createPasswordGate>;

/** The origin of an attempt, for the audit record. */
export const factsOf = ({
  address,
  clientId,
  requestId,
}: Omit<PasswordAttempt, 'login' | 'password' | 'via'>) => ({
  address,
  ...definedOnly({ clientId, requestId }),
});
