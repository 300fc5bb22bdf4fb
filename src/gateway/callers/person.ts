import { definedOnly } from '../../defined-only.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { Caller, GatewayTenant } from '../gateway-types.ts';

type Proof = Pick<Caller, 'method' | 'amr' | 'revocationIds'> &
  Partial<
    Pick<
      Caller,
      | 'scopes'
      | 'audiences'
      | 'clientId'
      | 'isThirdParty'
      | 'acr'
      | 'authTime'
      | 'expiresAt'
      | 'provenBy'
      | 'keyLimits'
      | 'certificateThumbprint'
    >
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
  const { accounts } = tenant;
  const [username, email] = await Promise.all([
    accounts.displayUsername(account),
    accounts.displayEmail(account),
  ]);
  return {
    ...proof,
    tenant: tenant.definition.id,
    issuer: tenant.provider.issuer,
    sub: account.sub,
    kind: 'person',
    username,
    ...(typeof name === 'string' ? { name } : {}),
    ...definedOnly({ email }),
    emailVerified: email !== undefined,
    groups: account.groups,
    roles: account.roles,
    revocationIds: [...proof.revocationIds, account.sub],
  };
};
