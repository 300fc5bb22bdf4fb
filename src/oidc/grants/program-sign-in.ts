// A program signs a person in with name and password: in one step, or in two with a second factor. In the second an
// `mfa_token` stands for name and password.
import type {
  Accounts,
  CompleteAttempt,
  DisclosedRefusal,
  FirstFactor,
  SignedIn,
} from '../../accounts/account-types.ts';
import type { ProgramCodes } from '../../accounts/factors/program-codes.ts';
import { withFactor } from '../../accounts/factors/proven-factor.ts';
import type { PasswordTokens } from '../upstream/password-tokens.ts';
import type { MfaTokens } from './mfa-tokens.ts';

/** Where the request came from. The client has been authenticated. */
export interface ProgramOrigin {
  readonly clientId: string;
  readonly address: string;
  readonly requestId: string;
}

export interface FactorAnswer {
  readonly mfaToken: string;
  readonly otp: string;
}

export type ProgramRefusal =
  | {
      readonly ok: false;
      readonly reason:
        | 'credentials'
        | 'invalid_otp'
        | 'mfa_token'
        | 'mfa_enrolment_required'
        /** The person has no code that a program could send. */
        | 'passkey_required';
    }
  | {
      readonly ok: false;
      readonly reason: 'mfa_required';
      readonly mfaToken: string;
      /** The codes that the person has. */
      readonly methods: readonly string[];
    }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly ok: false; readonly reason: DisclosedRefusal };

/** Both throw AppError `unavailable`. */
export interface ProgramSignIn {
  provePassword(attempt: CompleteAttempt & ProgramOrigin): Promise<FirstFactor | ProgramRefusal>;
  /** After `mfa_required`. */
  proveFactor(answer: FactorAnswer, origin: ProgramOrigin): Promise<FirstFactor | ProgramRefusal>;
}

export interface ProgramSignInParts {
  readonly accounts: Pick<Accounts, 'signInAtOnce' | 'callOffDeletion'>;
  readonly mfaTokens: MfaTokens;
  readonly programCodes: ProgramCodes;
  readonly passwordTokens: PasswordTokens;
}

export const createProgramSignIn = (parts: ProgramSignInParts): ProgramSignIn => {
  const { accounts, mfaTokens, programCodes, passwordTokens } = parts;
  const unknownToken = { ok: false, reason: 'mfa_token' } as const;

  const askForFactor = async (
    first: SignedIn,
    { clientId, requestId }: ProgramOrigin,
  ): Promise<ProgramRefusal> => {
    const methods = programCodes.methodsOf(first.account);
    if (methods.length === 0) {
      passwordTokens.revoke(first);
      return { ok: false, reason: 'passkey_required' };
    }
    await passwordTokens.keep(first);
    const mfaToken = await mfaTokens.issue(clientId, first);
    const sent = await programCodes.send(first.account, { place: mfaToken, requestId });
    return sent.ok ? { ok: false, reason: 'mfa_required', mfaToken, methods } : sent;
  };

  return {
    provePassword: async (attempt) => {
      const outcome = await accounts.signInAtOnce(attempt);
      if (outcome.ok) {
        await passwordTokens.keep(outcome);
        return outcome;
      }
      switch (outcome.reason) {
        case 'mfa_required':
          return askForFactor(outcome.firstFactor, attempt);
        case 'invalid_otp':
        case 'mfa_enrolment_required':
          passwordTokens.revoke(outcome.firstFactor);
          return { ok: false, reason: outcome.reason };
        default:
          return outcome;
      }
    },

    proveFactor: async ({ mfaToken, otp }, origin) => {
      const first = await mfaTokens.find(origin.clientId, mfaToken);
      if (first === undefined) return unknownToken;
      const proven = await programCodes.verify(first.account, { place: mfaToken, otp }, origin);
      if (!proven.ok) return proven.reason === 'throttled' ? proven : { ok: false, reason: 'invalid_otp' };
      if (!(await mfaTokens.consume(mfaToken))) return unknownToken;
      const { account } = proven;
      const kept = await accounts.callOffDeletion({ account, signedInAt: first.signedInAt, ...origin });
      return kept === undefined ? unknownToken : { ...withFactor(first, proven), account: kept };
    },
  };
};
