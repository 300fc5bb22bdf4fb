import type { Storage } from '../storage/storage.ts';
import { type AuditRetentionParts, startAuditRetention } from './audit-retention.ts';
import { startAuditSealing } from './audit-sealing.ts';
import { type AuditStreaming, startAuditStreaming } from './audit-streaming.ts';

export interface AuditWork {
  readonly streaming: Pick<AuditStreaming, 'waiting'>;
  close(): Promise<void>;
}

/** All that is done with audit records behind the requests that have written them. */
export const startAuditWork = (parts: AuditRetentionParts & { readonly storage: Storage }): AuditWork => {
  const sealing = startAuditSealing(parts);
  const streaming = startAuditStreaming(parts);
  const retention = startAuditRetention(parts);
  return {
    streaming,
    close: async () => {
      await sealing.close();
      await streaming.close();
      await retention.close();
    },
  };
};
