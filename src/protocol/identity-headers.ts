/** The headers that name the caller to a service behind the gateway. A service may do with some of them. */
export const identityHeaderNames = [
  'Remote-User',
  'Remote-Groups',
  'Remote-Name',
  'Remote-Email',
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Auth-Request-Groups',
  'X-Auth-Request-Preferred-Username',
  'X-Auth-Tenant',
  'X-Auth-Subject',
  'X-Auth-Issuer',
  'X-Auth-Roles',
  'X-Auth-Method',
  'X-Auth-Request-Id',
  'X-Auth-Token',
] as const;

export type IdentityHeaderName = (typeof identityHeaderNames)[number];

/** Half of what many servers accept as headers in total: the other half is for those of the browser. */
export const defaultIdentityBytes = 8192;
