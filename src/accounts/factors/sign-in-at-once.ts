// A sign-in by a program, which presents the password and the code of a second factor in one request.
import type { PasswordAttempt, SignInAtOnce, SignInOutcome } from '../account-types.ts';
import { factsOf } from '../password-gate.ts';
import { isFactorMissing } from './factor-demand.ts';
import type { Factors } from './factors.ts';
import { withFactor } from './proven-factor.ts';

export const createSignInAtOnce =
  (
    signIn: (attempt: PasswordAttempt) => Promise<SignInOutcome>,
    { demandOf, verify }: Pick<Factors, 'demandOf' | 'verify'>,
  ): SignInAtOnce =>
  async ({ otp, acrValues, ...attempt }) => {
    const firstFactor = await signIn(attempt);
    if (!firstFactor.ok) return firstFactor;
    const { account, acr } = firstFactor;
    const demand = demandOf({ account, clientId: attempt.clientId, acrValues, acr });
    if (!isFactorMissing(demand)) return firstFactor;
    if (demand === 'enrolment') return { ok: false, reason: 'mfa_enrolment_required', firstFactor };
    if (otp === undefined) return { ok: false, reason: 'mfa_required', firstFactor };
    const proven = await verify(account, otp, factsOf(attempt));
    if (proven.ok) return { ...withFactor(firstFactor, proven), account: proven.account };
    return proven.reason === 'throttled' ? proven : { ok: false, reason: 'invalid_otp', firstFactor };
  };
