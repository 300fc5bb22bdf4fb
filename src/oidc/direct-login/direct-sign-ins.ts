import { createThrottle } from '../../accounts/throttle.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import { createDirectLogin, type DirectLogin, type DirectLoginParts } from './direct-login.ts';
import { createEmailSessions, type EmailSessions, type EmailSessionsParts } from './email-sessions.ts';
import { createProlongSession, type ProlongSession } from './prolong-session.ts';

/** Sign-ins on apps' own pages that are no authorization requests. */
export interface DirectSignIns {
  readonly directLogin: DirectLogin;
  readonly emailSessions: EmailSessions;
  readonly prolongSession: ProlongSession;
}

export interface DirectSignInsParts
  extends Omit<EmailSessionsParts, 'artifacts' | 'records' | 'throttle' | 'accounts'>,
    Pick<DirectLoginParts, 'passwordTokens' | 'programCodes'> {
  readonly accounts: DirectLoginParts['accounts'] & EmailSessionsParts['accounts'];
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts' | 'counters'>;
}

export const createDirectSignIns = (parts: DirectSignInsParts): DirectSignIns => {
  const { definition, storage, clock } = parts;
  const { accounts: records, artifacts, counters } = storage;
  const throttle = createThrottle(counters, clock);
  return {
    directLogin: createDirectLogin(parts),
    emailSessions: createEmailSessions({ ...parts, artifacts, records, throttle }),
    prolongSession: createProlongSession({ definition, artifacts, clock }),
  };
};
