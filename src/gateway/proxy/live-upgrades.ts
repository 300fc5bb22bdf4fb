import type { Socket } from 'node:net';
import type { Clock } from '../../clock.ts';
import type { EventWatcher } from '../../storage/storage-endings.ts';
import type { Caller, Decision } from '../gateway-types.ts';
import { decisionVerdict, newsVerdict, sweepVerdict, type Verdict } from './live-upgrade-rules.ts';
import { createMissedEvents, type News, newsWatcher } from './missed-events.ts';

export interface LiveUpgrade {
  readonly client: Socket;
  readonly service: Socket;
  readonly caller?: Caller | undefined;
  /** Milliseconds. */
  readonly idleTimeoutMs: number;
  readonly decide: () => Promise<Decision>;
}

/** Connections that were upgraded, each open for as long as a request like its first would be allowed. */
export interface LiveUpgrades {
  /** Begin it before the decision: what ends until the connection is joined counts, too. */
  watch(): UpgradeWatch;
  /** Ends them all. */
  close(): void;
}

export interface UpgradeWatch {
  join(upgrade: LiveUpgrade): void;
  end(): void;
}

export interface LiveUpgradesParts {
  readonly subscribe: (watcher: EventWatcher) => () => void;
  readonly clock: Clock;
  /** Milliseconds between two decisions about the same connection; default 30,000. */
  readonly checkEveryMs?: number;
}

interface Live extends LiveUpgrade {
  caller: Caller | undefined;
  /** By `performance.now`, as all times here. */
  nextCheckAt: number;
  isChecking: boolean;
  failedChecks: number;
  movedAt: number;
  bytes: number;
}

const sweepMs = 500;
const usualCheckEveryMs = 30_000;
/** A password is a bind at a directory each time, and a line in the audit; an event says when it is no longer good. */
const checkPasswordEveryMs = 600_000;
/** For the other side to close, too, once one has. */
const lingerMs = 5_000;

export const createLiveUpgrades = (parts: LiveUpgradesParts): LiveUpgrades => {
  const { subscribe, clock, checkEveryMs = usualCheckEveryMs } = parts;
  const all = new Set<Live>();
  const missed = createMissedEvents();

  const checkIntervalMs = (caller: Caller | undefined): number =>
    caller?.method === 'basic' ? checkPasswordEveryMs : checkEveryMs;

  const cut = (live: Live): void => {
    if (!all.delete(live)) return;
    live.service.destroy();
    live.client.destroySoon();
  };

  const check = async (live: Live): Promise<void> => {
    if (live.isChecking) return;
    live.isChecking = true;
    live.nextCheckAt = performance.now() + checkIntervalMs(live.caller);
    const decision = await live
      .decide()
      .catch((cause: unknown): Decision => ({ outcome: 'unavailable', retryAfterSeconds: 1, cause }));
    live.isChecking = false;
    live.failedChecks = decision.outcome === 'unavailable' ? live.failedChecks + 1 : 0;
    if (decisionVerdict(decision, live.caller, live.failedChecks) === 'cut') cut(live);
    else if (decision.outcome === 'allowed') live.caller = decision.caller;
  };

  const carryOut = (verdict: Verdict, live: Live): void => {
    if (verdict === 'cut') cut(live);
    else if (verdict === 'check') void check(live);
  };

  const hear = (news: News, live: Live): void => {
    const verdict = newsVerdict(news, live.caller);
    // after every other listener, so that the caches are emptied before the check
    if (verdict === 'check') setImmediate(() => void check(live));
    else carryOut(verdict, live);
  };
  const unsubscribe = subscribe(
    newsWatcher((news) => {
      missed.note(news);
      for (const live of all) hear(news, live);
    }),
  );

  let sweeper: NodeJS.Timeout | undefined;
  const sweep = (): void => {
    const now = { monotonicMs: performance.now(), epochMs: clock.now() };
    for (const live of all) {
      noteTraffic(live, now.monotonicMs);
      carryOut(sweepVerdict(live, now), live);
    }
    if (all.size > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
  };

  const add = (upgrade: LiveUpgrade): Live => {
    const now = performance.now();
    const live: Live = {
      ...upgrade,
      caller: upgrade.caller,
      nextCheckAt: now + checkIntervalMs(upgrade.caller),
      isChecking: false,
      failedChecks: 0,
      movedAt: now,
      bytes: 0,
    };
    all.add(live);
    for (const end of [live.client, live.service]) {
      end.once('end', () => void setTimeout(() => cut(live), lingerMs).unref());
      end.once('close', () => all.delete(live));
    }
    sweeper ??= setInterval(sweep, sweepMs).unref();
    return live;
  };

  return {
    watch: () => {
      const recording = missed.record();
      return {
        join: (upgrade) => {
          const live = add(upgrade);
          for (const news of recording.stop()) hear(news, live);
        },
        end: () => void recording.stop(),
      };
    },
    close: () => {
      unsubscribe();
      clearInterval(sweeper);
      for (const live of all) cut(live);
    },
  };
};

const noteTraffic = (live: Live, now: number): void => {
  const bytes = live.client.bytesRead + live.client.bytesWritten;
  if (bytes !== live.bytes) Object.assign(live, { bytes, movedAt: now });
};
