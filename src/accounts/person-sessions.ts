// The sessions of one person at the provider: their list, and how an operator ends one or all of them.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import type { Artifact, TenantStorage } from '../storage/storage.ts';
import type { SessionAuthorization } from './live-session.ts';
import type { Revocations } from './revocations.ts';
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
}

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface PersonSessions {
  /** The newest sign-in first. */
  list(sub: string): Promise<readonly PersonSession[]>;
  /** With the grants and tokens of its apps. False when the person has no such session. */
  end(sub: string, id: string): Promise<boolean>;
  /** All of them, and the sign-ins at services by password. Resolves to their number. */
  endAll(sub: string): Promise<number>;
}

export interface PersonSessionsParts {
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts'>;
  readonly revocations: Pick<Revocations, 'endSession' | 'endAccount'>;
  readonly authorizationsOf: (session: Artifact) => readonly SessionAuthorization[];
  readonly audit: Audit;
  readonly clock: Clock;
  /** The actor, for the audit record: `cli`, or a sub. */
  readonly actor: string;
}

export const createPersonSessions = (parts: PersonSessionsParts): PersonSessions => {
  const { storage, revocations, authorizationsOf, audit, clock, actor } = parts;
  const sessionsOf = (sub: string): Promise<readonly Artifact[]> => storage.artifacts.sessionsOf(sub);
  return {
    list: async (sub) =>
      (await sessionsOf(sub))
        .toSorted((one, other) => (other.signedInAt ?? 0) - (one.signedInAt ?? 0))
        .map((session) => ({
          id: session.id,
          expiresAt: session.expiresAt,
          ...definedOnly({ signedInAt: session.signedInAt }),
          clients: [...new Set(authorizationsOf(session).map(({ clientId }) => clientId))],
        })),
    end: async (sub, id) => {
      const session = (await sessionsOf(sub)).find((one) => one.id === id);
      if (session === undefined) return false;
      await audit.noteBefore({ action: 'session.end', actor, object: sub, outcome: 'success' });
      await revocations.endSession(session, 'session.end');
      return true;
    },
    endAll: async (sub) => {
      const before = await sessionsOf(sub);
      await audit.noteBefore({ action: 'session.end_all', actor, object: sub, outcome: 'success' });
      const nowMs = clock.now();
      await storage.accounts.update(sub, { notBefore: endOfSessions(nowMs), updatedAt: nowMs });
      await revocations.endAccount(sub, 'session.end_all');
      return before.length;
    },
  };
};
