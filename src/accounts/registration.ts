// People who make an account of their own. There is no account before the e-mail address is proven by a mail; it begins no
// session: the person signs in afterwards as always.
//   registration-rules.ts   which addresses may have one; registration-check.ts: the operator's own service that is asked
//   new-account.ts          the account of a proven address; new-person.ts: the names that people give themselves
//   invitations.ts          mails of an operator that invite somebody
import type { Audit } from '../audit/audit.ts';
import type { Allowance, Locale, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { hashId } from '../crypto/ids.ts';
import { definedOnly } from '../defined-only.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { addressBucket } from './address-bucket.ts';
import type { RunAfterAnswer } from './after-answer.ts';
import { noteWithin } from './bounded-record.ts';
import type { RemindOfUndo } from './email-undo-link.ts';
import { createNewAccounts, type NewAccounts, type NewAccountsParts } from './new-account.ts';
import { recoveryUrl } from './password-recovery.ts';
import type { CheckRegistration } from './registration-check.ts';
import { newAccountUrl, registrationPurpose } from './registration-link.ts';
import { type JudgedAddress, judgeAddress } from './registration-rules.ts';
import type { Throttle } from './throttle.ts';
import { codeSeconds, linkSeconds, type Verifications } from './verifications.ts';

export interface RegistrationRequest {
  /** As it was typed. */
  readonly email: string;
  /** The field that people do not see was filled in: nothing happens, and the answer is the same. */
  readonly isHiddenFieldFilled?: boolean;
  /** `newBrowser`; the code of the mail works in this browser alone. */
  readonly browser: string;
  /** The sign-in that goes on afterwards, if it is still open then. */
  readonly interaction?: string | undefined;
  readonly locale: Locale;
  readonly address: string;
  readonly userAgent: string;
  readonly requestId: string;
}

export type RegistrationBegun =
  | { readonly ok: true }
  | Extract<JudgedAddress, { readonly ok: false }>
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  /** By the operator's own service. */
  | { readonly ok: false; readonly reason: 'refused' }
  /** It gave no verdict. */
  | { readonly ok: false; readonly reason: 'unavailable'; readonly retryAfterSeconds: number };

export interface Registration extends NewAccounts {
  /**
   * Counts the request, and asks the operator's own service. Whether there is an account with this address is looked at
   * afterwards, and nobody waits for that: the answer and its time are the same.
   */
  begin(request: RegistrationRequest): Promise<RegistrationBegun>;
  /** The link that a right code stands for; undefined when the code is wrong, too old or used. */
  exchangeCode(typed: { readonly browser: string; readonly code: string }): Promise<string | undefined>;
}

export interface RegistrationParts extends NewAccountsParts {
  readonly definition: NewAccountsParts['definition'] & Pick<TenantDefinition, 'throttle'>;
  readonly issuer: string;
  readonly verifications: Verifications;
  readonly throttle: Pick<Throttle, 'spend' | 'refund'>;
  /** Absent: every registration is allowed. */
  readonly check?: CheckRegistration | undefined;
  readonly mail: Pick<TenantMail, 'send'>;
  readonly remindOfUndo: RemindOfUndo;
  readonly runAfterAnswer: RunAfterAnswer;
  readonly audit: Audit;
}

const hour = 3600;
const perEmail = { points: 5, windowSeconds: hour } as const;
/** Each request that is allowed writes one mail: nobody writes more to strangers, from however many IP addresses. */
const perTenant = { points: 1000, windowSeconds: hour } as const;
const secondsAfterOutage = 30;

export const createRegistration = (parts: RegistrationParts): Registration => {
  const { definition, issuer, verifications, throttle, check, mail, findKnown, audit } = parts;

  const noteOf =
    ({ address, requestId }: RegistrationRequest, email: string) =>
    (outcome: 'success' | 'failure', reason: string, account?: AccountRecord): Promise<void> =>
      audit.note({
        ...{ action: 'registration.begin', outcome, reason, address, requestId },
        // whoever asked has proven nothing
        ...{ actor: account === undefined ? email : 'unknown', ...definedOnly({ object: account?.sub }) },
      });

  const writeMail = async (request: RegistrationRequest, email: string): Promise<void> => {
    const { locale, browser, interaction } = request;
    const note = noteOf(request, email);
    const known = await findKnown(email);
    if (known !== undefined) {
      if (await parts.remindOfUndo(known, { email, locale })) return note('failure', 'known', known);
      const recovery = definition.recovery === undefined ? '' : '_recovery';
      const kind = `registration_known${recovery}` as const;
      const values = { recoverUrl: recoveryUrl(issuer) };
      await mail.send({ kind, to: email, locale, sub: known.sub, link: issuer, values });
      return note('failure', 'known', known);
    }
    const about = definedOnly({ interaction });
    const secrets = await verifications.create({
      ...{ purpose: registrationPurpose, browser, address: email, about },
    });
    await mail.send({
      ...{ kind: 'registration', to: email, locale, link: newAccountUrl(issuer, secrets.link) },
      ...{ linkSeconds, codeSeconds, ...definedOnly({ code: secrets.code }) },
    });
    await note('success', 'mail');
  };

  /** Of a request that writes no mail, which anybody may send: so many of a tenant in an hour, and no more. */
  const noteRefused = (note: ReturnType<typeof noteOf>, reason: string): Promise<void> =>
    noteWithin(throttle, { key: 'registration/refused', allowance: perTenant, reason }, (bounded) =>
      note('failure', bounded),
    );

  return {
    begin: async (request) => {
      const judged = judgeAddress(request.email, definition);
      if (!judged.ok) return judged;
      const { email } = judged;
      const note = noteOf(request, email);
      /** Undefined: it is allowed. */
      const spend = async (key: string, allowance: Allowance): Promise<RegistrationBegun | undefined> => {
        const { isAllowed, isFirstRefusal, retryAfterSeconds } = await throttle.spend(key, allowance);
        if (isFirstRefusal) await noteRefused(note, 'throttled');
        return isAllowed ? undefined : { ok: false, reason: 'throttled', retryAfterSeconds };
      };

      const ofAddress = `registration/address/${addressBucket(request.address)}`;
      const tooMany = await spend(ofAddress, definition.throttle.address);
      if (tooMany !== undefined) return tooMany;
      if (request.isHiddenFieldFilled === true) {
        await noteRefused(note, 'hidden_field');
        return { ok: true };
      }
      const verdict = (await check?.({ ...request, email })) ?? 'allowed';
      if (verdict !== 'allowed') {
        await noteRefused(note, `check_${verdict}`);
        return verdict === 'refused'
          ? { ok: false, reason: verdict }
          : { ok: false, reason: verdict, retryAfterSeconds: secondsAfterOutage };
      }
      // by tenant before by e-mail address: a flood of addresses makes few counters
      const tooManyOfTenant = await spend('registration/tenant', perTenant);
      if (tooManyOfTenant !== undefined) return tooManyOfTenant;
      const tooManyOfEmail = await spend(`registration/email/${hashId(email)}`, perEmail);
      if (tooManyOfEmail !== undefined) {
        await throttle.refund('registration/tenant', perTenant);
        return tooManyOfEmail;
      }
      parts.runAfterAnswer({
        what: 'mail for a registration',
        requestId: request.requestId,
        work: () => writeMail(request, email),
      });
      return { ok: true };
    },

    exchangeCode: async (typed) => {
      const verified = await verifications.consumeCode(registrationPurpose, typed);
      if (verified === undefined) return undefined;
      const { link } = await verifications.create({ ...verified, purpose: registrationPurpose });
      return link;
    },

    ...createNewAccounts(parts),
  };
};
