// Passkeys and security keys of an account: adding one, and signing in with one.
import type { Audit, AuditEvent } from '../../audit/audit.ts';
import type { Clock } from '../../clock.ts';
import type { SecondFactorRules } from '../../config/tenant/tenant-definition.ts';
import type { FactorRecord, PasskeyFactor } from '../../storage/factor-record.ts';
import type { AccountRecord, AccountRecords } from '../../storage/storage.ts';
import { type createAddFactor, type FactorAdded, nameOr } from './added-factor.ts';
import { changeFactors, type FactorPatch, type FactorPlan } from './factor-change.ts';
import { refuseUnlessOffered } from './factor-demand.ts';
import { countGuess, reasonOfGuess, throttledBy, throttledUntil } from './factor-guesses.ts';
import {
  isPasskey,
  type NewPasskeyAnswer,
  type PasskeyAnswer,
  type PasskeyCeremonies,
  type PasskeyFault,
  type PasskeyUse,
} from './passkey-ceremonies.ts';
import {
  byPasskey,
  type FactorOrigin,
  type FactorProof,
  type FactorThrottled,
  type ProvenFactor,
} from './proven-factor.ts';

export type PasskeyOutcome = ProvenFactor | FactorThrottled | PasskeyRefused;

export interface PasskeyRefused {
  readonly ok: false;
  readonly reason: 'passkey';
  /** For the audit record. */
  readonly fault: PasskeyFault | 'unknown_passkey' | 'used_passkey' | 'passkey_counter';
}

export type PasskeyAdded =
  | (Extract<FactorAdded, { ok: true }> & { readonly proof: FactorProof })
  | { readonly ok: false; readonly reason: 'passkey' | 'expired' | 'limit' };

/** An answer of a browser. */
export interface ShownPasskey<A = PasskeyAnswer> {
  readonly answer: A;
  /** The page in this browser; as it was when the browser was asked. */
  readonly browser: string;
}

/** All of them throw AppError `unavailable` when store or audit record are not available. */
export interface Passkeys {
  /** JSON for `navigator.credentials.create`. */
  askForNew(account: AccountRecord, browser: string): Promise<string>;
  add(
    account: AccountRecord,
    shown: ShownPasskey<NewPasskeyAnswer> & { readonly name: string },
    origin: FactorOrigin,
  ): Promise<PasskeyAdded>;
  /** JSON for `navigator.credentials.get`, for whoever is at the browser. */
  ask(browser: string): Promise<string>;
  /** The same for one person; undefined when no passkey of theirs works at this host. */
  askFor(account: AccountRecord, browser: string): Promise<string | undefined>;
  /** Each answer is accepted once, of whichever number of callers. Wrong ones are counted with wrong codes. */
  verify(account: AccountRecord, shown: ShownPasskey, origin: FactorOrigin): Promise<PasskeyOutcome>;
  /** The same of an answer without another factor: the device has verified the person. Not audited. */
  verifyAlone(account: AccountRecord, shown: ShownPasskey): Promise<PasskeyOutcome>;
}

export interface PasskeysParts {
  readonly rules: Pick<SecondFactorRules, 'methods'>;
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly ceremonies: PasskeyCeremonies;
  readonly addFactor: ReturnType<typeof createAddFactor>;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Of one passkey within the time for which a challenge is good: the account must not grow without limit. */
const mostChallenges = 100;

export const createPasskeys = (parts: PasskeysParts): Passkeys => {
  const { rules, records, ceremonies, audit, clock } = parts;

  const knownTo = ({ factors = [] }: AccountRecord): readonly PasskeyFactor[] =>
    rules.methods.includes('passkey')
      ? factors.filter(isPasskey).filter(({ rpId }) => rpId === ceremonies.rpId)
      : [];

  const count = async (asked: AccountRecord, fault: PasskeyFault): Promise<Judged> => {
    const { account, result } = await changeFactors(records, asked, (now): FactorPlan<number | undefined> => {
      const until = throttledUntil(now, clock.now());
      return until === undefined
        ? { patch: countGuess(now, clock.now()), result: undefined }
        : { result: until };
    });
    return { account, outcome: result === undefined ? refused(fault) : throttledBy(result, clock.now()) };
  };

  const verify = async (
    asked: AccountRecord,
    { answer, browser }: ShownPasskey,
    kind: 'factor' | 'alone',
  ): Promise<Judged> => {
    const { sub } = asked;
    const { userHandle } = answer.response;
    const factor = knownTo(asked).find(({ credentialId }) => credentialId === answer.id);
    const isOwn = userHandle === undefined || Buffer.from(userHandle, 'base64url').toString() === sub;
    // a stranger who knows no credential must not use up the answers of the person
    if (factor === undefined || !isOwn) return { account: asked, outcome: refused('unknown_passkey') };
    const purpose = { kind, browser, ...(kind === 'factor' ? { sub } : {}) };
    const checked = await ceremonies.check(answer, purpose, factor);
    if (!checked.ok) return count(asked, checked.fault);
    const { account, result } = await changeFactors(records, asked, (now) =>
      planUse(now, { id: factor.id, use: checked.use, nowMs: clock.now() }),
    );
    if (typeof result === 'object') return { account, outcome: throttledBy(result.until, clock.now()) };
    return {
      account,
      outcome: result === 'proven' ? { ok: true, account, ...byPasskey(factor) } : refused(result),
    };
  };

  return {
    askForNew: async (account, browser) => {
      refuseUnlessOffered(rules, 'passkey');
      return ceremonies.askForNew(account, { kind: 'add', browser, sub: account.sub });
    },

    add: async (asked, { answer, browser, name }, origin) => {
      refuseUnlessOffered(rules, 'passkey');
      const checked = await ceremonies.checkNew(answer, { kind: 'add', browser, sub: asked.sub });
      if (!checked.ok)
        return { ok: false, reason: checked.fault === 'passkey_challenge' ? 'expired' : 'passkey' };
      const added = { ...checked.made, name: nameOr(name, 'Passkey'), createdAt: clock.now() };
      const outcome = await parts.addFactor(asked, added, origin);
      return outcome.ok ? { ...outcome, proof: byPasskey(added) } : outcome;
    },

    ask: (browser) => ceremonies.ask({ kind: 'alone', browser }),

    askFor: async (account, browser) => {
      const known = knownTo(account);
      return known.length === 0
        ? undefined
        : ceremonies.ask({ kind: 'factor', browser, sub: account.sub }, known);
    },

    verify: async (asked, shown, origin) => {
      const { account, outcome } = await verify(asked, shown, 'factor');
      const note = (event: Pick<AuditEvent, 'outcome' | 'reason'>): Promise<void> =>
        audit.note({ ...origin, ...event, action: 'factor.verify', actor: asked.sub, object: asked.sub });
      if (outcome.ok) await note({ outcome: 'success', reason: 'passkey' });
      else if (outcome.reason === 'passkey') {
        const { fault } = outcome;
        await note({ outcome: 'failure', reason: isCounted(fault) ? reasonOfGuess(account, fault) : fault });
      }
      return outcome;
    },

    verifyAlone: async (asked, shown) => (await verify(asked, shown, 'alone')).outcome,
  };
};

interface Judged {
  readonly account: AccountRecord;
  readonly outcome: PasskeyOutcome;
}

const refused = (fault: PasskeyRefused['fault']): PasskeyRefused => ({ ok: false, reason: 'passkey', fault });

const isCounted = (fault: PasskeyRefused['fault']): boolean =>
  fault === 'wrong_passkey' || fault === 'passkey_challenge' || fault === 'passkey_origin';

type Used =
  | 'proven'
  | Extract<PasskeyRefused['fault'], 'unknown_passkey' | 'used_passkey' | 'passkey_counter'>;

interface Use {
  readonly id: string;
  readonly use: PasskeyUse;
  readonly nowMs: number;
}

/** What a right answer changes. One that comes again is no guess. */
const planUse = (
  account: AccountRecord,
  { id, use: { counter, isBackedUp, challenge }, nowMs }: Use,
): { readonly patch?: FactorPatch; readonly result: Used | { readonly until: number } } => {
  const { factors = [] } = account;
  const until = throttledUntil(account, nowMs);
  if (until !== undefined) return { result: { until } };
  const factor = factors.filter(isPasskey).find((one) => one.id === id);
  if (factor === undefined) return { result: 'unknown_passkey' };
  const used = (factor.usedChallenges ?? []).filter(({ endsAt }) => nowMs < endsAt);
  if (used.some(({ hash }) => hash === challenge.hash)) return { result: 'used_passkey' };
  if (used.length >= mostChallenges)
    return { result: { until: Math.min(...used.map(({ endsAt }) => endsAt)) } };
  // WebAuthn Level 3 section 7.2 step 22: a counter that does not grow means that there is a copy of the key
  const isCounting = counter > 0 || factor.counter > 0;
  if (isCounting && counter <= factor.counter) return { result: 'passkey_counter' };
  const changed: FactorRecord = {
    ...factor,
    counter,
    isBackedUp,
    lastUsedAt: nowMs,
    usedChallenges: [...used, challenge],
  };
  return {
    patch: { factors: factors.map((one) => (one === factor ? changed : one)), factorGuesses: undefined },
    result: 'proven',
  };
};
