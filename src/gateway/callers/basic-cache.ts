import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { hmac } from '../../crypto/ids.ts';
import { type Answer, createRevocableCache } from '../../revocable-cache.ts';
import type { EventWatcher } from '../../storage/storage-endings.ts';
import type { Caller } from '../gateway-types.ts';
import type { NotKnown } from './caller-cache.ts';

export interface PasswordAsked {
  readonly tenant: { readonly id: string; readonly version: string };
  /** Canonical. */
  readonly login: string;
  readonly password: string;
}

export interface PasswordQuestions {
  /** Proves the password, by `Accounts.signIn`. */
  readonly ask: () => Promise<Caller | NotKnown>;
  /** The same caller with the account as it is now; undefined when the proof is no longer valid. */
  readonly reread: (caller: Caller) => Promise<Caller | undefined>;
}

/**
 * Names and passwords that were found right, one for each name, for a minute at most and never as text: only a keyed
 * hash, with a key that only this process has, for as long as it runs. A wrong password is verified each time, so that
 * it is counted, and does not replace the right one. Callers with the same name and password share one verification.
 */
export interface BasicCache extends EventWatcher {
  find(asked: PasswordAsked, questions: PasswordQuestions): Promise<Caller | NotKnown>;
}

export interface BasicCacheParts {
  readonly clock: Clock;
  /** 0: off, and no verification is shared; 60 at most. */
  readonly seconds: number;
  readonly limit: number;
}

const secondsAtMost = 60;
/** An account is read again after this time, so that a change has effect even if its event was missed. */
const rereadAfterMs = 5000;

/** An entry has two expiries, of the password and of the account as it was read. Both are epoch milliseconds. */
interface Proven {
  readonly caller: Caller;
  /** From then on the password is verified again. */
  readonly passwordUntilMs: number;
  /** From then on the account is read again, without its password. */
  readonly accountUntilMs: number;
}

export const createBasicCache = ({ clock, seconds, limit }: BasicCacheParts): BasicCache => {
  const secret = randomBytes(32);
  const cache = createRevocableCache<Proven | NotKnown>(clock, limit);
  const keptMs = Math.min(seconds, secondsAtMost) * 1000;

  const kept = (login: string, proven: Omit<Proven, 'accountUntilMs'>, nowMs: number): Answer<Proven> => ({
    value: { ...proven, accountUntilMs: nowMs + rereadAfterMs },
    keep: {
      revocationIds: [...proven.caller.revocationIds, loginLink(login)],
      forMs: proven.passwordUntilMs - nowMs,
    },
  });

  const askPassword = async (
    { tenant, login }: PasswordAsked,
    ask: PasswordQuestions['ask'],
  ): Promise<Answer<Proven | NotKnown>> => {
    const nowMs = clock.now();
    const caller = await ask();
    if ('status' in caller) return { value: caller };
    // the password that was accepted before
    cache.end(tenant.id, loginLink(login));
    return kept(login, { caller, passwordUntilMs: nowMs + keptMs }, nowMs);
  };

  /** Undefined when the password must be verified after all. */
  const readAccount = async (
    login: string,
    known: Proven,
    reread: PasswordQuestions['reread'],
  ): Promise<Answer<Proven> | undefined> => {
    const nowMs = clock.now();
    const caller = await reread(known.caller);
    return caller === undefined ? undefined : kept(login, { ...known, caller }, nowMs);
  };

  return {
    find: async (asked, { ask, reread }) => {
      if (keptMs === 0) return ask();
      const { tenant, login, password } = asked;
      const key = hmac(secret, tenant.id, tenant.version, login, password);
      const found = cache.get(key);
      const known = found === undefined || 'status' in found ? undefined : found;
      if (known !== undefined && clock.now() < known.accountUntilMs) return known.caller;
      const answer = await cache.ask(key, {
        owner: tenant.id,
        ask: async (outdated) => {
          const read = known && (await readAccount(login, known, reread));
          // an event may have ended the password while the account was read
          return read === undefined || outdated.aborted ? askPassword(asked, ask) : read;
        },
      });
      return 'status' in answer ? answer : answer.caller;
    },
    event: ({ tenant, id }) => cache.ended(tenant, id),
    lost: cache.clear,
  };
};

/** A key beside the ids of events: only one password of each name is kept. */
const loginLink = (login: string): string => `login ${login}`;
