// Browsers in which a person is not asked for the second factor for a while, where the tenant allows that.
import { type Clock, epochSeconds } from '../../clock.ts';
import { hmac, isEqualConstantTime } from '../../crypto/ids.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import { factorFacts } from './factor-facts.ts';

type Person = Pick<AccountRecord, 'sub' | 'notBefore' | 'factors'>;

export interface RememberedBrowsers {
  /** The value of the cookie after the person has proven a factor; undefined where the tenant does not allow it. */
  remember(person: Person): string | undefined;
  /** @param cookie as the browser sent it */
  isRemembered(person: Person, cookie: string | undefined): boolean;
}

export interface RememberedBrowsersParts {
  readonly tenant: string;
  readonly key: Buffer;
  readonly clock: Clock;
  /** Absent: no browser is remembered. */
  readonly seconds: number | undefined;
}

/** A new password, a forced sign-out and any change of the factors make the cookie worthless, and so does a shorter time. */
export const createRememberedBrowsers = ({
  tenant,
  key,
  clock,
  seconds,
}: RememberedBrowsersParts): RememberedBrowsers => {
  const signatureOf = (person: Person, provenAt: string): string => {
    const factors = factorFacts(person).map(({ id }) => id);
    return hmac(key, tenant, person.sub, provenAt, String(person.notBefore ?? 0), ...factors.toSorted());
  };

  return {
    remember: (person) => {
      if (seconds === undefined) return undefined;
      const provenAt = String(epochSeconds(clock));
      return `${provenAt}.${signatureOf(person, provenAt)}`;
    },
    isRemembered: (person, cookie) => {
      if (seconds === undefined || cookie === undefined) return false;
      const [provenAt = '', signature = ''] = cookie.split('.');
      if (!isEqualConstantTime(signature, signatureOf(person, provenAt))) return false;
      return epochSeconds(clock) - Number(provenAt) < seconds;
    },
  };
};
