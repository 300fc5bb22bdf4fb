import { createRevokeKey } from '../accounts/api-keys/revoke-key.ts';
import type { Devices } from '../accounts/devices.ts';
import { createPersonSessions, type PersonSessions } from '../accounts/person-sessions.ts';
import type { Revocations } from '../accounts/revocations.ts';
import { createSessionPages } from '../accounts/sign-ins/session-pages.ts';
import { createSignIns, type SignIns } from '../accounts/sign-ins/sign-ins.ts';
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { gatewaySessionFacts } from '../gateway/sign-in/gateway-sessions.ts';
import { authorizationsOf } from '../oidc/adapter/artifact-payload.ts';
import { refreshTokenFactsOf, sessionFactsOf } from '../oidc/adapter/sign-in-facts.ts';
import type { TenantStorage } from '../storage/storage.ts';

export interface PersonSignIns {
  readonly sessions: PersonSessions;
  readonly signIns: SignIns;
}

export interface PersonSignInsParts {
  readonly storage: TenantStorage;
  readonly revocations: Revocations;
  readonly devices: Devices;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** What people are signed in by, as the rooms that write it read it. Needs no file of the tenant. */
export const createPersonSignIns = (parts: PersonSignInsParts): PersonSignIns => {
  const { storage, revocations, audit } = parts;
  const pages = createSessionPages({ storage, authorizationsOf, sessionFactsOf, gatewaySessionFacts });
  const sessions = createPersonSessions({ ...parts, authorizationsOf, pages });
  const records = storage.apiKeys;
  const keys = {
    list: records.list,
    revoke: createRevokeKey({ records, revocations, audit }),
  };
  return { sessions, signIns: createSignIns({ ...parts, sessions, pages, keys, refreshTokenFactsOf }) };
};
