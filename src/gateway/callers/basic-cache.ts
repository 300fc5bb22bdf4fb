import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { hmac, isEqualConstantTime } from '../../crypto/ids.ts';
import type { EventWatcher } from '../../storage/storage-endings.ts';
import type { Caller } from '../gateway-types.ts';
import type { NotKnown } from './caller-cache.ts';
import { createKeptUntilEnded, createSharedQuestions, type Watch } from './revocable-cache.ts';

export interface PasswordAsked {
  readonly tenant: { readonly id: string; readonly version: string };
  /** Canonical. */
  readonly login: string;
  readonly password: string;
}

export interface PasswordQuestions {
  /** The one door for passwords. */
  readonly ask: () => Promise<Caller | NotKnown>;
  /** The same caller with the account as it is now; undefined when the proof is good no more. */
  readonly reread: (caller: Caller) => Promise<Caller | undefined>;
}

/**
 * Names and passwords that were found right, one for each name, for a minute at most and never as text: only a keyed
 * hash, whose key this process alone has, for as long as it runs. A wrong one is asked about each time, so that it is
 * counted, and leaves the right one where it is. Callers with the same name and password share one question.
 */
export interface BasicCache extends EventWatcher {
  find(asked: PasswordAsked, questions: PasswordQuestions): Promise<Caller | NotKnown>;
}

export interface BasicCacheParts {
  readonly clock: Clock;
  /** 0: off, and nothing is shared either; 60 at most. */
  readonly seconds: number;
  readonly limit: number;
}

const secondsAtMost = 60;
/** An account is read again after this time, so that a change shows though its event was not heard. */
const rereadAfterMs = 5000;

interface Proven {
  readonly digest: string;
  readonly caller: Caller;
  /** Epoch milliseconds. */
  readonly readAtMs: number;
}

export const createBasicCache = ({ clock, seconds, limit }: BasicCacheParts): BasicCache => {
  const secret = randomBytes(32);
  const kept = createKeptUntilEnded<Proven>(clock, limit);
  const questions = createSharedQuestions<Caller | NotKnown>();
  const keptMs = Math.min(seconds, secondsAtMost) * 1000;

  const watching = async <T>(work: (watch: Watch) => Promise<T>): Promise<T> => {
    const watch = kept.watch();
    try {
      return await work(watch);
    } finally {
      watch.close();
    }
  };

  const askAnew = (name: string, digest: string, ask: PasswordQuestions['ask']) =>
    watching(async (watch) => {
      const sinceMs = clock.now();
      const caller = await ask();
      if ('status' in caller) return caller;
      const { tenant, endsWith } = caller;
      const value = { digest, caller, readAtMs: sinceMs };
      kept.keep(name, { value, tenant, endsWith, sinceMs, untilMs: sinceMs + keptMs }, watch);
      return caller;
    });

  /** Undefined: it has to be asked anew. */
  const readAgain = (name: string, reread: PasswordQuestions['reread']) =>
    watching(async (watch) => {
      const known = kept.get(name);
      if (known === undefined) return undefined;
      const readAtMs = clock.now();
      const caller = await reread(known.value.caller);
      // what has ended meanwhile is not there any more, and another password may stand in its place
      if (kept.get(name) !== known) return undefined;
      if (caller === undefined) kept.drop(name);
      else kept.keep(name, { ...known, value: { ...known.value, caller, readAtMs } }, watch);
      return caller;
    });

  return {
    find: async ({ tenant, login, password }, { ask, reread }) => {
      if (keptMs === 0) return ask();
      const name = `${tenant.id} ${login}`;
      const digest = hmac(secret, tenant.id, tenant.version, login, password);
      const known = kept.get(name)?.value;
      if (known === undefined || !isEqualConstantTime(known.digest, digest))
        return questions.ask(digest, tenant.id, () => askAnew(name, digest, ask));
      if (clock.now() < known.readAtMs + rereadAfterMs) return known.caller;
      return questions.ask(
        digest,
        tenant.id,
        async () => (await readAgain(name, reread)) ?? askAnew(name, digest, ask),
      );
    },
    event: ({ tenant, id }) => {
      questions.part(tenant);
      kept.end(tenant, id);
    },
    lost: () => {
      questions.part();
      kept.clear();
    },
  };
};
