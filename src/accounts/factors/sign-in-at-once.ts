// A sign-in by a program, which presents the password and the code of a second factor in one request.
import type {
  CallOffDeletion,
  PasswordAttempt,
  SignedIn,
  SignInAtOnce,
  SignInOutcome,
} from '../account-types.ts';
import { factsOf } from '../password-gate.ts';
import { mayHoldTokens } from '../standing.ts';
import { isFactorMissing } from './factor-demand.ts';
import type { Factors } from './factors.ts';
import { withFactor } from './proven-factor.ts';

export interface SignInAtOnceParts extends Pick<Factors, 'demandOf' | 'verify'> {
  readonly signIn: (attempt: PasswordAttempt) => Promise<SignInOutcome>;
  readonly callOffDeletion: CallOffDeletion;
}

const notGood = { ok: false, reason: 'credentials' } as const;

export const createSignInAtOnce = (parts: SignInAtOnceParts): SignInAtOnce => {
  const { signIn, demandOf, verify } = parts;

  const complete = async (
    signedIn: SignedIn,
    attempt: PasswordAttempt,
  ): Promise<SignedIn | { readonly ok: false; readonly reason: 'credentials' }> => {
    const { account, signedInAt } = signedIn;
    // a service behind the gateway checks a password again and again, and nobody signs in: that calls no deletion off
    if (attempt.via === 'basic') return mayHoldTokens(account) ? signedIn : notGood;
    const kept = await parts.callOffDeletion({ account, signedInAt, ...factsOf(attempt) });
    return kept === undefined ? notGood : { ...signedIn, account: kept };
  };

  return async ({ otp, acrValues, ...attempt }) => {
    const firstFactor = await signIn(attempt);
    if (!firstFactor.ok) return firstFactor;
    const { account, acr } = firstFactor;
    const demand = demandOf({ account, clientId: attempt.clientId, acrValues, acr });
    if (!isFactorMissing(demand)) return complete(firstFactor, attempt);
    // a request of its own is no answer to a mail
    const isImpossible = demand === 'enrolment' || (demand === 'email_code' && attempt.via === 'basic');
    if (isImpossible) return { ok: false, reason: 'mfa_enrolment_required', firstFactor };
    // nobody has been sent a code yet
    if (otp === undefined || demand === 'email_code')
      return { ok: false, reason: 'mfa_required', firstFactor };
    const proven = await verify(account, otp, factsOf(attempt));
    if (proven.ok) return complete({ ...withFactor(firstFactor, proven), account: proven.account }, attempt);
    return proven.reason === 'throttled' ? proven : { ok: false, reason: 'invalid_otp', firstFactor };
  };
};
