import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { hasLocalPassword } from './password-adoption.ts';

/**
 * Has the tenant a place for this account? Demo passwords are public: once it is no demo any more, its demo users are
 * nobody. Somebody of a source that was taken out of the file, without a password of their own, is not admitted: no source says who that is.
 */
export const isAdmittedTo = (
  { demo, sources }: Pick<TenantDefinition, 'demo' | 'sources'>,
  account: AccountRecord,
): boolean => {
  if (account.origin === 'demo') return demo;
  if (account.origin === 'local') return true;
  const isKnown = account.identities?.some(({ source }) => sources.some(({ id }) => id === source)) === true;
  return isKnown || hasLocalPassword(account, sources);
};
