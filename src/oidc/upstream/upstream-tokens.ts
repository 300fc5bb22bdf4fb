import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { Connector, UpstreamTokens } from '../../connectors/connector.ts';
import { hashId } from '../../crypto/ids.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Artifact, Artifacts } from '../../storage/storage.ts';

/** The upstream's tokens of a tenant's people, kept sealed if the tenant gives them to apps (`tokensFor`). */
export interface KeptUpstreamTokens {
  /** Stores the tokens of a sign-in, if an app may have them. @throws AppError `unavailable` */
  keep(sub: string, source: string, tokens: UpstreamTokens): Promise<void>;
  /**
   * Tokens with a valid access token, renewed if necessary. Undefined when there are none, or when the upstream no
   * longer renews them.
   * @throws AppError `unavailable` when the upstream cannot be reached
   */
  find(sub: string, source: string): Promise<UpstreamTokens | undefined>;
  /** Removes the tokens after the person disconnected the source. @throws AppError `unavailable` */
  forget(sub: string, source: string): Promise<void>;
}

export interface UpstreamTokensParts {
  readonly tenant: string;
  readonly artifacts: Pick<Artifacts, 'load' | 'write' | 'tryInsert'>;
  readonly connectors: readonly Connector[];
  /** 32 bytes, derived from the master key. */
  readonly sealingKey: Buffer;
  /** Seconds for which tokens that can be renewed are kept. */
  readonly keptSeconds: number;
  readonly clock: Clock;
}

/** A token with less left than this is renewed before it is handed out. */
const renewedBeforeSeconds = 60;
/** While another request renews the token, one with more left than this is still handed out. */
const enoughSeconds = 5;
/** Lifetime of tokens without `expires_in` that cannot be renewed. */
const unknownLifeSeconds = 3600;
/** Longer than a renewal can take. */
const leaseSeconds = 45;
const waitLimitMs = 12_000;
const lookEveryMs = 100;

interface Kept {
  readonly tokens: UpstreamTokens;
  /** Changes with each renewal and each sign-in. */
  readonly generation: string;
}

export const createUpstreamTokens = (parts: UpstreamTokensParts): KeptUpstreamTokens => {
  const { artifacts, clock, sealingKey } = parts;
  const idOf = (sub: string, source: string): string => hashId(JSON.stringify([sub, source]));
  const bindingOf = (sub: string, source: string): string =>
    `upstream tokens ${JSON.stringify([parts.tenant, sub, source])}`;

  const open = (sub: string, source: string, { payload }: Artifact): Kept => ({
    tokens: JSON.parse(
      openSealed(sealingKey, payload, bindingOf(sub, source)).toString('utf8'),
    ) as UpstreamTokens, // sealed by keep
    generation: hashId(payload),
  });

  const keep = async (sub: string, source: string, tokens: UpstreamTokens): Promise<void> => {
    const now = epochSeconds(clock);
    const artifact: Artifact = {
      kind: 'UpstreamTokens',
      id: idOf(sub, source),
      payload: seal(sealingKey, Buffer.from(JSON.stringify(tokens)), bindingOf(sub, source)),
      expiresAt:
        tokens.refreshToken === undefined
          ? (tokens.expiresAt ?? now + unknownLifeSeconds)
          : now + parts.keptSeconds,
    };
    await artifacts.write([{ op: 'put', artifact }]);
  };

  const forget = (sub: string, source: string): Promise<void> =>
    artifacts.write([{ op: 'remove', kind: 'UpstreamTokens', id: idOf(sub, source) }]);

  const load = async (sub: string, source: string): Promise<Kept | undefined> => {
    const found = await artifacts.load([{ kind: 'UpstreamTokens', id: idOf(sub, source) }]);
    const [artifact] = found.artifacts;
    return artifact === undefined ? undefined : open(sub, source, artifact);
  };

  const secondsLeft = ({ expiresAt }: UpstreamTokens): number =>
    expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - epochSeconds(clock);

  const leaseId = (sub: string, source: string, { generation }: Kept): string =>
    hashId(JSON.stringify([sub, source, generation]));

  const release = (id: string): Promise<void> =>
    artifacts.write([
      // over since long, so that the next one need not wait
      { op: 'put', artifact: { kind: 'UpstreamLease', id, payload: '', expiresAt: 1 } },
    ]);

  /** To be called by the holder of the lease. */
  const renew = async (
    sub: string,
    connector: Connector,
    { tokens }: Kept,
  ): Promise<UpstreamTokens | undefined> => {
    const { refreshToken: old } = tokens;
    const { id: source } = connector.definition;
    const renewed = old === undefined ? undefined : await connector.redirect?.refresh(old);
    if (renewed === undefined) {
      await forget(sub, source);
      return undefined;
    }
    const { refreshToken = old, idToken = tokens.idToken } = renewed;
    const kept = {
      ...renewed,
      ...definedOnly({ refreshToken, idToken }),
    };
    await keep(sub, source, kept);
    return kept;
  };

  /** Waits for the tokens that another request renews. */
  const awaitRenewal = async (sub: string, source: string, before: Kept): Promise<Kept | undefined> => {
    const id = leaseId(sub, source, before);
    for (const startedAt = performance.now(); performance.now() - startedAt < waitLimitMs; ) {
      const found = await artifacts.load([
        { kind: 'UpstreamTokens', id: idOf(sub, source) },
        { kind: 'UpstreamLease', id },
      ]);
      const stored = found.artifacts.find(({ kind }) => kind === 'UpstreamTokens');
      const now = stored === undefined ? undefined : open(sub, source, stored);
      if (now?.generation !== before.generation) return now;
      if (!found.artifacts.some(({ kind }) => kind === 'UpstreamLease')) break;
      await delay(lookEveryMs);
    }
    throw new AppError('unavailable', 'The tokens of the upstream could not be renewed');
  };

  const renewOnce = async (
    sub: string,
    connector: Connector,
    seen: Kept,
  ): Promise<UpstreamTokens | undefined> => {
    const { id: source } = connector.definition;
    const id = leaseId(sub, source, seen);
    const expiresAt = epochSeconds(clock) + leaseSeconds;
    if (!(await artifacts.tryInsert({ kind: 'UpstreamLease', id, payload: '', expiresAt }))) {
      return secondsLeft(seen.tokens) > enoughSeconds
        ? seen.tokens
        : (await awaitRenewal(sub, source, seen))?.tokens;
    }
    // an old lease may have expired: the old refresh token must not be used a second time
    const now = await load(sub, source);
    if (now?.generation !== seen.generation) return now?.tokens;
    try {
      return await renew(sub, connector, now);
    } catch (error) {
      await release(id);
      throw error;
    }
  };

  return {
    forget,
    keep: async (sub, source, tokens) => {
      const definition = parts.connectors.find((connector) => connector.definition.id === source)?.definition;
      const isKept = definition !== undefined && 'tokensFor' in definition && definition.tokensFor?.length;
      if (isKept) await keep(sub, source, tokens);
    },
    find: async (sub, source) => {
      const connector = parts.connectors.find(({ definition }) => definition.id === source);
      const kept = connector === undefined ? undefined : await load(sub, source);
      if (connector === undefined || kept === undefined) return undefined;
      const left = secondsLeft(kept.tokens);
      if (left > renewedBeforeSeconds) return kept.tokens;
      if (kept.tokens.refreshToken === undefined) return left > 0 ? kept.tokens : undefined;
      try {
        return await renewOnce(sub, connector, kept);
      } catch (error) {
        if (isAppError(error, 'unavailable') && left > 0) return kept.tokens;
        throw error;
      }
    },
  };
};
