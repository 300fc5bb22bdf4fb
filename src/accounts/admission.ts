import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { hasLocalPassword } from './password-adoption.ts';

/**
 * Does the tenant still serve this account? Demo passwords are public: once the tenant is no longer a demo, its demo
 * users are refused. So are people of a source that was removed from the file, unless they have a password of their own
 * here.
 */
export const isAdmittedTo = (
  { demo, sources }: Pick<TenantDefinition, 'demo' | 'sources'>,
  account: AccountRecord,
): boolean => {
  if (account.origin === 'demo') return demo;
  if (account.origin === 'local' || account.origin === 'system') return true;
  const isKnown = account.identities?.some(({ source }) => sources.some(({ id }) => id === source)) === true;
  return isKnown || hasLocalPassword(account, sources);
};
