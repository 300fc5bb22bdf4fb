// The challenge that a passkey signs. It says itself until when it is good and for what it was made, so that nothing has
// to be stored for pages that are only looked at; that it counts once is noted in the account which it was answered for.
import type { Clock } from '../../clock.ts';
import { hashId, hmac, isEqualConstantTime, randomId } from '../../crypto/ids.ts';
import type { UsedChallenge } from '../../storage/factor-record.ts';

/** What an answer is good for: nothing else accepts it. */
export interface ChallengePurpose {
  /** `add`: a new passkey; `factor`: the second factor; `alone`: a sign-in without a password. */
  readonly kind: 'add' | 'factor' | 'alone';
  /** The page in this browser. */
  readonly browser: string;
  /** Absent while nobody is named. */
  readonly sub?: string;
}

export interface PasskeyChallenges {
  create(purpose: ChallengePurpose): string;
  /**
   * @param shown base64url, as a browser sends it
   * @returns undefined when it was not made for this purpose, or has expired
   */
  read(shown: string, purpose: ChallengePurpose): UsedChallenge | undefined;
}

/** Pages stay open while people look for their security key. */
const goodForMs = 30 * 60_000;

export const createPasskeyChallenges = ({
  tenant,
  key,
  clock,
}: {
  readonly tenant: string;
  readonly key: Buffer;
  readonly clock: Clock;
}): PasskeyChallenges => {
  const sign = (nonce: string, endsAt: string, { kind, browser, sub = '' }: ChallengePurpose): string =>
    hmac(key, tenant, nonce, endsAt, kind, browser, sub);

  return {
    create: (purpose) => {
      const nonce = randomId(16);
      const endsAt = String(clock.now() + goodForMs);
      return [nonce, endsAt, sign(nonce, endsAt, purpose)].join('.');
    },
    read: (shown, purpose) => {
      const text = Buffer.from(shown, 'base64url').toString();
      const [nonce = '', endsAt = '', signature = ''] = text.split('.');
      if (!isEqualConstantTime(signature, sign(nonce, endsAt, purpose))) return undefined;
      return clock.now() < Number(endsAt) ? { hash: hashId(text), endsAt: Number(endsAt) } : undefined;
    },
  };
};
