// A code that a mail brings, as the second factor of people who have set up none. It is stored as a keyed hash of all that it
// is bound to, and nothing else: a code that is wrong, or for something else, is one that does not exist.

import type { Audit } from '../../audit/audit.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { Locale, TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId, hmac } from '../../crypto/ids.ts';
import { newMailedCode, withoutSeparators } from '../../crypto/mailed-code.ts';
import type { TenantMail } from '../../mail/tenant-mail.ts';
import { maskAddress } from '../../protocol/email-address.ts';
import type { AccountRecord, AccountRecords, Artifacts } from '../../storage/storage.ts';
import { languageOf } from '../account-notices.ts';
import type { RunAfterAnswer } from '../after-answer.ts';
import type { Throttle } from '../throttle.ts';
import { changeFactors, type FactorPlan } from './factor-change.ts';
import { hasEmailCode } from './factor-demand.ts';
import { countGuess, reasonOfGuess, throttledBy, throttledUntil } from './factor-guesses.ts';
import { byEmail, type FactorOrigin, type FactorOutcome, type FactorThrottled } from './proven-factor.ts';

export interface EmailCodes {
  /** Is a code what the person has, and nothing stronger? */
  isFor(account: AccountRecord): boolean;
  /** Where the codes go, with most letters left out, for a page. */
  addressOf(account: Pick<AccountRecord, 'email'>): string;
  /**
   * Writes a mail with a new code, after the answer. The person has proven the first factor.
   * @throws AppError `unavailable`
   */
  send(account: AccountRecord, mailed: CodeRequest): Promise<{ readonly ok: true } | FactorThrottled>;
  /**
   * A code is accepted once, of whichever number of callers. Wrong ones count together with those of all other factors.
   * @throws AppError `unavailable`
   */
  verify(account: AccountRecord, typed: TypedEmailCode, origin: FactorOrigin): Promise<FactorOutcome>;
}

export interface CodeRequest {
  /** What the code is good in: a page in one browser, or the sign-in of a program. */
  readonly place: string;
  /** Of the page that asks; default: the person's own, or the tenant's. */
  readonly locale?: Locale;
  readonly requestId: string;
}

export interface TypedEmailCode extends Pick<CodeRequest, 'place'> {
  readonly code: string;
}

export interface EmailCodesParts {
  readonly definition: Pick<TenantDefinition, 'id' | 'locale' | 'secondFactor'>;
  readonly records: Pick<AccountRecords, 'findBySub' | 'update'>;
  readonly artifacts: Pick<Artifacts, 'write' | 'consume'>;
  readonly throttle: Pick<Throttle, 'spend'>;
  readonly mail: Pick<TenantMail, 'send'>;
  readonly runAfterAnswer: RunAfterAnswer;
  /** For these codes alone: they have too few bits to be hashed without a key. */
  readonly key: Buffer;
  readonly audit: Audit;
  readonly clock: Clock;
}

const kind = 'EmailCode';
const codeSeconds = 600;
/** To one account. */
const mails = { points: 5, windowSeconds: 3600 } as const;

export const createEmailCodes = (parts: EmailCodesParts): EmailCodes => {
  const { definition, records, artifacts, throttle, mail, key, audit, clock } = parts;
  const rules = definition.secondFactor;

  /** Another address, a new password and a forced sign-out end the codes that were mailed before. */
  const idOf = ({ sub, email = '', notBefore = 0 }: AccountRecord, { place, code }: TypedEmailCode): string =>
    hmac(key, definition.id, sub, email, `${notBefore}`, place, withoutSeparators(code));

  const writeMail = async (account: AccountRecord, { place, ...asked }: CodeRequest): Promise<void> => {
    const { sub, email, username } = account;
    if (email === undefined) return;
    const code = newMailedCode();
    const expiresAt = epochSeconds(clock) + codeSeconds;
    const id = idOf(account, { place, code });
    await artifacts.write([{ op: 'put', artifact: { kind, id, accountId: sub, payload: '{}', expiresAt } }]);
    const locale = asked.locale ?? languageOf(account) ?? definition.locale;
    const content = { kind: 'factor_code', to: email, sub, locale, values: { username } } as const;
    await mail.send({ ...content, code, codeSeconds });
  };

  return {
    isFor: (account) => hasEmailCode(rules, account),

    addressOf: ({ email = '' }) => maskAddress(email),

    send: async (account, request) => {
      // the page that asks is older than the factor, or the address
      if (!hasEmailCode(rules, account)) return { ok: true };
      const { isAllowed, retryAfterSeconds } = await throttle.spend(
        `factor_email/${hashId(account.sub)}`,
        mails,
      );
      if (!isAllowed) return { ok: false, reason: 'throttled', retryAfterSeconds };
      parts.runAfterAnswer({
        what: 'mail with the code of a second factor',
        requestId: request.requestId,
        work: () => writeMail(account, request),
      });
      return { ok: true };
    },

    verify: async (asked, typed, origin) => {
      // counted before it is compared, so that no number of callers at once has more guesses
      const counted = await changeFactors(records, asked, (now): FactorPlan<Judged> => {
        const until = throttledUntil(now, clock.now());
        if (until !== undefined) return { result: { until } };
        return { patch: countGuess(now, clock.now()), result: {} };
      });
      const { account, result } = counted;
      if (result.until !== undefined) return throttledBy(result.until, clock.now());
      const id = idOf(account, typed);
      const isRight =
        hasEmailCode(rules, account) && (await artifacts.consume(kind, id, clock.now()))?.won === true;
      const settled = isRight
        ? await changeFactors(records, account, (now): FactorPlan<boolean> => {
            const isSame = hasEmailCode(rules, now) && idOf(now, typed) === id;
            return isSame ? { patch: { factorGuesses: undefined }, result: true } : { result: false };
          })
        : { account, result: false };
      const event = { ...origin, action: 'factor.verify', actor: asked.sub, object: asked.sub } as const;
      if (settled.result) {
        await audit.note({ ...event, outcome: 'success', reason: 'email' });
        return { ok: true, account: settled.account, ...byEmail };
      }
      await audit.note({
        ...event,
        outcome: 'failure',
        reason: reasonOfGuess(account, 'wrong_email_code'),
      });
      return { ok: false, reason: 'code' };
    },
  };
};

interface Judged {
  /** Epoch milliseconds. */
  readonly until?: number;
}
