// The sessions of one person, a page at a time: those at the provider, and those that a name and password began at a service.
import { definedOnly } from '../../defined-only.ts';
import type { Artifact, SignInsPage, TenantStorage } from '../../storage/storage.ts';
import type { SessionAuthorization } from '../live-session.ts';
import type { SessionOrigin } from '../session-origin.ts';

export interface PersonSession {
  /** Not a secret: the cookie of a browser has another value. */
  readonly id: string;
  /** Epoch seconds of the sign-in. */
  readonly signedInAt?: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** How the person signed in (RFC 8176). */
  readonly amr: readonly string[];
  /** The app on whose own page the person signed in; absent for a sign-in in a browser. */
  readonly clientId?: string;
  /** The apps that it serves. */
  readonly clients: readonly string[];
  /**
   * Hosts of services behind the gateway where it is used; `*.example.com`: all below that domain. A session that a name and
   * password began at a service has that one, and no apps.
   */
  readonly services: readonly string[];
  readonly origin?: SessionOrigin;
}

/** What a stored session says of its sign-in. */
export interface SessionFacts {
  readonly amr: readonly string[];
  readonly clientId?: string;
  readonly origin?: SessionOrigin;
}

export interface GatewaySessionFacts {
  /** Host, or `*.example.com`. */
  readonly service: string;
  readonly amr: readonly string[];
  /** Absent for one that ends with a session at the provider. */
  readonly origin?: SessionOrigin;
}

type SessionsPage = Omit<SignInsPage, 'kind'>;

/** The latest sign-in first. All of them throw AppError `unavailable`. */
export interface SessionPages {
  atProvider(sub: string, page: SessionsPage): Promise<readonly PersonSession[]>;
  /** Those that end with no session at the provider. */
  atServices(sub: string, page: SessionsPage): Promise<readonly PersonSession[]>;
}

export interface SessionPagesParts {
  readonly storage: Pick<TenantStorage, 'artifacts'>;
  readonly authorizationsOf: (session: Artifact) => readonly SessionAuthorization[];
  readonly sessionFactsOf: (session: Artifact) => SessionFacts;
  readonly gatewaySessionFacts: (gatewaySession: Artifact) => GatewaySessionFacts;
}

/** On average, for the sessions of a page. */
const servicesPerSession = 20;

export const createSessionPages = (parts: SessionPagesParts): SessionPages => {
  const { authorizationsOf, sessionFactsOf, gatewaySessionFacts } = parts;
  const { artifacts } = parts.storage;

  /** Ids of those grants that are there: the end of one leaves its entry in the session. */
  const findGrants = async (sessions: readonly Artifact[]): Promise<ReadonlySet<string>> => {
    const ids = sessions.flatMap(authorizationsOf).flatMap(({ grantId = [] }) => grantId);
    if (ids.length === 0) return new Set();
    const loaded = await artifacts.load([...new Set(ids)].map((id) => ({ kind: 'Grant', id })));
    return new Set(loaded.artifacts.map(({ id }) => id));
  };

  return {
    atProvider: async (sub, page) => {
      const found = await artifacts.signInsOf(sub, { ...page, kind: 'Session' });
      if (found.length === 0) return [];
      const ids = found.map(({ id }) => id);
      const [grants, atServices] = await Promise.all([
        findGrants(found),
        artifacts.gatewaySessionsWith(ids, ids.length * servicesPerSession),
      ]);
      return found.map((session) => {
        const clients = authorizationsOf(session)
          .filter(({ grantId }) => grantId !== undefined && grants.has(grantId))
          .map(({ clientId }) => clientId);
        const services = atServices
          .filter(({ sessionUid }) => sessionUid === session.id)
          .map((one) => gatewaySessionFacts(one).service);
        return {
          ...timesOf(session),
          ...sessionFactsOf(session),
          clients: [...new Set(clients)],
          services: [...new Set(services)],
        };
      });
    },
    atServices: async (sub, page) => {
      const found = await artifacts.signInsOf(sub, { ...page, kind: 'GatewaySession' });
      return found.map((session) => {
        const { service, ...facts } = gatewaySessionFacts(session);
        return { ...timesOf(session), ...facts, clients: [], services: [service] };
      });
    },
  };
};

const timesOf = ({
  id,
  expiresAt,
  signedInAt,
}: Artifact): Pick<PersonSession, 'id' | 'expiresAt' | 'signedInAt'> => ({
  ...{ id, expiresAt },
  ...definedOnly({ signedInAt }),
});
