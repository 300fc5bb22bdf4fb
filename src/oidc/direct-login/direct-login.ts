// The login API: a sign-in on an app's own page in one request, or two with a second factor.
import type { FirstFactor } from '../../accounts/account-types.ts';
import { sessionOrigin } from '../../accounts/session-origin.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import {
  createProgramSignIn,
  type FactorAnswer,
  type ProgramOrigin,
  type ProgramRefusal,
  type ProgramSignInParts,
} from '../grants/program-sign-in.ts';
import { lifetimesOf } from '../provider/clients.ts';
import type { DirectToken, IssueDirectToken } from './direct-tokens.ts';

/** The client is one that may do this. */
export interface LoginOrigin extends ProgramOrigin {
  readonly userAgent: string;
}

export type LoginProof =
  | { readonly username: string; readonly password: string; readonly otp?: string }
  | FactorAnswer;

export type LoginOutcome = { readonly ok: true; readonly token: DirectToken } | ProgramRefusal;

export interface DirectLogin {
  /** @throws AppError `unavailable` */
  login(proof: LoginProof, origin: LoginOrigin, scope?: string): Promise<LoginOutcome>;
}

export interface DirectLoginParts extends ProgramSignInParts {
  readonly definition: TenantDefinition;
  readonly issue: IssueDirectToken;
}

export const createDirectLogin = (parts: DirectLoginParts): DirectLogin => {
  const { provePassword, proveFactor } = createProgramSignIn(parts);

  const prove = (
    proof: LoginProof,
    { clientId, address, requestId }: LoginOrigin,
  ): Promise<FirstFactor | ProgramRefusal> => {
    const origin = { clientId, address, requestId };
    if ('mfaToken' in proof) return proveFactor(proof, origin);
    const { username: login, password, otp } = proof;
    return provePassword({ login, password, ...definedOnly({ otp }), ...origin, via: 'direct_login' });
  };

  return {
    login: async (proof, origin, scope) => {
      const proven = await prove(proof, origin);
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
