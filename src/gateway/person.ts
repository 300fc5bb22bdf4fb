import type { AccountRecord } from '../storage/storage.ts';
import type { Caller, GatewayTenant } from './gateway.ts';

type Proof = Pick<Caller, 'method' | 'amr' | 'endsWith'> &
  Partial<Pick<Caller, 'scopes' | 'audiences' | 'clientId' | 'acr' | 'authTime' | 'expiresAt'>>;

/** The caller behind an account, however it was proven. `endsWith` gains the account itself. */
export const personOf = (tenant: GatewayTenant, account: AccountRecord, proof: Proof): Caller => {
  const { name } = account.claims;
  return {
    ...proof,
    tenant: tenant.definition.id,
    issuer: tenant.provider.issuer,
    sub: account.sub,
    kind: 'person',
    username: account.username,
    ...(typeof name === 'string' ? { name } : {}),
    ...(account.email === undefined ? {} : { email: account.email }),
    emailVerified: account.emailVerified === true,
    groups: account.groups,
    roles: account.roles,
    endsWith: [...proof.endsWith, account.sub],
  };
};
