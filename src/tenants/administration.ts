import { createFactorReset, type FactorReset } from '../accounts/factors/factor-reset.ts';
import { createLocalUsers, type LocalUsers } from '../accounts/local-users.ts';
import type { FaultOfPassword } from '../accounts/password-rules.ts';
import type { Revocations } from '../accounts/revocations.ts';
import type { Audit } from '../audit/audit.ts';
import { type ChainKeys, createChainKeys } from '../audit/chain/chain-keys.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { AuditChainRecords } from '../storage/storage-audit-chain.ts';
import type { AuditRecords } from '../storage/storage-records.ts';

/** What operators do at a tenant, beside what people do for themselves. */
export interface Administration {
  /**
   * The accounts of the tenant.
   * @param actor of the changes, for the audit record
   * @param faultOfPassword what judges the passwords that are set; default: the tenant's rules
   */
  readonly usersAs: (actor: string, faultOfPassword?: FaultOfPassword) => LocalUsers;
  /** For people who have lost a second factor. @param actor for the audit record */
  readonly factorResetAs: (actor: string) => FactorReset;
  readonly auditTrail: {
    readonly list: AuditRecords['list'];
    readonly chain: AuditChainRecords;
    readonly keys: ChainKeys;
  };
}

export interface AdministrationParts {
  readonly definition: TenantDefinition;
  readonly storage: TenantStorage;
  readonly masterKey: MasterKey;
  readonly revocations: Revocations;
  readonly hasher: PasswordHasher;
  readonly faultOfPassword: FaultOfPassword;
  readonly purgeAccount: (sub: string) => Promise<number>;
  readonly audit: Audit;
  readonly clock: Clock;
}

export const createAdministration = (parts: AdministrationParts): Administration => {
  const { definition, storage, masterKey } = parts;
  return {
    usersAs: (actor, faultOfPassword = parts.faultOfPassword) =>
      createLocalUsers({ ...parts, tenant: definition.id, actor, faultOfPassword }),
    factorResetAs: (actor) =>
      createFactorReset({
        ...{ ...parts, records: storage.accounts, actor },
        recoveryKey: masterKey.derive('recovery codes'),
      }),
    auditTrail: {
      list: (page) => storage.audit.list(page),
      chain: storage.auditChain,
      keys: createChainKeys(definition.id, masterKey),
    },
  };
};
