import type { EventEmitter } from 'node:events';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AppLogout, Revocations } from '../../accounts/revocations.ts';
import { hashId } from '../../crypto/ids.ts';
import type { Log } from '../../log.ts';
import type { RevocationEvent } from '../../storage/storage-endings.ts';

type Ending = Omit<RevocationEvent, 'at'>;

/** The endings that a request to the provider causes: sign-outs, revoked tokens and grants. */
export interface RequestEndings {
  /** The library would log this app out now, for the request in progress. */
  noteLogout(logout: AppLogout): void;
  /**
   * Puts the back-channel logouts into the outbox. To be called before the writes of the request are stored: the apps
   * of a session are unknown once it is removed.
   * @throws AppError `unavailable`
   */
  queueLogouts(ctx: KoaContextWithOIDC): Promise<void>;
  /**
   * Publishes it to the caches of all instances, which read the store again: it comes after the writes. Never
   * rejects.
   */
  announce(ctx: KoaContextWithOIDC): Promise<void>;
}

export interface RequestEndingsParts {
  readonly tenant: string;
  readonly revocations: Pick<Revocations, 'queueLogouts' | 'publish'>;
  readonly current: () => KoaContextWithOIDC | undefined;
  readonly log: Log;
}

interface Noted {
  readonly logouts: AppLogout[];
  readonly endings: Ending[];
}

/** Collects the endings from the events of the provider. */
export const observeEndings = (provider: Provider, parts: RequestEndingsParts): RequestEndings => {
  const noted = new WeakMap<object, Noted>();
  const noteOf = (ctx: KoaContextWithOIDC): Noted => {
    const known = noted.get(ctx.req) ?? { logouts: [], endings: [] };
    noted.set(ctx.req, known);
    return known;
  };

  const emitter: EventEmitter = provider; // the events' typed signatures differ by event
  emitter.on('grant.revoked', (ctx: KoaContextWithOIDC, grantId: string) => {
    noteOf(ctx).endings.push({ what: 'grant', id: hashId(grantId), reason: 'revoked', ...ownerOf(ctx) });
  });
  emitter.on('end_session.success', (ctx: KoaContextWithOIDC) => {
    const session = ctx.oidc.session as EndedSession | undefined; // `destroyed` is public, but untyped
    if (session?.destroyed !== true || session.accountId === undefined) return;
    const note = noteOf(ctx);
    // the event of the session includes the grants that ended with it
    note.endings.length = 0;
    note.endings.push({
      what: 'session',
      id: hashId(session.uid),
      sub: session.accountId,
      reason: 'signed_out',
    });
  });

  return {
    noteLogout: (logout) => {
      const ctx = parts.current();
      if (ctx !== undefined) noteOf(ctx).logouts.push(logout);
    },
    queueLogouts: async (ctx) => {
      const { logouts = [] } = noted.get(ctx.req) ?? {};
      if (logouts.length > 0) await parts.revocations.queueLogouts(logouts, 'signed_out');
    },
    announce: async (ctx) => {
      const endings = [...(noted.get(ctx.req)?.endings ?? []), ...revokedTokens(ctx)];
      try {
        for (const ending of endings) await parts.revocations.publish(ending);
      } catch (err) {
        // the ending is stored; caches see it when they read the store again
        parts.log.warn({ tenant: parts.tenant, err }, 'the end of something could not be announced');
      }
    },
  };
};

interface EndedSession {
  readonly uid: string;
  readonly accountId?: string;
  readonly destroyed?: boolean;
}

const ownerOf = (ctx: KoaContextWithOIDC): { readonly sub?: string } => {
  const { session, entities } = ctx.oidc;
  const sub = session?.accountId ?? entities.RefreshToken?.accountId ?? entities.AccessToken?.accountId;
  return sub === undefined ? {} : { sub };
};

/** RFC 7009: an access token may be revoked while its grant stays; a cache with the token must ask again. */
const revokedTokens = (ctx: KoaContextWithOIDC): readonly Ending[] => {
  if (ctx.oidc?.route !== 'revocation' || ctx.status !== 200) return [];
  const { client, entities } = ctx.oidc;
  const { AccessToken: token, ClientCredentials: own } = entities;
  const reason = 'token_revoked';
  if (token?.grantId !== undefined && token.clientId === client?.clientId)
    return [{ what: 'grant', id: hashId(token.grantId), reason, ...ownerOf(ctx) }];
  if (own?.clientId !== undefined && own.clientId === client?.clientId)
    return [{ what: 'client', id: own.clientId, reason }];
  return [];
};
