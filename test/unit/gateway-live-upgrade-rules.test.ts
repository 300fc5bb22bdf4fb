import { describe, expect, it } from '@jest/globals';
import type { Caller, Decision } from '../../src/gateway/gateway-types.ts';
import { decisionVerdict, newsVerdict, sweepVerdict } from '../../src/gateway/proxy/live-upgrade-rules.ts';
import { createMissedEvents } from '../../src/gateway/proxy/missed-events.ts';
import type { TenantEvent } from '../../src/storage/storage-endings.ts';
import { alice } from '../support/proxy-fixture.ts';

const epochMs = 1_700_000_000_000;
const now = { monotonicMs: 100_000, epochMs };
const upgrade = { caller: alice, idleTimeoutMs: 60_000, movedAt: 90_000, nextCheckAt: 110_000 };
const expiring = (inMs: number, changes: Partial<Caller> = {}): Caller => ({
  ...alice,
  expiresAt: (epochMs + inMs) / 1000,
  ...changes,
});

describe('a sweep', () => {
  it.each([
    ['keeps what moved and is not due', {}, 'keep'],
    ['keeps what was silent for as long as it may be', { movedAt: 40_000 }, 'keep'],
    ['cuts what was silent for longer', { movedAt: 39_999 }, 'cut'],
    ['cuts it also when a check is due', { movedAt: 39_999, nextCheckAt: 0 }, 'cut'],
    ['checks what is due', { nextCheckAt: 100_000 }, 'check'],
    ['checks what has no caller', { caller: undefined, nextCheckAt: 100_000 }, 'check'],
    ['keeps what expires in a second', { caller: expiring(1000) }, 'keep'],
    ['cuts a token that expires now', { caller: expiring(0, { method: 'bearer' }) }, 'cut'],
    ['checks a session that expires now: it may have been used', { caller: expiring(0) }, 'check'],
  ] as const)('%s', (_what, changes, verdict) => {
    expect(sweepVerdict({ ...upgrade, ...changes }, now)).toBe(verdict);
  });
});

const eventOf = (changes: Partial<TenantEvent>): TenantEvent => ({
  tenant: 'acme',
  what: 'session',
  id: 'session-1',
  reason: 'test',
  at: epochMs,
  ...changes,
});

describe('an event', () => {
  it.each([
    ['of its session', {}, 'cut'],
    ['of the same id at another tenant', { tenant: 'globex' }, 'keep'],
    ['of another session', { id: 'session-2' }, 'keep'],
    ['of its client', { what: 'client', id: 'web' }, 'cut'],
    ['of something else with the id of its client', { what: 'grant', id: 'web' }, 'keep'],
    ['of its person', { what: 'account', id: alice.sub }, 'check'],
  ] as const)('%s', (_whose, changes, verdict) => {
    expect(newsVerdict(eventOf(changes), { ...alice, clientId: 'web' })).toBe(verdict);
  });

  it('is nothing to a connection without a caller; a loss has each checked', () => {
    expect(newsVerdict(eventOf({}), undefined)).toBe('keep');
    expect(newsVerdict('lost', undefined)).toBe('check');
    expect(newsVerdict('lost', alice)).toBe('check');
  });

  it('is recorded from the beginning of a recording to its stop', () => {
    const missed = createMissedEvents();
    missed.note(eventOf({ id: 'before' }));
    const first = missed.record();
    missed.note(eventOf({}));
    const second = missed.record();
    missed.note('lost');
    expect(first.stop()).toEqual([eventOf({}), 'lost']);
    missed.note(eventOf({ id: 'after' }));
    expect(second.stop()).toEqual(['lost', eventOf({ id: 'after' })]);
    expect(first.stop()).toEqual([eventOf({}), 'lost']);
  });
});

describe('a new decision', () => {
  const allowed = (caller?: Caller) => ({ outcome: 'allowed', caller, forwardPath: '/' }) as Decision;
  const unavailable: Decision = { outcome: 'unavailable', retryAfterSeconds: 1, cause: new Error('down') };

  it.each([
    ['the same person', allowed({ ...alice, groups: [] }), 'keep'],
    ['another person', allowed({ ...alice, sub: 'sub-of-bob' }), 'cut'],
    ['the same name at another tenant', allowed({ ...alice, tenant: 'globex' }), 'cut'],
    ['nobody any more', allowed(), 'cut'],
    ['a refusal', { outcome: 'forbidden', reason: 'no_rule' }, 'cut'],
  ] as const)('%s', (_what, decision, verdict) => {
    expect(decisionVerdict(decision, alice, 0)).toBe(verdict);
  });

  it('may be impossible once, not twice in a row', () => {
    expect(decisionVerdict(unavailable, alice, 1)).toBe('keep');
    expect(decisionVerdict(unavailable, alice, 2)).toBe('cut');
  });
});
