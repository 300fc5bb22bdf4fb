import { setTimeout as delay } from 'node:timers/promises';
import { epochSeconds } from '../../clock.ts';
import type { Connector, LookupVerdict, RedirectSource, UpstreamTokens } from '../../connectors/connector.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError, isAppError } from '../../errors.ts';
import {
  createKeptTokens,
  type Holder,
  type Kept,
  type KeptTokensParts,
  type RefreshToken,
  refreshTokensOf,
  type StoredTokens,
  signInOf,
} from './kept-tokens.ts';

/**
 * The upstream's tokens of a tenant's people: kept sealed for the apps that may have them (`tokensFor`), and to ask
 * the upstream about people whom it cannot be asked about otherwise.
 */
export interface KeptUpstreamTokens {
  /** Stores the tokens of a sign-in; false when they are of no use here. @throws AppError `unavailable` */
  keep(sub: string, source: string, tokens: UpstreamTokens): Promise<boolean>;
  /**
   * For an app: tokens with a valid access token, renewed if necessary. Undefined when there are none, or when the
   * upstream no longer renews them.
   * @throws AppError `unavailable` when the upstream cannot be reached
   */
  find(sub: string, source: string): Promise<UpstreamTokens | undefined>;
  /**
   * Has the upstream refresh the tokens now and says what it knows of their person. Undefined when there are none that
   * can be refreshed.
   * @throws AppError `unavailable` when the upstream cannot be reached
   */
  lookAgain(sub: string, identity: IdentityAtSource): Promise<LookupVerdict | undefined>;
  /**
   * The person signs out here: what that sign-in left at the upstream ends, too. `refreshToken` is the one of the
   * sign-in. False when the upstream offers nothing for that.
   * @throws AppError `unavailable` when the store does not answer
   */
  endSignIn(sub: string, source: string, refreshToken: string): Promise<boolean>;
  /**
   * All sign-ins of the person are over: whatever is kept of them ends, here and at the upstreams.
   * @throws AppError `unavailable` when the store does not answer
   */
  endAll(sub: string): Promise<void>;
  /** Removes the tokens after the person disconnected the source. @throws AppError `unavailable` */
  forget(sub: string, source: string): Promise<void>;
}

export interface IdentityAtSource {
  readonly source: string;
  readonly issuer?: string;
  readonly subject: string;
}

export interface UpstreamTokensParts extends KeptTokensParts {
  readonly connectors: readonly Connector[];
}

type RefreshableConnector = Connector & { readonly redirect: RedirectSource };

/** A token with less left than this is renewed before it is handed out. */
const renewedBeforeSeconds = 60;
/** While another request renews the token, one with more left than this is still handed out. */
const enoughSeconds = 5;
/** Assumed of a token without `expires_in` (RFC 6749 section 5.1) that can be renewed. */
const assumedLifeSeconds = 900;
/** Refresh tokens of earlier sign-ins that are tried when the latest one is refused. */
const mostEarlier = 4;
const waitLimitMs = 12_000;
const lookEveryMs = 100;

const grantRefused: LookupVerdict = { status: 'absent', reason: 'grant_refused' };

export const createUpstreamTokens = (parts: UpstreamTokensParts): KeptUpstreamTokens => {
  const { clock, connectors } = parts;
  const records = createKeptTokens(parts);

  const findSource = (source: string): RefreshableConnector | undefined =>
    connectors.find(
      (connector): connector is RefreshableConnector =>
        connector.definition.id === source && connector.redirect !== undefined,
    );

  const secondsLeft = (stored: StoredTokens): number => {
    if ('isRefused' in stored) return 0;
    const { expiresAt, receivedAt = 0 } = stored;
    if (expiresAt !== undefined) return expiresAt - epochSeconds(clock);
    if (refreshTokensOf(stored).length === 0) return Number.POSITIVE_INFINITY;
    return receivedAt + assumedLifeSeconds - epochSeconds(clock);
  };

  const received = (tokens: UpstreamTokens): StoredTokens =>
    tokens.expiresAt === undefined ? { ...tokens, receivedAt: epochSeconds(clock) } : tokens;

  /** To be called by the holder of the lease. The answer of the upstream is stored before anything else is asked. */
  const renew = async (
    holder: Holder,
    connector: RefreshableConnector,
    seen: Kept,
  ): Promise<{ readonly kept: Kept; readonly answer?: UpstreamTokens }> => {
    const candidates = refreshTokensOf(seen.stored);
    for (const [index, { token: old, signIn }] of candidates.entries()) {
      const answer = await connector.redirect.refresh(old);
      if (answer === undefined) continue;
      const { refreshToken = old, idToken = index === 0 ? tokensOf(seen)?.idToken : undefined } = answer;
      const tokens = { ...answer, ...definedOnly({ refreshToken, idToken }) };
      const kept = await records.write(holder, {
        ...received(neededOf(connector, tokens)),
        signIn,
        ...ifAny(candidates.slice(index + 1)),
      });
      return { kept, answer };
    }
    // the person may have signed in again meanwhile
    const now = await records.load(holder);
    if (now !== undefined && now.generation !== seen.generation) return { kept: now };
    return { kept: await records.write(holder, { isRefused: true }) };
  };

  /** Waits for the tokens that another request renews. */
  const awaitRenewal = async (holder: Holder, before: Kept): Promise<Kept | undefined> => {
    for (const startedAt = performance.now(); performance.now() - startedAt < waitLimitMs; ) {
      const { kept, isLeased } = await records.look(holder, before);
      if (kept?.generation !== before.generation) return kept;
      if (!isLeased) break;
      await delay(lookEveryMs);
    }
    throw new AppError('unavailable', 'The tokens of the upstream could not be renewed');
  };

  /** One of all callers, on all instances, renews them; `isEnough` says what the others need not wait for. */
  const renewOnce = async (
    holder: Holder,
    connector: RefreshableConnector,
    { seen, isEnough }: { readonly seen: Kept; readonly isEnough: boolean },
  ): Promise<{ readonly kept: Kept | undefined; readonly answer?: UpstreamTokens }> => {
    if (!(await records.lease(holder, seen)))
      return { kept: isEnough ? seen : await awaitRenewal(holder, seen) };
    try {
      // an old lease may have expired: the old refresh token must not be used a second time
      const now = await records.load(holder);
      if (now === undefined || now.generation !== seen.generation) return { kept: now };
      return await renew(holder, connector, now);
    } catch (error) {
      await records.release(holder, seen);
      throw error;
    }
  };

  const writeWithout = async (
    holder: Holder,
    { before, all, own }: { before: Kept | undefined; all: readonly RefreshToken[]; own: RefreshToken },
  ): Promise<void> => {
    const [next, ...rest] = all.filter((one) => one !== own);
    if (next === undefined) return records.remove(holder);
    // the access token of the sign-in that ends is used no more
    const tokens = all[0] === own ? { accessToken: '', expiresAt: 1 } : tokensOf(before);
    await records.write(holder, {
      accessToken: '',
      ...tokens,
      refreshToken: next.token,
      signIn: next.signIn,
      ...ifAny(rest),
    });
  };

  return {
    forget: (sub, source) => records.remove({ sub, source }),

    keep: async (sub, source, tokens) => {
      const connector = findSource(source);
      if (connector === undefined || !(hasTakers(connector) || isAskedByTokens(connector))) return false;
      const holder = { sub, source };
      const before = await records.load(holder);
      // an upstream may give a refresh token at the first sign-in only
      const earlier = before === undefined ? [] : refreshTokensOf(before.stored).slice(0, mostEarlier);
      const isOfUse = hasTakers(connector) || tokens.refreshToken !== undefined;
      if (isOfUse)
        await records.write(holder, { ...received(neededOf(connector, tokens)), ...ifAny(earlier) });
      else if (before !== undefined && 'isRefused' in before.stored) await records.remove(holder);
      return isOfUse;
    },

    endSignIn: async (sub, source, refreshToken) => {
      const connector = connectors.find(({ definition }) => definition.id === source);
      if (connector?.revoke === undefined) return false;
      const holder = { sub, source };
      const before = await records.load(holder);
      const all = before === undefined ? [] : refreshTokensOf(before.stored);
      const own = all.find(({ signIn }) => signIn === signInOf(refreshToken));
      if (own !== undefined) await writeWithout(holder, { before, all, own });
      return connector.revoke({ refreshToken: own?.token ?? refreshToken, logLevel: 'warn' });
    },

    endAll: async (sub) => {
      for (const { definition, redirect, revoke } of connectors) {
        if (redirect === undefined) continue;
        const holder = { sub, source: definition.id };
        const kept = await records.load(holder);
        // a refusal is kept: nobody is let in by it
        if (kept === undefined || 'isRefused' in kept.stored) continue;
        await records.remove(holder);
        const { accessToken } = kept.stored;
        const refreshTokens = refreshTokensOf(kept.stored).map(({ token: refreshToken }) => ({
          refreshToken,
        }));
        for (const tokens of refreshTokens.length === 0 ? [{ accessToken }] : refreshTokens)
          await revoke?.({ ...tokens, logLevel: 'warn' });
      }
    },

    find: async (sub, source) => {
      const connector = findSource(source);
      if (connector === undefined || !hasTakers(connector)) return undefined;
      const holder = { sub, source };
      const seen = await records.load(holder);
      const tokens = tokensOf(seen);
      if (seen === undefined || tokens === undefined) return undefined;
      const left = secondsLeft(seen.stored);
      // it may be good for longer than assumed: nobody waits, and an outage takes nothing away
      const isMaybeGood = left > 0 || tokens.expiresAt === undefined;
      if (left > renewedBeforeSeconds) return tokens;
      if (refreshTokensOf(seen.stored).length === 0) return left > 0 ? tokens : undefined;
      try {
        const isEnough = left > enoughSeconds || tokens.expiresAt === undefined;
        return tokensOf((await renewOnce(holder, connector, { seen, isEnough })).kept);
      } catch (error) {
        if (isAppError(error, 'unavailable') && isMaybeGood) return tokens;
        throw error;
      }
    },

    lookAgain: async (sub, { source, issuer, subject }) => {
      const connector = findSource(source);
      if (connector === undefined || !isAskedByTokens(connector)) return undefined;
      const holder = { sub, source };
      const seen = await records.load(holder);
      if (seen === undefined) return undefined;
      if ('isRefused' in seen.stored) return grantRefused;
      if (refreshTokensOf(seen.stored).length === 0) return undefined;
      const { kept, answer } = await renewOnce(holder, connector, { seen, isEnough: false });
      if (kept === undefined) return undefined;
      if ('isRefused' in kept.stored) return grantRefused;
      const { accessToken } = kept.stored;
      return connector.redirect.readAgain(answer ?? { accessToken }, {
        subject,
        ...definedOnly({ issuer }),
      });
    },
  };
};

const tokensOf = (kept: Kept | undefined): UpstreamTokens | undefined => {
  if (kept === undefined || 'isRefused' in kept.stored) return undefined;
  const { earlier: _earlier, signIn: _signIn, receivedAt: _receivedAt, ...tokens } = kept.stored;
  return tokens;
};

const ifAny = (earlier: readonly RefreshToken[]): { readonly earlier?: readonly RefreshToken[] } =>
  earlier.length === 0 ? {} : { earlier };

/** Is there an app that may have them? */
const hasTakers = ({ definition }: Connector): boolean =>
  'tokensFor' in definition && definition.tokensFor !== undefined && definition.tokensFor.length > 0;

/** A source with a look-up of its own needs no tokens of the person. */
const isAskedByTokens = ({ lookup }: Connector): boolean => lookup === undefined;

const neededOf = (connector: Connector, tokens: UpstreamTokens): UpstreamTokens => {
  if (hasTakers(connector)) return tokens;
  const { accessToken, expiresAt, refreshToken } = tokens;
  return { accessToken, ...definedOnly({ expiresAt, refreshToken }) };
};
