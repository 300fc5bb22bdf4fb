import { definedOnly } from '../../defined-only.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { Caller, GatewayTenant } from '../gateway-types.ts';

type Proof = Pick<Caller, 'method' | 'amr' | 'revocationIds'> &
  Partial<
    Pick<Caller, 'scopes' | 'audiences' | 'clientId' | 'isThirdParty' | 'acr' | 'authTime' | 'expiresAt'>
  >;

/**
 * The caller behind an account, however it was proven. `revocationIds` gains the account itself.
 * @throws AppError `unavailable`
 */
export const personOf = async (
  tenant: GatewayTenant,
  account: AccountRecord,
  proof: Proof,
): Promise<Caller> => {
  const { name } = account.claims;
  return {
    ...proof,
    tenant: tenant.definition.id,
    issuer: tenant.provider.issuer,
    sub: account.sub,
    kind: 'person',
    username: await tenant.accounts.displayUsername(account),
    ...(typeof name === 'string' ? { name } : {}),
    ...definedOnly({ email: account.email }),
    emailVerified: account.emailVerified === true,
    groups: account.groups,
    roles: account.roles,
    revocationIds: [...proof.revocationIds, account.sub],
  };
};
