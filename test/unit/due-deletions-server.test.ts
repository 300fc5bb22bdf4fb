import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { type Logger, pino } from 'pino';
import { type AuditRetentionParts, startAuditRetention } from '../../src/server/audit-retention.ts';
import { startAuditSealing } from '../../src/server/audit-sealing.ts';
import { type DueDeletionsParts, startDueDeletions } from '../../src/server/due-deletions.ts';
import { startEndedEmails } from '../../src/server/ended-emails.ts';
import { startKeyNotices } from '../../src/server/key-notices.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';

const minute = 60_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Tenants `broken`, which fails, and `acme`; the ids of those that were looked at. */
const start = (removeDue: () => Promise<number>) => {
  const looked: string[] = [];
  const lines: string[] = [];
  const find = async (id: string) => {
    looked.push(id);
    if (id === 'broken') throw new Error('its file is gone');
    return { status: 'served', tenant: { deletion: { removeDue } } };
  };
  const deletions = startDueDeletions({
    storage: { tenantsWithDueDeletions: async () => ['broken', 'acme'] },
    tenants: { find } as unknown as DueDeletionsParts['tenants'], // what of a tenant is looked at
    clock: createTestClock(0),
    log: pino({}, { write: (line: string) => void lines.push(line) }),
  });
  return { looked, lines, deletions };
};

it('a tenant that fails holds up no other, and is named in the log', async () => {
  const { looked, lines, deletions } = start(async () => 2);
  await jest.advanceTimersByTimeAsync(minute);
  await deletions.close();
  expect(looked).toEqual(['broken', 'acme']);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { tenant: 'broken', err: { message: 'its file is gone' } },
    { tenant: 'acme', removed: 2 },
  ]);
});

it('a look that takes long is not begun again meanwhile', async () => {
  let letGo = (): void => {};
  const { looked, deletions } = start(() => new Promise((resolve) => (letGo = () => resolve(0))));
  await jest.advanceTimersByTimeAsync(5 * minute);
  expect(looked).toEqual(['broken', 'acme']);
  letGo();
  await jest.advanceTimersByTimeAsync(minute);
  expect(looked).toHaveLength(4);
  letGo();
  await deletions.close();
});

interface MinuteParts {
  /** The tenants that have something to do; keeps the time that is asked for. */
  readonly due: (ms: number) => Promise<readonly string[]>;
  readonly tenants: DueDeletionsParts['tenants'];
  readonly clock: TestClock;
  readonly log: Logger;
}

/** What is done for the only tenant, which always has something to do. */
const runTwoMinutes = async (
  tenantOf: (work: () => Promise<number>) => object,
  {
    nowMs,
    start,
  }: { readonly nowMs: number; readonly start: (parts: MinuteParts) => { close(): Promise<void> } },
) => {
  const asked: number[] = [];
  let done = 0;
  const tenant = tenantOf(async () => ++done);
  const running = start({
    due: async (ms) => {
      asked.push(ms);
      return ['acme'];
    },
    tenants: { find: async () => ({ status: 'served', tenant }) } as unknown as DueDeletionsParts['tenants'], // what of a tenant is looked at
    clock: createTestClock(nowMs),
    log: pino({ enabled: false }),
  });
  await jest.advanceTimersByTimeAsync(2 * minute);
  await running.close();
  return [asked, done];
};

it('addresses that can no longer be put back are removed each minute', async () => {
  const seen = await runTwoMinutes((forgetEndedEmails) => ({ forgetEndedEmails }), {
    nowMs: 5,
    start: ({ due, ...parts }) => startEndedEmails({ storage: { tenantsWithEndedEmails: due }, ...parts }),
  });
  expect(seen).toEqual([[5, 5], 2]);
});

it('API keys that expire are looked for each minute', async () => {
  const seen = await runTwoMinutes((notifyOfExpiry) => ({ notifyOfExpiry }), {
    nowMs: 5,
    start: ({ due, ...parts }) => startKeyNotices({ storage: { tenantsWithDueKeyNotices: due }, ...parts }),
  });
  expect(seen).toEqual([[5, 5], 2]);
});

it('audit records that are old enough are put into their chain each minute', async () => {
  const seen = await runTwoMinutes((seal) => ({ auditChain: { seal } }), {
    nowMs: 6_000,
    start: ({ due, ...parts }) => startAuditSealing({ storage: { tenantsWithUnmarkedAudit: due }, ...parts }),
  });
  expect(seen).toEqual([[1_000, 1_000], 2]);
});

it('audit records are removed of tenants whose oldest one is over its retention, and a day more', async () => {
  const day = 24 * 3_600_000;
  const pruned: string[] = [];
  const tenant = (id: string, retentionDays?: number) => ({
    id,
    audit: retentionDays === undefined ? {} : { retentionSeconds: (retentionDays * day) / 1000 },
  });
  const oldest: Readonly<Record<string, number>> = { never: 0, young: 60.1 * day, over: 60 * day };
  const retention = startAuditRetention({
    storage: {
      forTenant: (id: string) => ({ auditChain: { records: async () => [{ record: { at: oldest[id] } }] } }),
    } as unknown as AuditRetentionParts['storage'], // the oldest record is all that is asked for
    tenants: {
      known: () => [tenant('never'), tenant('young', 39), tenant('over', 39)],
      find: async (id: string) => ({
        status: 'served',
        tenant: { auditPruner: { prune: async () => pruned.push(id) } },
      }),
    } as unknown as AuditRetentionParts['tenants'], // what of a tenant is looked at
    clock: createTestClock(100 * day),
    log: pino({ enabled: false }),
  });
  await jest.advanceTimersByTimeAsync(minute);
  await retention.close();
  expect(pruned).toEqual(['over']);
});
