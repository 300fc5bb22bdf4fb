import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { hasLocalPassword } from './password-adoption.ts';

/**
 * Has the tenant a place for this account? Demo passwords are public: once it is no demo any more, its demo users are
 * nobody. Nor is somebody of a source that was taken out of the file, unless they have a password of their own here.
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
