// Codes and tokens that come again, and assertions that prove nothing: noticed in the middle of a request, recorded at its
// end, when the writes that revoke something are stored.
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { NoteAttack, NoticedAttack } from '../../accounts/attack-record.ts';
import type { Revocations } from '../../accounts/revocations.ts';
import type { Clock } from '../../clock.ts';
import type { Lifetimes } from '../../config/tenant/tenant-definition.ts';
import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import type { ProviderRequest } from './provider-request.ts';

export interface Replay {
  readonly action: NoticedAttack['action'];
  readonly reason: string;
  readonly clientId?: string | undefined;
  readonly sub?: string | undefined;
  /** Grant of which tokens were revoked, which caches are to forget. */
  readonly endedGrant?: string;
}

/** A code or refresh token that the request in progress presents, whoever presents it. */
export interface Presented {
  readonly kind: 'code' | 'device_code' | 'refresh_token';
  /** For whom it was issued. */
  readonly clientId: string | undefined;
  readonly sub: string | undefined;
  readonly isUsed: boolean;
}

export interface Replays {
  /** Is this still the repetition of a request whose answer was lost? */
  isInGrace(clientId: string | undefined, consumedAtMs: number): boolean;
  /** For the request in progress. */
  note(replay: Replay): void;
  present(presented: Presented): void;
  /** What the request in progress presents, unless something was noted of it already. */
  findUnnoted(): Presented | undefined;
  /** Never rejects. */
  report(ctx: KoaContextWithOIDC): Promise<void>;
}

export interface ReplaysParts {
  readonly lifetimesOf: (clientId: string | undefined) => Lifetimes;
  readonly noteAttack: NoteAttack;
  readonly revocations: Pick<Revocations, 'publish'>;
  readonly current: () => KoaContextWithOIDC | undefined;
  readonly factsOf: (ctx: KoaContextWithOIDC) => ProviderRequest;
  readonly clock: Clock;
  readonly log: Log;
}

export const createReplays = (parts: ReplaysParts): Replays => {
  const noted = new WeakMap<object, Replay[]>();
  const presented = new WeakMap<object, Presented>();

  const announce = async (grantId: string, sub: string | undefined): Promise<void> => {
    const ending = { what: 'grant', id: hashId(grantId), reason: 'code_replayed' } as const;
    try {
      await parts.revocations.publish({ ...ending, ...definedOnly({ sub }) });
    } catch (err) {
      // what ended is stored; caches learn it when they ask again
      parts.log.warn({ err }, 'the end of something could not be announced');
    }
  };

  return {
    isInGrace: (clientId, consumedAtMs) =>
      parts.clock.now() - consumedAtMs < parts.lifetimesOf(clientId).codeGrace * 1000,
    note: (replay) => {
      const ctx = parts.current();
      if (ctx !== undefined) noted.set(ctx.req, [...(noted.get(ctx.req) ?? []), replay]);
    },
    present: (one) => {
      const ctx = parts.current();
      if (ctx !== undefined) presented.set(ctx.req, one);
    },
    findUnnoted: () => {
      const ctx = parts.current();
      return ctx === undefined || noted.has(ctx.req) ? undefined : presented.get(ctx.req);
    },
    report: async (ctx) => {
      for (const { action, reason, clientId, sub, endedGrant } of noted.get(ctx.req) ?? []) {
        if (endedGrant !== undefined) await announce(endedGrant, sub);
        const { address, requestId } = parts.factsOf(ctx);
        await parts.noteAttack({ action, reason, address, requestId, ...definedOnly({ clientId, sub }) });
      }
    },
  };
};
