// System users that prove themselves with a certificate at the gateway.
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { createBoundedCache } from './bounded-cache.ts';
import { type ActiveAccountParts, findActiveAccount } from './standing.ts';

export interface MachineUse {
  /** Canonical user name. */
  readonly login: string;
  /** Of the certificate, which was judged before. */
  readonly thumbprint: string;
  readonly address: string;
  readonly requestId: string;
}

/**
 * The system user of this name, if it may hold tokens; any other account has no certificate. The use has an audit record once a
 * day for each certificate and process.
 * @throws AppError `unavailable`
 */
export type FindMachine = (use: MachineUse) => Promise<AccountRecord | undefined>;

export interface FindMachineParts extends ActiveAccountParts {
  readonly records: Pick<AccountRecords, 'findByLogin'>;
  readonly audit: Pick<Audit, 'note'>;
  readonly clock: Clock;
}

const dayMs = 86_400_000;
const remembered = 10_000;

export const createFindMachine = (parts: FindMachineParts): FindMachine => {
  const noted = createBoundedCache<true>(parts.clock, remembered);
  return async ({ login, thumbprint, address, requestId }) => {
    const found = await parts.records.findByLogin(login);
    if (found?.origin !== 'system') return undefined;
    const account = await findActiveAccount(parts, found);
    const key = `${thumbprint} ${found.sub}`;
    if (account === undefined || noted.has(key)) return account;
    noted.set(key, true, { ttl: dayMs });
    await parts.audit.note({
      ...{ action: 'gateway.certificate', outcome: 'success', actor: account.sub, actorKind: 'system_user' },
      ...{ object: account.sub, reason: `SHA-256 ${thumbprint}`, address, requestId },
    });
    return account;
  };
};
