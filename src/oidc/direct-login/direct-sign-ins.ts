import type { Accounts } from '../../accounts/account-types.ts';
import { createStartBudget } from '../../accounts/start-budget.ts';
import { createThrottle } from '../../accounts/throttle.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import { createMfaTokens } from '../grants/mfa-tokens.ts';
import { createPasswordTokens } from '../upstream/password-tokens.ts';
import type { KeptUpstreamTokens } from '../upstream/upstream-tokens.ts';
import { createDirectLogin, type DirectLogin } from './direct-login.ts';
import type { IssueDirectToken } from './direct-tokens.ts';
import { createEmailSessions, type EmailSessions, type EmailSessionsParts } from './email-sessions.ts';
import { createProlongSession, type ProlongSession } from './prolong-session.ts';

/** Sign-ins on apps' own pages that are no authorization requests. */
export interface DirectSignIns {
  readonly directLogin: DirectLogin;
  readonly emailSessions: EmailSessions;
  readonly prolongSession: ProlongSession;
}

export interface DirectSignInsParts
  extends Pick<EmailSessionsParts, 'note' | 'sendCode' | 'key' | 'runAfterAnswer'> {
  readonly definition: TenantDefinition;
  readonly accounts: Pick<Accounts, 'signInAtOnce' | 'factors' | 'seed'>;
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts' | 'counters'>;
  readonly upstreamTokens: Pick<KeptUpstreamTokens, 'keep'>;
  readonly connectors: readonly Connector[];
  readonly issue: IssueDirectToken;
  readonly clock: Clock;
}

export const createDirectSignIns = (parts: DirectSignInsParts): DirectSignIns => {
  const { definition, storage, clock } = parts;
  const { artifacts, counters } = storage;
  const mfaTokens = createMfaTokens({ artifacts, clock });
  const allowance = definition.throttle.startAddress;
  return {
    directLogin: createDirectLogin({ ...parts, mfaTokens, passwordTokens: createPasswordTokens(parts) }),
    emailSessions: createEmailSessions({
      ...parts,
      ...{ artifacts, records: storage.accounts, mfaTokens },
      throttle: createThrottle(counters, clock),
      chargeStart: createStartBudget({ counters, clock, allowance }),
    }),
    prolongSession: createProlongSession({ definition, artifacts, clock }),
  };
};
