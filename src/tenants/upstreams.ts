// Sign-ins at sources to which the browser is redirected: their beginning, the sessions there, and the ends of both.
import type { Revocations } from '../accounts/revocations.ts';
import type { ChargeStart } from '../accounts/start-budget.ts';
import type { Clock } from '../clock.ts';
import type { Connector } from '../connectors/connector.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { Log } from '../log.ts';
import { createUpstreamEndings, type UpstreamEndings } from '../oidc/upstream/upstream-endings.ts';
import { createUpstreamLogins, type UpstreamLogins } from '../oidc/upstream/upstream-logins.ts';
import { createUpstreamSessions, type UpstreamSessions } from '../oidc/upstream/upstream-sessions.ts';
import { createUpstreamSignOut, type UpstreamSignOut } from '../oidc/upstream/upstream-sign-out.ts';
import type { KeptUpstreamTokens } from '../oidc/upstream/upstream-tokens.ts';
import type { TenantStorage } from '../storage/storage.ts';

export interface Upstreams {
  readonly upstreamLogins: UpstreamLogins;
  readonly upstreamSessions: UpstreamSessions;
  readonly upstreamSignOut: UpstreamSignOut;
  readonly upstreamEndings: UpstreamEndings;
}

export interface UpstreamsParts {
  readonly tenant: string;
  readonly issuer: string;
  readonly storage: TenantStorage;
  readonly masterKey: MasterKey;
  readonly connectors: readonly Connector[];
  readonly revocations: Revocations;
  readonly tokens: KeptUpstreamTokens;
  readonly chargeStart: ChargeStart;
  readonly clock: Clock;
  readonly log: Log;
}

export const createUpstreams = (parts: UpstreamsParts): Upstreams => {
  const { tenant, issuer, storage, masterKey, connectors, revocations, tokens, chargeStart, clock, log } =
    parts;
  const { artifacts } = storage;
  const sessions = createUpstreamSessions({
    ...{ tenant, storage, revocations, clock },
    sealingKey: masterKey.derive('upstream sessions'),
  });
  return {
    upstreamSessions: sessions,
    upstreamLogins: createUpstreamLogins({
      ...{ tenant, issuer, artifacts, chargeStart, clock },
      sealingKey: masterKey.derive('upstream logins'),
    }),
    upstreamSignOut: createUpstreamSignOut({
      ...{ tenant, issuer, artifacts, connectors, sessions, tokens, clock, log },
    }),
    upstreamEndings: createUpstreamEndings({ tenant, artifacts, connectors, sessions, tokens, clock, log }),
  };
};
