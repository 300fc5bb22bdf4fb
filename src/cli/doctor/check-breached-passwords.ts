import { isNativeError } from 'node:util/types';
import { isBreached } from '../../accounts/breached-passwords.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import { type Finding, ok, problem } from './finding.ts';

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
    return [problem(about, `${lead}: ${wordsOf(error)}. Check passwords.breached and the network.`)];
  }
};

/** `fetch failed` alone says nothing: its cause does. */
const wordsOf = (error: unknown): string => {
  const failure = isNativeError(error) && error.cause !== undefined ? error.cause : error;
  return isNativeError(failure) ? failure.message : String(failure);
};
