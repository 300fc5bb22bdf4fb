import { isBreached } from '../../accounts/breached-passwords.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import { type Finding, ok, problem, reasonOfFetch } from './finding.ts';

/** Asks the list that the tenant names about a password of nobody. */
export const checkBreachedPasswords = async ({
  breachedPasswords: list,
}: Pick<TenantDefinition, 'breachedPasswords'>): Promise<readonly Finding[]> => {
  if (list === undefined) return [];
  const about = 'breached passwords';
  try {
    await isBreached(randomId(), list);
    return [ok(about, `${list.url} answers`)];
  } catch (error) {
    const lead = `${list.url} does not answer as it should, so each new password is accepted`;
    return [problem(about, `${lead}: ${reasonOfFetch(error)}. Check passwords.breached and the network.`)];
  }
};
