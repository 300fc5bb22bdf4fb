import { registerUrl } from '../accounts/registration-link.ts';
import type { LoginTenant } from './login-tenant.ts';

/** The page on which everybody may begin to make an account; undefined where there is none. */
export const openRegistrationUrl = ({ definition, provider }: LoginTenant): string | undefined =>
  definition.registration === undefined || definition.registration.mode === 'invited'
    ? undefined
    : registerUrl(provider.issuer);

/** The same from a sign-in, which goes on afterwards. */
export const registrationUrlIn = (tenant: LoginTenant, interaction: string): string | undefined => {
  const url = openRegistrationUrl(tenant);
  return url === undefined ? undefined : `${url}?interaction=${interaction}`;
};
