import type { Clock } from '../../clock.ts';
import { type AppError, isAppError } from '../../errors.ts';

export interface Held<T> {
  readonly value: T;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number;
}

/**
 * A value that is fetched from an upstream and used for some time. No `lru-cache`: that has no pause after a failure,
 * and cannot use a value for longer while the upstream is down.
 */
export interface Refreshing<T> {
  /**
   * The value as loaded at most `freshMs` ago; while it cannot be loaded, at most `staleMs` ago.
   * @throws AppError `unavailable`
   */
  get(load: () => Promise<T>): Promise<Held<T>>;
  /** Loads it now. Callers at the same time share one attempt. */
  reload(load: () => Promise<T>): Promise<Held<T>>;
}

export interface RefreshingTimes {
  readonly freshMs: number;
  /** Equal to `freshMs` for values that must not be used when old. */
  readonly staleMs: number;
}

/** No new attempt for so long after a failure: all callers would only wait for an upstream that is down. */
const pauseMs = 1000;
const pauseWithStaleMs = 30_000;

export const createRefreshing = <T>(clock: Clock, times: RefreshingTimes): Refreshing<T> => {
  let held: Held<T> | undefined;
  let pending: Promise<Held<T>> | undefined;
  let failure: { readonly error: AppError; readonly until: number } | undefined;

  /** A clock that was set back makes the value older, not younger. */
  const age = (): number => {
    if (held === undefined) return Number.POSITIVE_INFINITY;
    const passed = clock.now() - held.loadedAt;
    return passed < 0 ? times.freshMs : passed;
  };

  const loadNow = async (load: () => Promise<T>): Promise<Held<T>> => {
    try {
      held = { value: await load(), loadedAt: clock.now() };
      failure = undefined;
      return held;
    } catch (error) {
      if (isAppError(error))
        failure = { error, until: clock.now() + (age() < times.staleMs ? pauseWithStaleMs : pauseMs) };
      throw error;
    }
  };

  const reload = (load: () => Promise<T>): Promise<Held<T>> => {
    pending ??= loadNow(load).finally(() => {
      pending = undefined;
    });
    return pending;
  };

  return {
    reload,
    get: async (load) => {
      if (held !== undefined && age() < times.freshMs) return held;
      const stale = age() < times.staleMs ? held : undefined;
      if (failure !== undefined && clock.now() < failure.until) {
        if (stale !== undefined) return stale;
        throw failure.error;
      }
      try {
        return await reload(load);
      } catch (error) {
        if (stale !== undefined && isAppError(error, 'unavailable')) return stale;
        throw error;
      }
    },
  };
};
