// A process of its own that delivers audit records until it is killed, a minute at most.
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import type { TenantDefinition } from '../../src/config/tenant/tenant-definition.ts';
import { startAuditStreaming } from '../../src/server/audit-streaming.ts';
import { openStorage } from '../../src/storage/open-storage.ts';

const [storeUrl = '', url = '', secret = '', now = ''] = process.argv.slice(2);
const log = pino({ enabled: false });
const startedAt = systemClock.now();
const clock = { now: () => Number(now) + systemClock.now() - startedAt };
const storage = await openStorage({ url: storeUrl, clock, log, role: 'worker' });
const definition = { id: 'acme', audit: { stream: { webhook: { url, secret } } } } as TenantDefinition; // what is looked at
const streaming = startAuditStreaming({ storage, tenants: { known: () => [definition] }, clock, log });
setTimeout(() => process.exit(), 60_000).unref();
for (;;) {
  await streaming.look();
  await delay(50);
}
