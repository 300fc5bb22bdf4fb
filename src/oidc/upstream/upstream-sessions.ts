import type { KoaContextWithOIDC } from 'oidc-provider';
import { identityKey } from '../../accounts/linked-identities.ts';
import { type Revocations, upstreamLogout } from '../../accounts/revocations.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { UpstreamLogout } from '../../connectors/connector.ts';
import { hashId } from '../../crypto/ids.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import type { Artifact, TenantStorage } from '../../storage/storage.ts';
import type { RequestScope } from '../adapter/request-scope.ts';

/** The facts about the upstream sign-in of one of our sessions. */
export interface UpstreamFacts {
  readonly source: string;
  /** Always present when the upstream has a `sid`. */
  readonly issuer?: string;
  /** `sid` of the upstream's ID token. */
  readonly sid?: string;
  /** For the upstream's logout. */
  readonly idToken?: string;
  /** What the sign-in began there, to be revoked at our sign-out. */
  readonly grant?: {
    readonly sub: string;
    readonly refreshToken: string;
    /** The browser has no session at the upstream that it could be sent to. */
    readonly isByPassword: boolean;
  };
}

/** Which of our sessions came from which session at an upstream. All throw AppError `unavailable`. */
export interface UpstreamSessions {
  /** Seals facts for `note`; see `ProvenLogin.upstream`. */
  seal(facts: UpstreamFacts): string;
  /** Stores the sealed facts, when this request to the provider makes the session. */
  note(ctx: KoaContextWithOIDC, scope: RequestScope): void;
  /** @param sealed the payload of an UpstreamEnding artifact */
  open(sealed: string): UpstreamFacts;
  find(sessionUid: string): Promise<UpstreamFacts | undefined>;
  /** The same by the id of the Session artifact. */
  findById(id: string): Promise<UpstreamFacts | undefined>;
  /**
   * Ends the sessions that the logout of an upstream names: the one of its `sid`, or those that its person has through
   * this source. False when the same logout (`jti`) was received before.
   */
  endByToken(source: string, logout: UpstreamLogout): Promise<boolean>;
  /** OpenID Connect Front-Channel Logout 1.0 section 2. */
  endBySid(source: string, notice: { readonly issuer: string; readonly sid: string }): Promise<void>;
}

export interface UpstreamSessionsParts {
  readonly tenant: string;
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts'>;
  /** 32 bytes, for this purpose alone. */
  readonly sealingKey: Buffer;
  readonly revocations: Pick<Revocations, 'endSession'>;
  readonly clock: Clock;
}

/** Seconds. Sessions slide; their facts are kept for so long, or until the session ends. */
const factsTtl = 90 * 24 * 3600;

const sidId = (source: string, issuer: string, sid: string): string =>
  hashId(JSON.stringify(['upstream sid', source, issuer, sid]));

const jtiId = (source: string, { issuer, jti }: UpstreamLogout): string =>
  hashId(JSON.stringify(['upstream logout', source, issuer, jti]));

export const createUpstreamSessions = (parts: UpstreamSessionsParts): UpstreamSessions => {
  const { clock, sealingKey } = parts;
  const { artifacts, accounts } = parts.storage;
  const purpose = JSON.stringify([parts.tenant, 'upstream session']);
  const open = (sealed: string): UpstreamFacts =>
    JSON.parse(openSealed(sealingKey, sealed, purpose).toString('utf8'));

  const findById = async (id: string): Promise<UpstreamFacts | undefined> => {
    const [found] = (await artifacts.load([{ kind: 'UpstreamSession', id }])).artifacts;
    return found === undefined ? undefined : open(found.payload);
  };
  const end = async (sessions: readonly Artifact[]): Promise<void> => {
    for (const session of sessions) {
      await parts.revocations.endSession(session, upstreamLogout);
      await artifacts.write([{ op: 'remove', kind: 'UpstreamSession', id: session.id }]);
    }
  };
  /** Keeps the sessions whose facts match now: a later sign-in at another source replaces the facts of a session. */
  const keepMatching = async (
    sessions: readonly Artifact[],
    isMatch: (facts: UpstreamFacts) => boolean,
  ): Promise<readonly Artifact[]> => {
    if (sessions.length === 0) return [];
    const facts = await artifacts.load(sessions.map(({ id }) => ({ kind: 'UpstreamSession' as const, id })));
    const matching = new Set(
      facts.artifacts.filter(({ payload }) => isMatch(open(payload))).map(({ id }) => id),
    );
    return sessions.filter(({ id }) => matching.has(id));
  };
  const sessionsOfSid = async (source: string, issuer: string, sid: string): Promise<readonly Artifact[]> => {
    const { linkedArtifacts } = await artifacts.load([
      { kind: 'UpstreamSid', id: sidId(source, issuer, sid) },
    ]);
    const sessions = linkedArtifacts.filter(({ kind }) => kind === 'Session');
    return keepMatching(sessions, (facts) => facts.source === source && facts.sid === sid);
  };
  const sessionsOfPerson = async (source: string, logout: UpstreamLogout): Promise<readonly Artifact[]> => {
    const { issuer, subject } = logout;
    if (subject === undefined) return [];
    const account = await accounts.findByIdentity(identityKey({ source, issuer, subject }));
    const sessions = account === undefined ? [] : await artifacts.sessionsOf(account.sub);
    return keepMatching(sessions, (facts) => facts.source === source);
  };

  return {
    seal: (facts) => seal(sealingKey, Buffer.from(JSON.stringify(facts)), purpose),
    note: (ctx, scope) => {
      const { result, session } = ctx.oidc ?? {}; // absent where no route of the provider answered
      const sealed = result?.upstream;
      if (typeof sealed !== 'string' || session?.accountId === undefined) return;
      if (session.accountId !== result?.login?.accountId) return;
      const { source, issuer, sid } = open(sealed);
      const id = hashId(session.uid);
      const links = {
        expiresAt: epochSeconds(clock) + factsTtl,
        sessionUid: id,
        accountId: session.accountId,
      };
      scope.stage({ op: 'put', artifact: { kind: 'UpstreamSession', id, payload: sealed, ...links } });
      if (sid === undefined || issuer === undefined) return;
      const sidEntry: Artifact = {
        kind: 'UpstreamSid',
        id: sidId(source, issuer, sid),
        payload: '',
        ...links,
      };
      scope.stage({ op: 'put', artifact: sidEntry });
    },
    open,
    find: (sessionUid) => findById(hashId(sessionUid)),
    findById,
    endByToken: async (source, logout) => {
      const id = jtiId(source, logout);
      const seen = await artifacts.load([{ kind: 'ReplayDetection', id }]);
      if (seen.artifacts.length > 0) return false;
      const { issuer, sid, expiresAt } = logout;
      await end(
        sid === undefined ? await sessionsOfPerson(source, logout) : await sessionsOfSid(source, issuer, sid),
      );
      // stored afterwards: the upstream may send the logout again when this failed
      return artifacts.tryInsert({ kind: 'ReplayDetection', id, payload: '', expiresAt });
    },
    endBySid: async (source, { issuer, sid }) => end(await sessionsOfSid(source, issuer, sid)),
  };
};
