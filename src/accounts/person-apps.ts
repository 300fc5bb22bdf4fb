// The apps that have access to a person's account: their list, and how the person withdraws the access of one.
import type { Audit } from '../audit/audit.ts';
import { definedOnly } from '../defined-only.ts';
import type { Artifact, ArtifactWrite, TenantStorage } from '../storage/storage.ts';
import type { Devices } from './devices.ts';
import type { SessionAuthorization } from './live-session.ts';
import type { SessionActor } from './person-sessions.ts';
import type { Revocations } from './revocations.ts';

/** What one grant allows an app. */
export interface AppGrant {
  readonly clientId: string;
  /** Without resource. */
  readonly scopes: readonly string[];
  readonly resources: readonly { readonly identifier: string; readonly scopes: readonly string[] }[];
  /** Epoch seconds. */
  readonly grantedAt: number;
}

/** All grants of one app together. */
export interface PersonApp extends AppGrant {
  /** Epoch seconds until which the access is kept, unless it is used again. */
  readonly expiresAt: number;
}

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface PersonApps {
  /** The last one that got access comes first. */
  list(sub: string): Promise<readonly PersonApp[]>;
  /**
   * Ends all grants of the app with their tokens and devices, and tells the app by its back-channel logout. False when
   * it has no access.
   */
  withdraw(sub: string, clientId: string, by: SessionActor): Promise<boolean>;
}

export interface PersonAppsParts {
  readonly storage: Pick<TenantStorage, 'artifacts'>;
  readonly revocations: Pick<Revocations, 'endGrants' | 'queueLogouts'>;
  readonly devices: Pick<Devices, 'list' | 'revoke'>;
  readonly authorizationsOf: (session: Artifact) => readonly SessionAuthorization[];
  /** The change of a session that removes what it has of an app; undefined when it has nothing. */
  readonly withoutClient: (session: Artifact, clientId: string) => ArtifactWrite | undefined;
  readonly grantFactsOf: (grant: Artifact) => AppGrant | undefined;
  /** False for clients that are no apps for people. */
  readonly isApp: (clientId: string) => boolean;
  readonly audit: Audit;
}

const pageSize = 500;
/** Grants that a list looks at; `withdraw` looks at all. */
const mostListed = 5000;

export const createPersonApps = (parts: PersonAppsParts): PersonApps => {
  const { revocations, devices, grantFactsOf, audit } = parts;
  const { artifacts } = parts.storage;

  const grantsOf = async (sub: string, atMost = Number.POSITIVE_INFINITY): Promise<readonly Artifact[]> => {
    const found: Artifact[] = [];
    let page = await artifacts.grantsOf(sub, { limit: pageSize });
    while (page.length > 0) {
      found.push(...page);
      if (page.length < pageSize || found.length >= atMost) break;
      page = await artifacts.grantsOf(sub, { ...definedOnly({ afterId: page.at(-1)?.id }), limit: pageSize });
    }
    return found;
  };

  const endDevices = async (sub: string, clientId: string, by: SessionActor): Promise<void> => {
    let page = await devices.list({ sub, limit: pageSize });
    while (page.length > 0) {
      for (const device of page)
        if (device.clientId === clientId) await devices.revoke(device.id, { ...by, owner: sub });
      if (page.length < pageSize) return;
      page = await devices.list({ sub, ...definedOnly({ afterId: page.at(-1)?.id }), limit: pageSize });
    }
  };

  const endInSessions = async (sub: string, clientId: string): Promise<void> => {
    const sessions = await artifacts.sessionsOf(sub);
    const logouts = sessions
      .flatMap(parts.authorizationsOf)
      .flatMap((app) =>
        app.clientId === clientId && app.sid !== undefined ? [{ clientId, sub, sid: app.sid }] : [],
      );
    await revocations.queueLogouts(logouts, 'app.withdraw');
    const writes = sessions.flatMap((session) => parts.withoutClient(session, clientId) ?? []);
    if (writes.length > 0) await artifacts.write(writes);
  };

  return {
    list: async (sub) => {
      const byClient = new Map<string, PersonApp>();
      for (const grant of await grantsOf(sub, mostListed)) {
        const facts = grantFactsOf(grant);
        if (facts === undefined || !parts.isApp(facts.clientId)) continue;
        const { expiresAt } = grant;
        byClient.set(facts.clientId, joined(byClient.get(facts.clientId), { ...facts, expiresAt }));
      }
      return [...byClient.values()].toSorted((one, other) => other.grantedAt - one.grantedAt);
    },
    withdraw: async (sub, clientId, by) => {
      if (!parts.isApp(clientId)) return false;
      const ids = (await grantsOf(sub))
        .filter((grant) => grantFactsOf(grant)?.clientId === clientId)
        .map(({ id }) => id);
      if (ids.length === 0) return false;
      await audit.noteBefore({ ...by, action: 'app.withdraw', object: sub, clientId, outcome: 'success' });
      await endDevices(sub, clientId, by);
      // the sessions say which logouts the app has to get, so the grants come last: the access is listed until all is done
      await endInSessions(sub, clientId);
      await revocations.endGrants({ ids, sub }, 'app.withdraw');
      return true;
    },
  };
};

const joined = (known: PersonApp | undefined, added: PersonApp): PersonApp => {
  if (known === undefined) return added;
  const identifiers = new Set([...known.resources, ...added.resources].map(({ identifier }) => identifier));
  const scopesFor = (identifier: string): readonly string[] =>
    [...known.resources, ...added.resources].flatMap((one) =>
      one.identifier === identifier ? one.scopes : [],
    );
  return {
    clientId: known.clientId,
    scopes: unique([...known.scopes, ...added.scopes]),
    resources: [...identifiers].map((identifier) => ({ identifier, scopes: unique(scopesFor(identifier)) })),
    grantedAt: Math.max(known.grantedAt, added.grantedAt),
    expiresAt: Math.max(known.expiresAt, added.expiresAt),
  };
};

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];
