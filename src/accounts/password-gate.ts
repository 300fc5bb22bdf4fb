import type { Audit } from '../audit/audit.ts';
import type { AuditAction } from '../audit/audit-actions.ts';
import { typedActor } from '../audit/typed-actor.ts';
import type { Clock } from '../clock.ts';
import type { Allowance, TenantThrottle } from '../config/tenant/tenant-definition.ts';
import { preparePassword } from '../crypto/password-hasher.ts';
import { definedOnly } from '../defined-only.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { PasswordAttempt } from './account-types.ts';
import { createKnownAddresses } from './known-addresses.ts';
import type { KnownBrowsers } from './known-browsers.ts';
import {
  signInAddressKey,
  signInBrowserKey,
  signInFoldedKey,
  signInNameKey,
  signInPersonKey,
  type Throttle,
  type ThrottleVerdict,
} from './throttle.ts';

export interface PasswordGateParts {
  readonly throttle: Throttle;
  readonly limits: Pick<TenantThrottle, 'account' | 'address'>;
  readonly records: Pick<AccountRecords, 'findByLogin'>;
  readonly knownBrowsers: Pick<KnownBrowsers, 'find'>;
  /** Takes as long as a refusal by the sources of this attempt. */
  readonly spendTimeOfRefusal: (attempt: PasswordAttempt) => Promise<void>;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** An attempt that is counted already, before anything is verified. */
export interface CountedAttempt {
  readonly ok: true;
  /**
   * Counts the attempt for the person whom the source found, before anybody learns what came of it. False: too many,
   * whatever the names.
   */
  countFound(key: string): Promise<boolean>;
  /** The password was right: clears the counters of the name, and refunds those that others share. */
  accept(): Promise<void>;
  /** Nothing was verified, or not against this person's password alone: the attempt no longer counts. */
  giveBack(): Promise<void>;
  /** Records why the attempt failed; it stays counted. */
  refuse(reason: string, sub?: string): Promise<Refused>;
}

type Refused =
  | { readonly ok: false; readonly reason: 'credentials' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

export type GateVerdict = CountedAttempt | Refused;

/** A counter that the attempt was added to. */
interface Charge {
  readonly key: string;
  readonly allowance: Allowance;
  /** Others use it too: a success gives back so many points, and no more. Absent: it clears the counter. */
  readonly givenBack?: number;
}

/**
 * Counts each attempt before anything is verified, so that parallel ones cannot slip through together. Strangers have
 * one limit for each name, each account and each address. A browser and an address in which this person has signed in
 * before have limits of their own, so that strangers who guess keep nobody out.
 */
export const createPasswordGate = (parts: PasswordGateParts) => {
  const { throttle, limits, audit } = parts;
  const knownAddresses = createKnownAddresses(parts);
  const spend = ({ key, allowance }: Charge): Promise<ThrottleVerdict> => throttle.spend(key, allowance);
  const refund = ({ key, allowance }: Charge, points = 1): Promise<void> =>
    throttle.refund(key, allowance, points);
  const ofName = (key: string): Charge => ({ key, allowance: limits.account });

  return async (attempt: PasswordAttempt, action: AuditAction): Promise<GateVerdict> => {
    const note = (reason: string, sub?: string): Promise<void> =>
      audit.note({
        ...factsOf(attempt),
        ...{ actor: typedActor(attempt.login), ...definedOnly({ object: sub }) },
        ...{ action, outcome: 'failure', reason },
      });
    const refuseThrottled = async (verdict: ThrottleVerdict, reason: string): Promise<Refused> => {
      // One record in each window: a flood must not fill the disk.
      if (verdict.isFirstRefusal) await note(reason);
      return { ok: false, reason: 'throttled', retryAfterSeconds: verdict.retryAfterSeconds };
    };
    const counted = (known: readonly Charge[], options: Counted = {}): CountedAttempt => {
      const charges = [...known];
      return {
        ok: true,
        countFound: async (key) => {
          if (options.findOwn === undefined) return true;
          const found = ofName(key);
          charges.push(found);
          if ((await spend(found)).isAllowed) return true;
          const own = await options.findOwn();
          if (own !== undefined) charges.push(own);
          return own !== undefined;
        },
        refuse: async (reason, sub) => {
          await note(reason, sub);
          return options.refusal ?? { ok: false, reason: 'credentials' };
        },
        accept: async () => {
          const restored = charges.map((charge) =>
            charge.givenBack === undefined ? throttle.clear(charge.key) : refund(charge, charge.givenBack),
          );
          await Promise.all([...restored, options.onAccepted?.()]);
        },
        giveBack: async () => {
          await Promise.all(charges.map((charge) => refund(charge)));
        },
      };
    };

    const login = preparePassword(attempt.password) === undefined ? undefined : canonicalLogin(attempt.login);
    const findAccount = async () => (login === undefined ? undefined : parts.records.findByLogin(login));
    // without a cookie it is looked up while the attempt is counted
    const early = attempt.browser === undefined ? undefined : { account: await findAccount() };
    const browser =
      login === undefined
        ? undefined
        : parts.knownBrowsers.find(attempt.browser, { name: login, sub: early?.account?.sub });
    if (browser !== undefined) {
      const own = ofName(signInBrowserKey(browser));
      const verdict = await spend(own);
      return verdict.isAllowed ? counted([own]) : refuseThrottled(verdict, 'throttled_browser');
    }

    // A blocked address must not increase the counter of an account, so the address is checked first and alone.
    const byAddress = { key: signInAddressKey(attempt.address), allowance: limits.address, givenBack: 1 };
    const [atAddress, account] = await Promise.all([
      spend(byAddress),
      early === undefined ? findAccount() : early.account,
    ]);
    if (!atAddress.isAllowed) return refuseThrottled(atAddress, 'throttled_address');
    if (login === undefined) {
      await note('malformed');
      return { ok: false, reason: 'credentials' };
    }

    const who = { login, account, address: attempt.address };
    const byName = ofName(signInNameKey(login));
    const byPerson = hasOtherNames(account) ? ofName(signInPersonKey(account.sub)) : undefined;
    const byFolded = ofName(signInFoldedKey(login));
    const findOwn = async (): Promise<Charge | undefined> => {
      const key = await knownAddresses.find(who);
      const own = key === undefined ? undefined : ofName(key);
      return own !== undefined && (await spend(own)).isAllowed ? own : undefined;
    };
    const admitAtKnownAddress = async (): Promise<CountedAttempt | undefined> => {
      const own = await findOwn();
      return own === undefined ? undefined : counted([byAddress, own]);
    };
    const atName = await spend(byName);
    if (!atName.isAllowed)
      return (await admitAtKnownAddress()) ?? refuseThrottled(atName, 'throttled_account');
    // only then: a flood of parallel guesses at one name uses up its own limit first
    const [atFolded, atPerson] = await Promise.all([
      spend(byFolded),
      byPerson === undefined ? undefined : spend(byPerson),
    ]);
    // Whose very name it is, guesses at names like it do not keep out: only a wrong password has the answer of a refusal.
    const refusal = atFolded.isAllowed ? undefined : await refuseThrottled(atFolded, 'throttled_account');
    if (atPerson?.isAllowed === false) {
      const admitted = await admitAtKnownAddress();
      if (admitted !== undefined) return admitted;
      if (atPerson.isFirstRefusal) await note('throttled_account', account?.sub);
      await parts.spendTimeOfRefusal(attempt);
      // "too many attempts" at the first one would reveal that the name belongs to the person of another one
      return refusal ?? { ok: false, reason: 'credentials' };
    }
    if (refusal !== undefined && account === undefined && !(await knownAddresses.isOwnName(login))) {
      await parts.spendTimeOfRefusal(attempt);
      return refusal;
    }
    // a success forgives what was tried with this name, and not what was tried with names like it
    const forgiven = { ...byFolded, givenBack: atName.count };
    const charges = [byAddress, byName, forgiven, ...(byPerson === undefined ? [] : [byPerson])];
    return counted(charges, {
      onAccepted: () => knownAddresses.note(who),
      findOwn,
      ...definedOnly({ refusal }),
    });
  };
};

interface Counted {
  readonly onAccepted?: () => Promise<void>;
  /** The answer to a wrong password; default: wrong credentials. */
  readonly refusal?: Refused;
  /** The limit of this person at this address, spent, where they have one. Absent: the attempt is on it already. */
  readonly findOwn?: () => Promise<Charge | undefined>;
}

export type PasswordGate = ReturnType<typeof createPasswordGate>;

const hasOtherNames = (account: AccountRecord | undefined): account is AccountRecord =>
  account !== undefined && account.logins.length > 1;

/** The origin of an attempt, for the audit record. */
export const factsOf = ({
  address,
  clientId,
  requestId,
}: Pick<PasswordAttempt, 'address' | 'clientId' | 'requestId'>) => ({
  address,
  ...definedOnly({ clientId, requestId }),
});
