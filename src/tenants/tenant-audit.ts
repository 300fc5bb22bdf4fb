import { type Audit, createAudit } from '../audit/audit.ts';
import { createChainKeys } from '../audit/chain/chain-keys.ts';
import { type ChainPruner, createChainPruner } from '../audit/chain/prune-chain.ts';
import { type ChainSealer, createChainSealer } from '../audit/chain/seal-chain.ts';
import { stateOf } from '../audit/stream/stream-lag.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { Log } from '../log.ts';
import type { TenantStorage } from '../storage/storage.ts';

export interface TenantAudit {
  readonly audit: Audit;
  readonly auditChain: ChainSealer;
  /** Absent: audit records are never removed. */
  readonly auditPruner?: ChainPruner;
}

export interface TenantAuditParts {
  readonly definition: Pick<TenantDefinition, 'id' | 'audit'>;
  readonly storage: Pick<TenantStorage, 'audit' | 'auditChain' | 'auditStreams'>;
  readonly masterKey: MasterKey;
  readonly clock: Clock;
  readonly log: Log;
}

/** The audit record of one tenant, and what a server does with it behind the requests. */
export const createTenantAudit = ({
  definition,
  storage,
  masterKey,
  ...parts
}: TenantAuditParts): TenantAudit => {
  const { clock } = parts;
  const log = parts.log.child({ tenant: definition.id });
  const audit = createAudit({ records: storage.audit, log, clock });
  const chain = { chain: storage.auditChain, keys: createChainKeys(definition.id, masterKey), clock, log };
  const { retentionSeconds, stream = {} } = definition.audit;
  const targets = Object.keys(stream);
  const deliveredTo = async (): Promise<number> => {
    if (targets.length === 0) return Number.POSITIVE_INFINITY;
    const states = await storage.auditStreams.list();
    return Math.min(...targets.map((target) => stateOf(states, target).seq));
  };
  return {
    audit,
    auditChain: createChainSealer(chain),
    ...(retentionSeconds === undefined
      ? {}
      : {
          auditPruner: createChainPruner({
            ...chain,
            audit,
            deliveredTo,
            retentionMs: retentionSeconds * 1000,
          }),
        }),
  };
};
