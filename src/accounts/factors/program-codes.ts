// The codes that programs send for a person in `otp`: of an app, recovery codes, or those of a mail.
import type { SecondFactorRules } from '../../config/tenant/tenant-definition.ts';
import { hashId } from '../../crypto/ids.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { EmailCodes } from './email-codes.ts';
import { codeMethodsOf } from './factor-facts.ts';
import type { Factors } from './factors.ts';
import type { FactorOrigin, FactorOutcome, FactorThrottled } from './proven-factor.ts';

export interface ProgramCodes {
  /** Empty: the person has no code to send. */
  methodsOf(account: AccountRecord): readonly string[];
  /**
   * Mails a code, if that is what the person has; anybody else needs none. The first factor is proven.
   * @throws AppError `unavailable`
   */
  send(account: AccountRecord, step: ProgramStep): Promise<{ readonly ok: true } | FactorThrottled>;
  /** @throws AppError `unavailable` */
  verify(account: AccountRecord, typed: TypedOtp, origin: FactorOrigin): Promise<FactorOutcome>;
}

export interface ProgramStep {
  /** Of this sign-in alone: what stands for its first factor. The code of a mail is bound to it. */
  readonly place: string;
  readonly requestId: string;
}

export interface TypedOtp extends Pick<ProgramStep, 'place'> {
  readonly otp: string;
}

export interface ProgramCodesParts {
  readonly rules: Pick<SecondFactorRules, 'methods'>;
  readonly factors: Pick<Factors, 'verify'>;
  readonly emailCodes: EmailCodes;
}

const placeOf = (place: string): string => `program ${hashId(place)}`;

export const createProgramCodes = ({ rules, factors, emailCodes }: ProgramCodesParts): ProgramCodes => ({
  methodsOf: (account) => (emailCodes.isFor(account) ? ['email'] : codeMethodsOf(rules, account)),
  send: (account, { place, requestId }) => emailCodes.send(account, { place: placeOf(place), requestId }),
  verify: (account, { place, otp }, origin) =>
    emailCodes.isFor(account)
      ? emailCodes.verify(account, { place: placeOf(place), code: otp }, origin)
      : factors.verify(account, otp, origin),
});
