import type { LoginTenant } from './login-tenant.ts';

/**
 * Does this address belong to the tenant or to one of its apps? Browsers are redirected to no other (RFC 9700 section
 * 4.11.2). Apps are known by the origins of their registered URIs.
 */
export const isOwnTarget = ({ definition, provider }: LoginTenant, target: string): boolean => {
  const origin = webOriginOf(target);
  if (origin === undefined) return false;
  const url = new URL(target);
  const issuer = new URL(provider.issuer);
  if (origin === issuer.origin) {
    // other tenants may share the host
    return url.pathname === issuer.pathname || url.pathname.startsWith(`${issuer.pathname}/`);
  }
  return definition.clients.some(({ metadata }) =>
    [...metadata.redirect_uris, metadata.initiate_login_uri].some(
      (known) => typeof known === 'string' && webOriginOf(known) === origin,
    ),
  );
};

/** Undefined for a text that browsers do not read as a plain http or https address, or that is ambiguous. */
const webOriginOf = (address: string): string | undefined => {
  if (!/^https?:\/\/[^\s\\@]+$/i.test(address) || !URL.canParse(address)) return undefined;
  return new URL(address).origin;
};
