import type { Socket } from 'node:net';
import type { Clock } from '../../clock.ts';
import type { EventWatcher, TenantEvent } from '../../storage/storage-endings.ts';
import type { Caller, Decision } from '../gateway-types.ts';

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
  /** By `performance.now`, as all times here: how long something lasts is no matter of dates. */
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
/** Then the store or a source has been away for longer than a moment. */
const failedChecksAtMost = 2;
/** For the other side to close, too, once one has. */
const lingerMs = 5_000;

export const createLiveUpgrades = (parts: LiveUpgradesParts): LiveUpgrades => {
  const { subscribe, clock, checkEveryMs = usualCheckEveryMs } = parts;
  const all = new Set<Live>();
  const watching = new Set<((live: Live) => void)[]>();

  const nextCheckAt = (caller: Caller | undefined): number =>
    performance.now() + (caller?.method === 'basic' ? checkPasswordEveryMs : checkEveryMs);

  const cut = (live: Live): void => {
    if (!all.delete(live)) return;
    live.service.destroy();
    live.client.destroySoon();
  };

  const check = async (live: Live): Promise<void> => {
    if (live.isChecking) return;
    live.isChecking = true;
    live.nextCheckAt = nextCheckAt(live.caller);
    const decision = await live
      .decide()
      .catch((cause: unknown): Decision => ({ outcome: 'unavailable', retryAfterSeconds: 1, cause }));
    live.isChecking = false;
    if (decision.outcome === 'unavailable') {
      live.failedChecks += 1;
      if (live.failedChecks >= failedChecksAtMost) cut(live);
      return;
    }
    live.failedChecks = 0;
    if (decision.outcome === 'allowed' && isSame(decision.caller, live.caller)) live.caller = decision.caller;
    else cut(live);
  };
  /** After whoever caches has heard of it, too. */
  const checkSoon = (live: Live): void => void setImmediate(() => void check(live));

  const heed = (act: (live: Live) => void): void => {
    for (const missed of watching) missed.push(act);
    for (const live of all) act(live);
  };
  const unsubscribe = subscribe({
    event: (event) =>
      heed((live) => {
        if (endsAtOnce(event, live.caller)) cut(live);
        else if (event.tenant === live.caller?.tenant && event.id === live.caller.sub) checkSoon(live);
      }),
    lost: () => heed(checkSoon),
  });

  let sweeper: NodeJS.Timeout | undefined;
  const sweep = (): void => {
    const now = performance.now();
    for (const live of all) {
      const bytes = live.client.bytesRead + live.client.bytesWritten;
      if (bytes !== live.bytes) Object.assign(live, { bytes, movedAt: now });
      const expiresAt = live.caller?.expiresAt;
      const isOver = expiresAt !== undefined && clock.now() >= expiresAt * 1000;
      if (now - live.movedAt > live.idleTimeoutMs) cut(live);
      // a session that was used may live longer than was known
      else if (isOver && live.caller?.method !== 'session') cut(live);
      else if (isOver || now >= live.nextCheckAt) void check(live);
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
      nextCheckAt: nextCheckAt(upgrade.caller),
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
      const missed: ((live: Live) => void)[] = [];
      watching.add(missed);
      return {
        join: (upgrade) => {
          const live = add(upgrade);
          watching.delete(missed);
          for (const act of missed) act(live);
        },
        end: () => void watching.delete(missed),
      };
    },
    close: () => {
      unsubscribe();
      clearInterval(sweeper);
      for (const live of all) cut(live);
    },
  };
};

const isSame = (now: Caller | undefined, before: Caller | undefined): boolean =>
  now?.tenant === before?.tenant && now?.sub === before?.sub;

/** What the connection hangs on is gone; anything else about its person is a matter of a new decision. */
const endsAtOnce = ({ tenant, what, id }: TenantEvent, caller: Caller | undefined): boolean =>
  tenant === caller?.tenant &&
  (caller.revocationIds.includes(id) || (what === 'client' && id === caller.clientId));
