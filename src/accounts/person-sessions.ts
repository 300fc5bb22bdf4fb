// The sessions of one person, at the provider and at services: their list, and how an operator or the person ends one or all.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import type { Artifact, TenantStorage } from '../storage/storage.ts';
import type { SessionAuthorization } from './live-session.ts';
import type { Revocations } from './revocations.ts';
import type { SessionOrigin } from './session-origin.ts';
import { endOfSessions } from './standing.ts';

export interface PersonSession {
  /** Not a secret: the cookie of a browser has another value. */
  readonly id: string;
  /** Epoch seconds of the sign-in. */
  readonly signedInAt?: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** The apps that it serves. */
  readonly clients: readonly string[];
  /**
   * Hosts of services behind the gateway where it is used; `*.example.com`: all below that domain. A session that a name and
   * password began at a service has that one, and no apps.
   */
  readonly services: readonly string[];
  readonly origin?: SessionOrigin;
}

export interface GatewaySessionFacts {
  /** Host, or `*.example.com`. */
  readonly service: string;
  /** Absent for one that ends with a session at the provider. */
  readonly origin?: SessionOrigin;
}

/** The actor of a change, for the audit record. */
export interface SessionActor {
  /** A sub, or `cli`. */
  readonly actor: string;
  readonly address?: string;
  readonly requestId?: string;
}

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface PersonSessions {
  /** The newest sign-in first. */
  list(sub: string): Promise<readonly PersonSession[]>;
  /** With the grants and tokens of its apps. False when the person has no such session. */
  end(sub: string, id: string, by: SessionActor): Promise<boolean>;
  /** What has no session: a grant with its tokens. */
  endGrant(sub: string, id: string, by: SessionActor): Promise<void>;
  /** All of them. Resolves to their number. */
  endAll(sub: string, by: SessionActor): Promise<number>;
  /**
   * All but what is kept, also tokens that have no session. Resolves to the number of sessions.
   * @param kept ids of sessions, which keep their grants, and of grants
   */
  endOthers(sub: string, kept: readonly string[], by: SessionActor): Promise<number>;
}

export interface PersonSessionsParts {
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts'>;
  readonly revocations: Pick<Revocations, 'endSession' | 'endAccount' | 'endOtherSessions' | 'endGrants'>;
  readonly authorizationsOf: (session: Artifact) => readonly SessionAuthorization[];
  readonly originOf: (session: Artifact) => SessionOrigin | undefined;
  readonly gatewaySessionFacts: (gatewaySession: Artifact) => GatewaySessionFacts;
  readonly audit: Audit;
  readonly clock: Clock;
}

const grantsPerStep = 500;

export const createPersonSessions = (parts: PersonSessionsParts): PersonSessions => {
  const { revocations, authorizationsOf, originOf, gatewaySessionFacts, audit, clock } = parts;
  const { accounts, artifacts } = parts.storage;

  const load = async (sub: string): Promise<SessionsOfPerson> => {
    const [own, atServices] = await Promise.all([
      artifacts.sessionsOf(sub),
      artifacts.gatewaySessionsOf(sub),
    ]);
    const byPassword = atServices.filter(({ sessionUid }) => sessionUid === undefined);
    return { own, byPassword, all: [...own, ...byPassword], atServices };
  };

  /** Ids of those grants that are there: the end of one leaves its entry in the session. */
  const findGrants = async (sessions: readonly Artifact[]): Promise<ReadonlySet<string>> => {
    const ids = sessions.flatMap(authorizationsOf).flatMap(({ grantId = [] }) => grantId);
    if (ids.length === 0) return new Set();
    const loaded = await artifacts.load([...new Set(ids)].map((id) => ({ kind: 'Grant', id })));
    return new Set(loaded.artifacts.map(({ id }) => id));
  };

  const endGrantsBut = async (sub: string, kept: ReadonlySet<string>): Promise<void> => {
    let found = await artifacts.grantsOf(sub, { limit: grantsPerStep });
    while (found.length > 0) {
      const ids = found.map(({ id }) => id);
      const ended = { ids: ids.filter((id) => !kept.has(id)), sub };
      await revocations.endGrants(ended, 'session.end_others');
      found = await artifacts.grantsOf(sub, {
        ...definedOnly({ afterId: ids.at(-1) }),
        limit: grantsPerStep,
      });
    }
  };

  return {
    list: async (sub) => {
      const { own, byPassword, atServices } = await load(sub);
      const grants = await findGrants(own);
      const clientsOf = (session: Artifact): readonly string[] =>
        authorizationsOf(session)
          .filter(({ grantId }) => grantId !== undefined && grants.has(grantId))
          .map(({ clientId }) => clientId);
      const servicesOf = (session: Artifact): readonly string[] =>
        atServices
          .filter(({ sessionUid }) => sessionUid === session.id)
          .map((one) => gatewaySessionFacts(one).service);
      const atProvider = own.map((session) => ({
        ...timesOf(session),
        ...definedOnly({ origin: originOf(session) }),
        clients: [...new Set(clientsOf(session))],
        services: [...new Set(servicesOf(session))],
      }));
      const atGateway = byPassword.map((session) => {
        const { service, ...origin } = gatewaySessionFacts(session);
        return { ...timesOf(session), ...origin, clients: [], services: [service] };
      });
      return [...atProvider, ...atGateway].toSorted(
        (one, other) => (other.signedInAt ?? 0) - (one.signedInAt ?? 0),
      );
    },
    end: async (sub, id, by) => {
      const session = (await load(sub)).all.find((one) => one.id === id);
      if (session === undefined) return false;
      await audit.noteBefore({ ...by, action: 'session.end', object: sub, outcome: 'success' });
      await revocations.endSession(session, 'session.end');
      return true;
    },
    endGrant: async (sub, id, by) => {
      await audit.noteBefore({ ...by, action: 'session.end', object: sub, outcome: 'success' });
      await revocations.endGrants({ ids: [id], sub }, 'session.end');
    },
    endAll: async (sub, by) => {
      const { all: before } = await load(sub);
      await audit.noteBefore({ ...by, action: 'session.end_all', object: sub, outcome: 'success' });
      const nowMs = clock.now();
      await accounts.update(sub, { notBefore: endOfSessions(nowMs), updatedAt: nowMs });
      await revocations.endAccount(sub, 'session.end_all');
      return before.length;
    },
    endOthers: async (sub, kept, by) => {
      const { all: sessions } = await load(sub);
      const present = sessions.find(({ id }) => kept.includes(id));
      await audit.noteBefore({ ...by, action: 'session.end_others', object: sub, outcome: 'success' });
      await revocations.endOtherSessions(sub, kept, 'session.end_others');
      const grants =
        present === undefined ? [] : authorizationsOf(present).flatMap(({ grantId = [] }) => grantId);
      await endGrantsBut(sub, new Set([...kept, ...grants]));
      return sessions.length - (present === undefined ? 0 : 1);
    },
  };
};

interface SessionsOfPerson {
  /** At the provider. */
  readonly own: readonly Artifact[];
  /** Gateway sessions that a name and password began: they end with no other. */
  readonly byPassword: readonly Artifact[];
  /** Both of these. */
  readonly all: readonly Artifact[];
  /** All gateway sessions. */
  readonly atServices: readonly Artifact[];
}

const timesOf = ({
  id,
  expiresAt,
  signedInAt,
}: Artifact): Pick<PersonSession, 'id' | 'expiresAt' | 'signedInAt'> => ({
  ...{ id, expiresAt },
  ...definedOnly({ signedInAt }),
});
