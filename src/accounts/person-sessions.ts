// The sessions of one person, at the provider and at services: their list, and how an operator or the person ends one or all.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import type { Artifact, SignInPlace, TenantStorage } from '../storage/storage.ts';
import type { SessionAuthorization } from './live-session.ts';
import type { Revocations } from './revocations.ts';
import type { PersonSession, SessionPages } from './sign-ins/session-pages.ts';
import { endOfSessions } from './standing.ts';

/** The actor of a change, for the audit record. */
export interface SessionActor {
  /** A sub, or `cli`. */
  readonly actor: string;
  readonly address?: string;
  readonly requestId?: string;
}

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface PersonSessions {
  /** The newest sign-in first; of each kind at most `mostListed`. */
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
  readonly pages: SessionPages;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** The end of each costs a command. */
const grantsPerStep = 100;
const sessionsPerRead = 500;
const mostListed = 5000;

export const createPersonSessions = (parts: PersonSessionsParts): PersonSessions => {
  const { revocations, authorizationsOf, pages, audit, clock } = parts;
  const { accounts, artifacts } = parts.storage;

  /** All that end by themselves: those of services among them that a name and password began. */
  const load = async (sub: string): Promise<readonly Artifact[]> =>
    (await Promise.all([artifacts.sessionsOf(sub), artifacts.gatewaySessionsOf(sub)])).flat();

  const find = async (sub: string, id: string): Promise<Artifact | undefined> => {
    const refs = [{ kind: 'Session', id } as const, { kind: 'GatewaySession', id } as const];
    const found = (await artifacts.load(refs)).artifacts;
    return found.find(({ accountId, sessionUid }) => accountId === sub && sessionUid === undefined);
  };

  const grantsOfSession = (session: Artifact): readonly string[] =>
    authorizationsOf(session).flatMap(({ grantId = [] }) => grantId);

  const endGrantsBut = async (
    sub: string,
    { kept, reason }: { readonly kept: ReadonlySet<string>; readonly reason: string },
  ): Promise<void> => {
    let found = await artifacts.grantsOf(sub, { limit: grantsPerStep });
    while (found.length > 0) {
      const ids = found.map(({ id }) => id);
      const ended = { ids: ids.filter((id) => !kept.has(id)), sub };
      await revocations.endGrants(ended, reason);
      found = await artifacts.grantsOf(sub, {
        ...definedOnly({ afterId: ids.at(-1) }),
        limit: grantsPerStep,
      });
    }
  };

  return {
    list: async (sub) => {
      const all = await Promise.all([
        inPages((page) => pages.atProvider(sub, page)),
        inPages((page) => pages.atServices(sub, page)),
      ]);
      return all.flat().toSorted((one, other) => (other.signedInAt ?? 0) - (one.signedInAt ?? 0));
    },
    end: async (sub, id, by) => {
      const session = await find(sub, id);
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
      const before = await load(sub);
      await audit.noteBefore({ ...by, action: 'session.end_all', object: sub, outcome: 'success' });
      const nowMs = clock.now();
      await accounts.update(sub, { notBefore: endOfSessions(nowMs), updatedAt: nowMs });
      await revocations.endAccount(sub, 'session.end_all');
      const begunSince = (await artifacts.sessionsOf(sub)).flatMap(grantsOfSession);
      await endGrantsBut(sub, { kept: new Set(begunSince), reason: 'session.end_all' });
      return before.length;
    },
    endOthers: async (sub, kept, by) => {
      const sessions = await load(sub);
      const present = sessions.find(({ id }) => kept.includes(id));
      await audit.noteBefore({ ...by, action: 'session.end_others', object: sub, outcome: 'success' });
      await revocations.endOtherSessions(sub, kept, 'session.end_others');
      const grants = present === undefined ? [] : grantsOfSession(present);
      await endGrantsBut(sub, { kept: new Set([...kept, ...grants]), reason: 'session.end_others' });
      return sessions.length - (present === undefined ? 0 : 1);
    },
  };
};

const inPages = async (
  read: (page: { readonly after?: SignInPlace; readonly limit: number }) => Promise<readonly PersonSession[]>,
): Promise<readonly PersonSession[]> => {
  const found: PersonSession[] = [];
  let page = await read({ limit: sessionsPerRead });
  found.push(...page);
  while (page.length === sessionsPerRead && found.length < mostListed) {
    const { signedInAt = 0, id = '' } = page.at(-1) ?? {};
    page = await read({ after: { signedInAt, id }, limit: sessionsPerRead });
    found.push(...page);
  }
  return found;
};
