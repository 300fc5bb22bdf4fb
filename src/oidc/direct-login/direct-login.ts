// The login API: a sign-in on an app's own page in one request, or two with a second factor.
import type { Accounts, DisclosedRefusal, FirstFactor } from '../../accounts/account-types.ts';
import type { ProgramCodes } from '../../accounts/factors/program-codes.ts';
import { withFactor } from '../../accounts/factors/proven-factor.ts';
import { sessionOrigin } from '../../accounts/session-origin.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { MfaTokens } from '../grants/mfa-tokens.ts';
import { lifetimesOf } from '../provider/clients.ts';
import type { PasswordTokens } from '../upstream/password-tokens.ts';
import type { DirectToken, IssueDirectToken } from './direct-tokens.ts';

/** Where the request came from. The client is one that may do this, and has been authenticated. */
export interface LoginOrigin {
  readonly clientId: string;
  readonly address: string;
  readonly requestId: string;
  readonly userAgent: string;
}

export type LoginProof =
  | { readonly username: string; readonly password: string; readonly otp?: string }
  | { readonly mfaToken: string; readonly otp: string };

export type LoginOutcome =
  | { readonly ok: true; readonly token: DirectToken }
  | {
      readonly ok: false;
      readonly reason:
        | 'credentials'
        | 'invalid_otp'
        | 'mfa_token'
        | 'mfa_enrolment_required'
        | 'passkey_required';
    }
  | {
      readonly ok: false;
      readonly reason: 'mfa_required';
      readonly mfaToken: string;
      readonly methods: readonly string[];
    }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly ok: false; readonly reason: DisclosedRefusal };

export interface DirectLogin {
  /** @throws AppError `unavailable` */
  login(proof: LoginProof, origin: LoginOrigin, scope?: string): Promise<LoginOutcome>;
}

export interface DirectLoginParts {
  readonly definition: TenantDefinition;
  readonly accounts: Pick<Accounts, 'signInAtOnce' | 'callOffDeletion'>;
  readonly mfaTokens: MfaTokens;
  readonly programCodes: ProgramCodes;
  readonly passwordTokens: PasswordTokens;
  readonly issue: IssueDirectToken;
}

type Refused = Exclude<LoginOutcome, { readonly ok: true }>;

export const createDirectLogin = (parts: DirectLoginParts): DirectLogin => {
  const provePassword = async (
    { username, password, otp }: Extract<LoginProof, { readonly username: string }>,
    { clientId, address, requestId }: LoginOrigin,
  ): Promise<FirstFactor | Refused> => {
    const outcome = await parts.accounts.signInAtOnce({
      ...{ login: username, password, address, requestId, clientId, via: 'direct_login' },
      ...definedOnly({ otp }),
    });
    if (outcome.ok) {
      await parts.passwordTokens.keep(outcome);
      return outcome;
    }
    switch (outcome.reason) {
      case 'mfa_required': {
        const { account } = outcome.firstFactor;
        const methods = parts.programCodes.methodsOf(account);
        if (methods.length === 0) {
          parts.passwordTokens.revoke(outcome.firstFactor);
          return { ok: false, reason: 'passkey_required' };
        }
        await parts.passwordTokens.keep(outcome.firstFactor);
        const mfaToken = await parts.mfaTokens.issue(clientId, outcome.firstFactor);
        const sent = await parts.programCodes.send(account, { place: mfaToken, requestId });
        return sent.ok ? { ok: false, reason: outcome.reason, mfaToken, methods } : sent;
      }
      case 'invalid_otp':
      case 'mfa_enrolment_required':
        parts.passwordTokens.revoke(outcome.firstFactor);
        return { ok: false, reason: outcome.reason };
      default:
        return outcome;
    }
  };

  const proveFactor = async (
    { mfaToken, otp }: Extract<LoginProof, { readonly mfaToken: string }>,
    { clientId, address, requestId }: LoginOrigin,
  ): Promise<FirstFactor | Refused> => {
    const first = await parts.mfaTokens.find(clientId, mfaToken);
    if (first === undefined) return { ok: false, reason: 'mfa_token' };
    const typed = { place: mfaToken, otp };
    const origin = { address, requestId, clientId };
    const proven = await parts.programCodes.verify(first.account, typed, origin);
    if (proven.ok) {
      const { account } = proven;
      const { signedInAt } = first;
      const kept = (await parts.mfaTokens.consume(mfaToken))
        ? await parts.accounts.callOffDeletion({ account, signedInAt, ...origin })
        : undefined;
      return kept === undefined
        ? { ok: false, reason: 'mfa_token' }
        : { ...withFactor(first, proven), account: kept };
    }
    return proven.reason === 'throttled' ? proven : { ok: false, reason: 'invalid_otp' };
  };

  return {
    login: async (proof, origin, scope) => {
      const proven =
        'mfaToken' in proof ? await proveFactor(proof, origin) : await provePassword(proof, origin);
      if ('reason' in proven) return proven;
      const { account, amr, acr, source, signedInAt } = proven;
      const { clientId, address, userAgent } = origin;
      const token = await parts.issue({
        clientId,
        scope,
        proof: { sub: account.sub, amr, acr, source, signedInAt },
        origin: sessionOrigin(address, userAgent),
        lifeSeconds: lifetimesOf(parts.definition, clientId).directLogin,
      });
      return { ok: true, token };
    },
  };
};
