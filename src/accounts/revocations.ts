// How sessions, grants and accounts end on all instances: their records in the store are removed, the back-channel
// logouts of the apps are put into the outbox, and one event goes to the caches of all instances.

import { type Clock, epochSeconds } from '../clock.ts';
import { randomId } from '../crypto/ids.ts';
import { definedOnly } from '../defined-only.ts';
import type { Artifact, ArtifactWrite, TenantStorage } from '../storage/storage.ts';
import type { LogoutDelivery, RevocationEvent } from '../storage/storage-endings.ts';
import type { SessionAuthorization } from './live-session.ts';
import { mayHoldTokensSince } from './standing.ts';

/** All of them throw AppError `unavailable`; the steps until then remain done, and repeating them does no harm. */
export interface Revocations {
  /**
   * Ends a person's sessions with the tokens of all their apps. The caller has set `notBefore`, or has disabled or
   * locked the account: a session that began after that continues.
   */
  endAccount(sub: string, reason: string): Promise<void>;
  /**
   * Ends a person's sessions but those with these ids, with the tokens of all their apps, and the gateway sessions that a name
   * and password began.
   */
  endOtherSessions(sub: string, keptIds: readonly string[], reason: string): Promise<void>;
  /** Ends one session with the grants and tokens of all its apps; or a gateway session that has no other. */
  endSession(session: Artifact, reason: string): Promise<void>;
  /** Ends one grant with its tokens; the session it came from continues, with its other grants. */
  endGrant(grant: { readonly id: string; readonly sub: string }, reason: string): Promise<void>;
  /** Ends these grants of a person with their tokens, and nothing else of them. */
  endGrants(grants: { readonly ids: readonly string[]; readonly sub: string }, reason: string): Promise<void>;
  /** Puts back-channel logouts into the outbox, for the apps that want them. */
  queueLogouts(logouts: readonly AppLogout[], reason: string): Promise<void>;
  publish(event: Omit<RevocationEvent, 'at'>): Promise<void>;
}

/** A person's sign-in at one app is over. */
export interface AppLogout {
  readonly clientId: string;
  readonly sub: string;
  /** As the app knows it from its ID token. */
  readonly sid: string;
}

export interface RevocationsParts {
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts' | 'events' | 'deliveries'>;
  readonly authorizationsOf: (session: Artifact) => readonly SessionAuthorization[];
  /** Does this client want back-channel logouts? */
  readonly wantsLogout: (clientId: string) => boolean;
  readonly clock: Clock;
}

/** Reason of a session that an upstream ended: nothing is left there. */
export const upstreamLogout = 'upstream_logout';

/** Seconds within which a server ends what was left at an upstream. */
const upstreamEndingTtl = 24 * 3600;
/** Each with the grants of its apps, whose end costs a command: one call of the store has a time limit. */
const sessionsPerStep = 50;
/** Seconds between the change of an account and the end of its sessions. */
const mostDelay = 5;

export const createRevocations = (parts: RevocationsParts): Revocations => {
  const { storage, authorizationsOf, clock } = parts;

  const queueLogouts = async (logouts: readonly AppLogout[], reason: string): Promise<void> => {
    const nowMs = clock.now();
    const deliveries = logouts
      .filter(({ clientId }) => parts.wantsLogout(clientId))
      .map((logout) => toDelivery(logout, reason, nowMs));
    if (deliveries.length > 0) await storage.deliveries.add(deliveries);
  };

  /** Those that end by themselves: a gateway session with a `sessionUid` ends with that session. */
  const sessionsOf = async (sub: string): Promise<readonly Artifact[]> => {
    const { artifacts } = storage;
    return (await Promise.all([artifacts.sessionsOf(sub), artifacts.gatewaySessionsOf(sub)])).flat();
  };

  const publish = (event: Omit<RevocationEvent, 'at'>): Promise<void> =>
    storage.events.publish({ ...event, at: clock.now() });

  /**
   * The outbox is written first: the apps of a session are unknown once it is removed from the store.
   * @returns those that came from an upstream; see `publishUpstream`
   */
  const end = async (sessions: readonly Artifact[], reason: string): Promise<readonly Artifact[]> => {
    const upstream: Artifact[] = [];
    for (let from = 0; from < sessions.length; from += sessionsPerStep)
      upstream.push(...(await endSome(sessions.slice(from, from + sessionsPerStep), reason)));
    return upstream;
  };

  const endSome = async (sessions: readonly Artifact[], reason: string): Promise<readonly Artifact[]> => {
    const logouts = sessions.flatMap((session) => logoutsOf(session, authorizationsOf(session)));
    await queueLogouts(logouts, reason);
    const removals = sessions.flatMap((session) => removalsOf(session, authorizationsOf(session)));
    const upstream = reason === upstreamLogout ? [] : await findUpstream(sessions);
    const writes = [...removals, ...upstream.flatMap(toEnding)];
    if (writes.length > 0) await storage.artifacts.write(writes);
    return upstream;
  };

  /** After the event of the ending itself, which is more urgent. */
  const publishUpstream = async (ended: readonly Artifact[], reason: string): Promise<void> => {
    for (const { id, accountId: sub } of ended)
      await publish({ what: 'upstream', id, reason, ...definedOnly({ sub }) });
  };

  const findUpstream = async (sessions: readonly Artifact[]): Promise<readonly Artifact[]> => {
    if (sessions.length === 0) return [];
    const ids = sessions.map(({ id }) => ({ kind: 'UpstreamSession' as const, id }));
    return (await storage.artifacts.load(ids)).artifacts;
  };

  /** Without the link to the account, so that it is there for a server when the account is deleted. */
  const toEnding = ({ id, payload }: Artifact): readonly ArtifactWrite[] => {
    const expiresAt = epochSeconds(clock) + upstreamEndingTtl;
    return [
      { op: 'remove', kind: 'UpstreamSession', id },
      { op: 'put', artifact: { kind: 'UpstreamEnding', id, payload, expiresAt } },
    ];
  };

  return {
    queueLogouts,
    publish,
    endAccount: async (sub, reason) => {
      const [account, sessions] = await Promise.all([storage.accounts.findBySub(sub), sessionsOf(sub)]);
      const isOver = ({ signedInAt = 0 }: Artifact): boolean => !mayHoldTokensSince(account, signedInAt);
      const ended = await end(sessions.filter(isOver), reason);
      await publish({ what: 'account', id: sub, reason });
      await publishUpstream(ended, reason);
      const isAllOver = !mayHoldTokensSince(account, epochSeconds(clock) - mostDelay);
      if (isAllOver) await publish({ what: 'upstream', id: sub, sub, reason });
    },
    endOtherSessions: async (sub, keptIds, reason) => {
      const sessions = await sessionsOf(sub);
      const ended = await end(
        sessions.filter(({ id }) => !keptIds.includes(id)),
        reason,
      );
      await publish({ what: 'account', id: sub, reason });
      await publishUpstream(ended, reason);
    },
    endGrant: async ({ id, sub }, reason) => {
      await storage.artifacts.write(removalsOfGrant(id));
      await publish({ what: 'grant', id, sub, reason });
    },
    endGrants: async ({ ids, sub }, reason) => {
      if (ids.length === 0) return;
      await storage.artifacts.write(ids.flatMap(removalsOfGrant));
      await publish({ what: 'account', id: sub, reason });
    },
    endSession: async (session, reason) => {
      const ended = await end([session], reason);
      const { id, accountId: sub } = session;
      await publish({ what: 'session', id, reason, ...definedOnly({ sub }) });
      await publishUpstream(ended, reason);
    },
  };
};

const logoutsOf = (
  { accountId: sub }: Artifact,
  authorizations: readonly SessionAuthorization[],
): readonly AppLogout[] =>
  authorizations.flatMap(({ clientId, sid }) =>
    sub === undefined || sid === undefined ? [] : [{ clientId, sub, sid }],
  );

const removalsOf = (
  { kind, id }: Artifact,
  authorizations: readonly SessionAuthorization[],
): readonly ArtifactWrite[] => [
  { op: 'remove', kind, id },
  ...authorizations.flatMap(({ grantId }): readonly ArtifactWrite[] =>
    grantId === undefined ? [] : removalsOfGrant(grantId),
  ),
];

const removalsOfGrant = (grantId: string): readonly ArtifactWrite[] => [
  { op: 'remove', kind: 'Grant', id: grantId },
  { op: 'removeByGrant', grantId },
];

const toDelivery = (logout: AppLogout, reason: string, nowMs: number): LogoutDelivery => ({
  ...logout,
  id: `${nowMs.toString(16).padStart(12, '0')}${randomId(12)}`,
  reason,
  createdAt: nowMs,
  state: 'pending',
  attempts: 0,
  nextAttemptAt: nowMs,
});
