// Delivers the audit records of all tenants that have a stream, behind the requests that have written them.
import { randomUUID } from 'node:crypto';
import { createAudit } from '../audit/audit.ts';
import { type AuditStream, createAuditStream } from '../audit/stream/audit-stream.ts';
import { createFileWriting, type FileWriting } from '../audit/stream/file.ts';
import type { StreamTarget } from '../audit/stream/stream-target.ts';
import { createWebhookTarget } from '../audit/stream/webhook.ts';
import type { Clock } from '../clock.ts';
import type { AuditRules, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Log } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';

export interface AuditStreamingParts {
  readonly storage: Pick<Storage, 'forTenant'>;
  readonly tenants: Pick<TenantRegistry<Tenant>, 'known'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface AuditStreaming {
  /** By kind of receiver, of the tenant with the most: records that waited at the last look of this process. */
  waiting(): Readonly<Record<string, number>>;
  /** Resolves when all streams that this look has begun have stopped. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const lookEveryMs = 5_000;
/** Streams at the same time: a receiver that does not answer must not delay the others. */
const mostAtOnce = 32;

/** Every process looks every few seconds; of several processes one has a stream at a time. */
export const startAuditStreaming = (parts: AuditStreamingParts): AuditStreaming => {
  const { storage, tenants, clock, log } = parts;
  const holder = randomUUID();
  const closing = new AbortController();
  const files = createFileWriting();
  const underWay = new Map<string, Promise<void>>();
  /** Records that waited at the last look, by stream. */
  const seen = new Map<string, number>();

  const streamTo = (target: StreamTarget, { id }: TenantDefinition): AuditStream => {
    const { audit: records, auditChain: chain, auditStreams: streams } = storage.forTenant(id);
    const own = log.child({ tenant: id });
    const audit = createAudit({ records, log: own, clock });
    return createAuditStream({ tenant: id, target, chain, streams, audit, holder, clock, log: own });
  };

  const lookAt = async (target: StreamTarget, definition: TenantDefinition): Promise<void> => {
    const key = keyOf(target, definition);
    const stream = streamTo(target, definition);
    const { waiting, isDue } = await stream.look();
    seen.set(key, waiting);
    if (!isDue || closing.signal.aborted || underWay.has(key) || underWay.size >= mostAtOnce) return;
    const run = stream
      .run(closing.signal)
      .catch((err: unknown) =>
        log.warn({ tenant: definition.id, target: target.name, err }, 'audit records could not be read yet'),
      )
      .finally(() => underWay.delete(key));
    underWay.set(key, run);
  };

  const lookAtAll = async (): Promise<void> => {
    const streamsNow = new Set<string>();
    for (const definition of tenants.known())
      for (const target of targetsOf(definition.audit, { clock, files })) {
        streamsNow.add(keyOf(target, definition));
        if (closing.signal.aborted) return;
        await lookAt(target, definition).catch((err: unknown) =>
          log.warn({ tenant: definition.id, err }, 'audit records to deliver could not be found yet'),
        );
      }
    for (const key of seen.keys()) if (!streamsNow.has(key)) seen.delete(key);
  };

  let looking: Promise<void> | undefined;
  const lookOnce = (): Promise<void> => {
    looking ??= lookAtAll().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const timer = setInterval(() => void lookOnce(), lookEveryMs);
  timer.unref();
  return {
    waiting: () => {
      const most: Record<string, number> = {};
      for (const [key, count] of seen) {
        const target = key.slice(key.indexOf('/') + 1);
        most[target] = Math.max(most[target] ?? 0, count);
      }
      return most;
    },
    look: async () => {
      await lookOnce();
      await Promise.all(underWay.values());
    },
    close: async () => {
      clearInterval(timer);
      closing.abort();
      await looking;
      await Promise.all(underWay.values());
    },
  };
};

const keyOf = ({ name }: StreamTarget, { id }: TenantDefinition): string => `${id}/${name}`;

const targetsOf = (
  { stream }: AuditRules,
  { clock, files }: { readonly clock: Clock; readonly files: FileWriting },
): readonly StreamTarget[] => [
  ...(stream?.webhook === undefined ? [] : [createWebhookTarget(stream.webhook, clock)]),
  ...(stream?.file === undefined ? [] : [files.targetOf(stream.file)]),
];
