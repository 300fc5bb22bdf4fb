import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { Connector } from '../../connectors/connector.ts';
import { hashId, randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { UpstreamFacts, UpstreamSessions } from './upstream-sessions.ts';
import type { KeptUpstreamTokens } from './upstream-tokens.ts';

/** A sign-out that continues at the upstream and returns (OpenID Connect RP-Initiated Logout 1.0). */
export interface UpstreamSignOut {
  /**
   * Sends the browser on to the upstream, when this request to the provider has ended a session that came from
   * there. Decided by the session alone, never by a parameter. Never rejects: our session has ended in any case.
   */
  redirect(ctx: KoaContextWithOIDC): Promise<void>;
  /**
   * The next URL when the browser returns; undefined when there was no such sign-out, or it is too old.
   * @throws AppError `unavailable`
   */
  returnFrom(source: string, state: string): Promise<string | undefined>;
}

export interface UpstreamSignOutParts {
  readonly tenant: string;
  readonly issuer: string;
  readonly artifacts: TenantStorage['artifacts'];
  readonly connectors: readonly Connector[];
  readonly sessions: Pick<UpstreamSessions, 'find'>;
  readonly tokens: Pick<KeptUpstreamTokens, 'endSignIn'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Seconds; the upstream may ask the person. */
const returnTtl = 15 * 60;

export const signedOutUrl = (issuer: string, source: string): string =>
  `${issuer}/upstream/${source}/signed-out`;

export const createUpstreamSignOut = (parts: UpstreamSignOutParts): UpstreamSignOut => {
  const { artifacts, issuer } = parts;
  const hasUpstreams = parts.connectors.some(
    ({ redirect, revoke }) => redirect !== undefined || revoke !== undefined,
  );
  const idOf = (source: string, state: string): string => hashId(`${source} ${state}`);

  const revoke = async (source: string, grant: NonNullable<UpstreamFacts['grant']>): Promise<boolean> => {
    try {
      return await parts.tokens.endSignIn(grant.sub, source, grant.refreshToken);
    } catch (err) {
      parts.log.warn({ tenant: parts.tenant, source, err }, 'the tokens of an upstream could not be revoked');
      return true;
    }
  };

  /** Undefined when there is no session to end there. */
  const upstreamUrl = async (sessionUid: string, target: string): Promise<string | undefined> => {
    const facts = await parts.sessions.find(sessionUid);
    const connector = parts.connectors.find(({ definition }) => definition.id === facts?.source);
    if (facts === undefined || connector === undefined) return undefined;
    const { grant, source } = facts;
    const isRevoked = grant === undefined ? Promise.resolve(false) : revoke(source, grant);
    // nothing is left there for which the browser would have to visit it
    if (connector.redirect === undefined || (grant?.isByPassword === true && (await isRevoked)))
      return undefined;
    const state = randomId();
    const url = await connector.redirect.endSessionUrl({
      postLogoutRedirectUri: signedOutUrl(issuer, facts.source),
      state,
      ...definedOnly({ idToken: facts.idToken }),
    });
    if (url === undefined) return undefined;
    await artifacts.write([
      { op: 'remove', kind: 'UpstreamSession', id: hashId(sessionUid) },
      {
        op: 'put',
        artifact: {
          kind: 'LogoutReturn',
          id: idOf(facts.source, state),
          payload: target,
          expiresAt: epochSeconds(parts.clock) + returnTtl,
        },
      },
    ]);
    return url;
  };

  return {
    redirect: async (ctx) => {
      const { session, route } = ctx.oidc ?? {}; // absent where no route of the provider answered
      if (!hasUpstreams || route !== 'end_session_confirm' || ctx.status !== 303) return;
      const { uid, destroyed } = session as { uid: string; destroyed?: boolean }; // public, but untyped
      const target = ctx.response.get('Location');
      // another person signs in over this session: that sign-in continues here
      const isInterlude = target.startsWith(`${issuer}/auth/`) || target.startsWith(`${issuer}/device/`);
      if (destroyed !== true || isInterlude) return;
      try {
        const url = await upstreamUrl(uid, target);
        if (url !== undefined) ctx.redirect(url);
      } catch (err) {
        parts.log.warn({ tenant: parts.tenant, err }, 'a sign-out could not go on to the upstream');
      }
    },
    returnFrom: async (source, state) => {
      const id = idOf(source, state);
      const [found] = (await artifacts.load([{ kind: 'LogoutReturn', id }])).artifacts;
      if (found === undefined) return undefined;
      const used = await artifacts.consume('LogoutReturn', id, parts.clock.now());
      return used?.won === true ? found.payload : undefined;
    },
  };
};
