import type { Clock } from '../../clock.ts';
import { hashParts, randomId } from '../../crypto/ids.ts';
import type { EventWatcher } from '../../storage/storage-endings.ts';
import type { Caller, Identification } from '../gateway-types.ts';
import { createKeptUntilEnded, createSharedQuestions } from './revocable-cache.ts';

/** A credential that did not tell who calls, and why. */
export type NotKnown = Exclude<Identification, { readonly status: 'known' }>;

/** What a credential was found to be. */
export type Finding = { readonly caller: Caller /** At most. */; readonly keptMs: number } | NotKnown;

/** Who the bearers of sessions and tokens are: for moments, never past the proof's expiry, and good answers alone. */
export interface CallerCache extends EventWatcher {
  /** Of a credential at a tenant; `version` of its definition, so that a change of the file ends what was found. */
  keyOf(tenant: { readonly id: string; readonly version: string }, ...credential: readonly string[]): string;
  peek(key: string): Caller | undefined;
  /** Asks unless it is known. Callers at the same time share one question. */
  find(key: string, tenant: string, ask: () => Promise<Finding>): Promise<Caller | NotKnown>;
}

export const createCallerCache = ({
  clock,
  limit,
}: {
  readonly clock: Clock;
  readonly limit: number;
}): CallerCache => {
  const secret = randomId();
  const kept = createKeptUntilEnded<Caller>(clock, limit);
  const questions = createSharedQuestions<Caller | NotKnown>();

  const answer = async (key: string, ask: () => Promise<Finding>): Promise<Caller | NotKnown> => {
    const sinceMs = clock.now();
    const watch = kept.watch();
    try {
      const finding = await ask();
      if ('status' in finding) return finding;
      const { caller, keptMs } = finding;
      const { tenant, clientId, expiresAt = Number.POSITIVE_INFINITY } = caller;
      const endsWith = clientId === undefined ? caller.endsWith : [...caller.endsWith, clientId];
      const untilMs = Math.min(sinceMs + keptMs, expiresAt * 1000);
      kept.keep(key, { value: caller, tenant, endsWith, sinceMs, untilMs }, watch);
      return caller;
    } finally {
      watch.close();
    }
  };

  const peek = (key: string): Caller | undefined => kept.get(key)?.value;
  return {
    keyOf: ({ id, version }, ...credential) => hashParts(secret, id, version, ...credential),
    peek,
    find: (key, tenant, ask) => {
      const known = peek(key);
      return known === undefined
        ? questions.ask(key, tenant, () => answer(key, ask))
        : Promise.resolve(known);
    },
    event: ({ tenant, what, id, sub }) => {
      questions.part(tenant);
      kept.end(tenant, id);
      // a JWT does not say of which session it is
      if (what === 'session' && sub !== undefined) kept.end(tenant, sub);
    },
    lost: () => {
      questions.part();
      kept.clear();
    },
  };
};
