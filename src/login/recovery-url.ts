import { recoveryUrl } from '../accounts/password-recovery.ts';
import type { LoginTenant } from './login-tenant.ts';

/** The page for a forgotten password; undefined where the tenant offers none. */
export const recoverUrl = ({ definition, provider }: LoginTenant): string | undefined =>
  definition.recovery === undefined ? undefined : recoveryUrl(provider.issuer);
