/** The form of a tenant's id, for patterns that have one inside. It needs no escaping in a URL or a cookie. */
export const tenantIdPattern = '[a-z0-9][a-z0-9-]{0,62}';

export const tenantIdForm = new RegExp(`^${tenantIdPattern}$`);

/** Words that a URL has in the position of a tenant's id, or that are members of every JavaScript object. */
const reserved: ReadonlySet<string> = new Set([
  'admin',
  'api',
  'assets',
  'auth',
  'constructor',
  'device',
  'healthz',
  'interaction',
  'jwks',
  'me',
  'oauth',
  'prototype',
  'readyz',
  'reg',
  'request',
  'session',
  'static',
  'tenant',
  'token',
]);

/** @returns the fault, or undefined when the text may be a tenant's id */
export const checkTenantId = (id: string): string | undefined => {
  if (!tenantIdForm.test(id))
    return 'the name of the file is the tenant id; rename it to lower-case letters, digits and hyphens, at most 63, such as acme.yaml';
  return reserved.has(id)
    ? `${id} is reserved; rename the file, for instance to ${id}-tenant.yaml`
    : undefined;
};
