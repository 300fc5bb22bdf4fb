// The second factors of a tenant's people:
//   factor-demand.ts    who is asked for one
//   totp.ts             codes of authenticator apps; recovery-codes.ts
//   passkeys.ts         passkeys and security keys: passkey-ceremonies.ts (WebAuthn), passkey-challenge.ts
//   email-codes.ts      codes by mail, for people who have neither
//   remembered-browsers.ts  browsers in which nobody is asked for a while
//   proven-factor.ts    what a factor adds to a sign-in
//   factor-change.ts    changes of the account that only one of several callers makes; factor-guesses.ts, added-factor.ts
//   factor-facts.ts     what may be shown of them; factor-reset.ts: what an operator does for people who lost one
//   sign-in-at-once.ts  password and code of a program; program-codes.ts: the code alone, in a second step
//   (here)              codes, and removing factors

import type { Audit, AuditEvent } from '../../audit/audit.ts';
import type { AuditAction } from '../../audit/audit-actions.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId } from '../../crypto/ids.ts';
import { withoutSeparators } from '../../crypto/mailed-code.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import { isAppError } from '../../errors.ts';
import type { FactorRecord, TotpFactor } from '../../storage/factor-record.ts';
import type { AccountRecord, AccountRecords } from '../../storage/storage.ts';
import type { NotifyOfChange } from '../account-notices.ts';
import { createAddFactor, type FactorAdded, nameOr, recoveryCodesOf } from './added-factor.ts';
import { changeFactors, type FactorPatch } from './factor-change.ts';
import {
  type FactorDemand,
  type FactorQuestion,
  factorDemandOf,
  refuseUnlessOffered,
} from './factor-demand.ts';
import { factorFacts } from './factor-facts.ts';
import { countGuess, reasonOfGuess, throttledBy, throttledUntil } from './factor-guesses.ts';
import { createPasskeyCeremonies } from './passkey-ceremonies.ts';
import { createPasskeyChallenges } from './passkey-challenge.ts';
import { createPasskeys, type Passkeys } from './passkeys.ts';
import { byCode, type FactorOrigin, type FactorOutcome } from './proven-factor.ts';
import { hashesOf, hashRecoveryCode, newRecoveryCodes, readRecoveryCode } from './recovery-codes.ts';
import { createRememberedBrowsers, type RememberedBrowsers } from './remembered-browsers.ts';
import { newTotpSecret, stepOfCode, totpUri } from './totp.ts';

/** An authenticator app that is being set up. */
export interface NewTotp {
  /** Base32, for people who cannot read the QR code. */
  readonly secret: string;
  /** `otpauth` URI, for the QR code. */
  readonly uri: string;
  /** The secret for the form: it is stored nowhere before its first code was right. */
  readonly sealed: string;
}

/** All of them throw AppError `unavailable` when store or audit record are not available. */
export interface Factors {
  demandOf(question: FactorQuestion): FactorDemand;
  /** See `RememberedBrowsers`. */
  readonly rememberBrowser: RememberedBrowsers['remember'];
  /**
   * Checks a code of an authenticator app, or a recovery code. Each is accepted once, of whichever number of callers.
   * After ten wrong ones within an hour, of all places where it is asked, none is checked.
   */
  verify(account: AccountRecord, code: string, origin: FactorOrigin): Promise<FactorOutcome>;
  /** @param sealed of the form that is shown again; while it is good, its secret stays the same */
  newTotp(account: AccountRecord, sealed?: string): NewTotp;
  addTotp(
    account: AccountRecord,
    setUp: { readonly sealed: string; readonly code: string; readonly name: string },
    origin: FactorOrigin,
  ): Promise<FactorAdded<'code' | 'expired'>>;
  readonly passkeys: Passkeys;
  /** New recovery codes in place of the old ones; undefined while there is no factor that they could stand in for. */
  renewRecoveryCodes(
    account: AccountRecord,
    origin: FactorOrigin,
  ): Promise<{ readonly account: AccountRecord; readonly codes: readonly string[] } | undefined>;
  /** With the last factor the recovery codes go too. False: there is none of this id. */
  remove(account: AccountRecord, id: string, origin: FactorOrigin): Promise<boolean>;
}

export interface FactorsParts {
  readonly definition: Pick<TenantDefinition, 'id' | 'displayName' | 'secondFactor'>;
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  /** Encrypts the secrets of authenticator apps. */
  readonly sealingKey: Buffer;
  /** Keys the hashes of recovery codes. */
  readonly recoveryKey: Buffer;
  /** Signs the cookies of browsers that are remembered. */
  readonly browserKey: Buffer;
  /** Signs the challenges of passkeys. */
  readonly challengeKey: Buffer;
  /** Of the tenant: the relying party of its passkeys. */
  readonly issuer: string;
  readonly notifyOfChange: NotifyOfChange;
  readonly audit: Audit;
  readonly clock: Clock;
}

const setUpMs = 30 * 60_000;
export const createFactors = (parts: FactorsParts): Factors => {
  const { definition, records, notifyOfChange, audit, clock } = parts;
  const tenant = definition.id;
  const rules = definition.secondFactor;
  const addFactor = createAddFactor(parts);
  const remembered = createRememberedBrowsers({
    tenant,
    key: parts.browserKey,
    clock,
    seconds: rules.rememberBrowser,
  });

  const aadOf = (sub: string): string => `totp ${tenant} ${sub}`;
  const sealSecret = (sub: string, secret: string): string =>
    seal(parts.sealingKey, Buffer.from(secret), aadOf(sub));
  const openSecret = (sub: string, sealed: string): string =>
    openSealed(parts.sealingKey, sealed, aadOf(sub)).toString();
  const unusedStepOf = (account: AccountRecord, factor: TotpFactor, code: string): number | undefined => {
    const step = stepOfCode(openSecret(account.sub, factor.sealedSecret), code, clock.now());
    return step !== undefined && step > factor.lastStep ? step : undefined;
  };

  /** The factors after this code was used; undefined when it is of none of them. */
  const useCode = (account: AccountRecord, typed: string): UsedCode | undefined => {
    const { sub, factors = [] } = account;
    const code = withoutSeparators(typed);
    const recovery = readRecoveryCode(typed);
    const hash = recovery === undefined ? undefined : hashRecoveryCode(parts.recoveryKey, sub, recovery);
    for (const factor of factors) {
      const replaced = (changed: FactorRecord): readonly FactorRecord[] =>
        factors.map((one) => (one === factor ? changed : one));
      if (factor.type === 'recovery_codes') {
        if (hash === undefined || !factor.hashes.includes(hash)) continue;
        const hashes = factor.hashes.filter((one) => one !== hash);
        return { method: factor.type, factors: replaced({ ...factor, hashes }), left: hashes.length };
      }
      if (factor.type !== 'totp' || !rules.methods.includes(factor.type)) continue;
      const step = unusedStepOf(account, factor, code);
      if (step === undefined) continue;
      const used = { ...factor, lastStep: step, lastUsedAt: clock.now() };
      return { method: factor.type, factors: replaced(used) };
    }
    return undefined;
  };

  /** Undefined when the form is too old, or was not made here for this person. */
  const openSetUp = (sub: string, sealed: string): string | undefined => {
    try {
      const [expiresAt = '', secret] = openSecret(sub, sealed).split(' ');
      return clock.now() < Number(expiresAt) ? secret : undefined;
    } catch (error) {
      if (isAppError(error, 'unavailable')) return undefined;
      throw error;
    }
  };

  const note = (
    { sub }: AccountRecord,
    origin: FactorOrigin,
    event: Pick<AuditEvent, 'action' | 'outcome' | 'reason'>,
  ): Promise<void> => audit.note({ ...origin, ...event, actor: sub, object: sub });

  const noteBefore = ({ sub }: AccountRecord, origin: FactorOrigin, action: AuditAction): Promise<void> =>
    audit.noteBefore({ ...origin, action, outcome: 'success', actor: sub, object: sub });

  return {
    demandOf: ({ browser, ...question }) => {
      const isRemembered = remembered.isRemembered(question.account, browser);
      return factorDemandOf(rules, { ...question, isRemembered }, clock.now());
    },
    rememberBrowser: remembered.remember,

    verify: async (asked, typed, origin) => {
      const { account, result } = await changeFactors(records, asked, (now): Verdict => {
        const until = throttledUntil(now, clock.now());
        if (until !== undefined) return { result: { until } };
        const used = useCode(now, typed);
        return used === undefined
          ? { patch: countGuess(now, clock.now()), result: {} }
          : { patch: { factors: used.factors, factorGuesses: undefined }, result: { used } };
      });
      const { used, until } = result;
      if (used !== undefined) {
        await note(account, origin, { action: 'factor.verify', outcome: 'success', reason: used.method });
        const left = used.left === undefined ? {} : { recoveryCodesLeft: used.left };
        return { ok: true, account, ...byCode, ...left };
      }
      if (until !== undefined) return throttledBy(until, clock.now());
      const reason = reasonOfGuess(account, 'wrong_code');
      await note(account, origin, { action: 'factor.verify', outcome: 'failure', reason });
      return { ok: false, reason: 'code' };
    },

    newTotp: ({ sub, username }, sealed) => {
      refuseUnlessOffered(rules, 'totp');
      const known = sealed === undefined ? undefined : openSetUp(sub, sealed);
      const secret = known ?? newTotpSecret();
      return {
        secret,
        uri: totpUri(secret, { issuer: definition.displayName, account: username }),
        sealed:
          known !== undefined && sealed !== undefined
            ? sealed
            : sealSecret(sub, `${clock.now() + setUpMs} ${secret}`),
      };
    },

    addTotp: async (asked, { sealed, code, name }, origin) => {
      refuseUnlessOffered(rules, 'totp');
      const secret = openSetUp(asked.sub, sealed);
      if (secret === undefined) return { ok: false, reason: 'expired' };
      const step = stepOfCode(secret, withoutSeparators(code), clock.now());
      if (step === undefined) return { ok: false, reason: 'code' };
      const added: TotpFactor = {
        type: 'totp',
        id: hashId(sealed).slice(0, 12),
        name: nameOr(name, 'App'),
        createdAt: clock.now(),
        sealedSecret: sealSecret(asked.sub, secret),
        lastStep: step,
      };
      return addFactor(asked, added, origin);
    },

    passkeys: createPasskeys({
      rules,
      records,
      addFactor,
      audit,
      clock,
      ceremonies: createPasskeyCeremonies({
        definition,
        issuer: parts.issuer,
        challenges: createPasskeyChallenges({ tenant, key: parts.challengeKey, clock }),
      }),
    }),

    renewRecoveryCodes: async (asked, origin) => {
      if ((asked.factors ?? []).every(({ type }) => type === 'recovery_codes')) return undefined;
      await noteBefore(asked, origin, 'factor.recovery_codes');
      const codes = newRecoveryCodes();
      const renew = () =>
        changeFactors(records, asked, ({ sub, factors = [] }) => {
          const others = factors.filter(({ type }) => type !== 'recovery_codes');
          const renewed = recoveryCodesOf(hashesOf(parts.recoveryKey, sub, codes), clock.now());
          return { patch: { factors: [...others, renewed] }, result: undefined };
        });
      const { account } = await notifyOfChange(asked, { kind: 'recovery_codes_renewed' }, { make: renew });
      return { account, codes };
    },

    remove: async (asked, id, origin) => {
      const found = factorFacts(asked).find((factor) => factor.id === id);
      if (found === undefined) return false;
      await noteBefore(asked, origin, 'factor.remove');
      const removeIt = () =>
        changeFactors(records, asked, (now) => {
          if (!factorFacts(now).some((factor) => factor.id === id)) return { result: false };
          const left = (now.factors ?? []).filter(
            (factor) => factor.type === 'recovery_codes' || factor.id !== id,
          );
          const isLast = left.every(({ type }) => type === 'recovery_codes');
          return { patch: { factors: isLast ? undefined : left }, result: true };
        });
      const { result } = await notifyOfChange(
        asked,
        { kind: 'factor_removed', values: { factor: found.name } },
        { make: removeIt, isDone: ({ result: isRemoved }) => isRemoved },
      );
      return result;
    },
  };
};

interface UsedCode {
  readonly method: FactorRecord['type'];
  readonly factors: readonly FactorRecord[];
  /** Recovery codes. */
  readonly left?: number;
}

interface Verdict {
  readonly patch?: FactorPatch;
  /** `until`: epoch milliseconds. */
  readonly result: { readonly used?: UsedCode; readonly until?: number };
}
