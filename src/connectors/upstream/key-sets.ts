import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import { AppError, isAppError } from '../../errors.ts';
import { createRefreshing, type Refreshing } from './refreshing.ts';
import { type Peer, type Transport, tlsKey } from './transport.ts';

/** The public keys of upstreams. */
export interface KeySets {
  /**
   * Verifies the signature by a key of the set, then the claims that `options` names, by our clock.
   * @throws AppError `unavailable` when the keys cannot be had; JOSEError when the token is not valid
   */
  verify(token: string, from: KeySetPlace, options: JWTVerifyOptions): Promise<JWTVerifyResult>;
  /** Fetches the keys unless they are fresh. @throws AppError `unavailable` */
  count(from: KeySetPlace): Promise<number>;
}

export interface KeySetPlace {
  readonly url: string;
  readonly peer: Peer;
}

/** A key that the upstream has removed is refused after so long, even if the upstream is down since then. */
const freshMs = 240_000;
/** A token with an unknown key is a reason to fetch the set again, but not more often than this. */
const unknownKeyPauseMs = 60_000;
const failedPauseMs = 5000;
const mostSets = 1000;
const mostKeys = 100;

type Keys = ReturnType<typeof createLocalJWKSet>;

interface KeySet {
  readonly keys: Refreshing<Keys>;
  /** The last time a token with an unknown key was a reason to fetch, and until when (ms) there is no other. */
  look: { readonly keys: Promise<Keys>; until: number } | undefined;
}

export const createKeySets = (transport: Transport, clock: Clock): KeySets => {
  const sets = new LRUCache<string, KeySet>({
    max: mostSets,
    memoMethod: () => ({ keys: createRefreshing(clock, { freshMs, staleMs: freshMs }), look: undefined }),
  });

  const setFor = ({ url, peer }: KeySetPlace): KeySet => sets.memo(`${tlsKey(peer.tls)} ${url}`);

  /** All callers within the pause get the result of the one fetch, also of a failed one. */
  const lookAgain = async (set: KeySet, place: KeySetPlace): Promise<Keys> => {
    if (set.look !== undefined && clock.now() < set.look.until) return set.look.keys;
    const keys = set.keys.reload(() => loadKeys(transport, place)).then(({ value }) => value);
    const look = { keys, until: clock.now() + unknownKeyPauseMs };
    set.look = look;
    try {
      return await keys;
    } catch (error) {
      look.until = clock.now() + failedPauseMs;
      throw error;
    }
  };

  return {
    verify: async (token, place, options) => {
      const dated = { ...options, currentDate: new Date(clock.now()) };
      const set = setFor(place);
      let isNew = false;
      const { value: known } = await set.keys.get(() => {
        isNew = true;
        return loadKeys(transport, place);
      });
      try {
        return await verifyWith(token, known, dated);
      } catch (error) {
        if (!isOfUnknownKey(error) || isNew) throw error;
        const keys = await lookAgain(set, place);
        if (keys === known) throw error;
        return verifyWith(token, keys, dated);
      }
    },
    count: async (place) => {
      const { value } = await setFor(place).keys.get(() => loadKeys(transport, place));
      return value.jwks().keys.length;
    },
  };
};

const loadKeys = async (transport: Transport, { url, peer }: KeySetPlace): Promise<Keys> => {
  const answer = await transport.send(peer, {
    url,
    headers: { accept: 'application/json, application/jwk-set+json' },
  });
  const broken = (why: string): AppError =>
    new AppError('unavailable', 'The keys of the identity provider cannot be read', {
      detail: `${url} ${why}`,
      isLasting: true,
    });
  if (answer.status !== 200) throw broken(`answered ${answer.status}`);
  const text = await answer.text();
  try {
    const set = JSON.parse(text) as JSONWebKeySet; // createLocalJWKSet checks its form
    if (Array.isArray(set.keys) && set.keys.length > mostKeys)
      throw broken(`holds more than ${mostKeys} keys`);
    return createLocalJWKSet(set);
  } catch (error) {
    throw isAppError(error) ? error : broken('is no JSON Web Key Set');
  }
};

const isOfUnknownKey = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;

/** RFC 7517 section 4.5: without a key id each key that fits may be the one. */
const verifyWith = async (token: string, keys: Keys, options: JWTVerifyOptions): Promise<JWTVerifyResult> => {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (inner) {
        if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
};
