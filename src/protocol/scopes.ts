/** The scopes that every tenant has; those of its resources come on top. */
export const builtInScopes = [
  'openid',
  'profile',
  'email',
  'groups',
  'roles',
  'offline_access',
  'account',
  'admin',
] as const;

/** Access to the person's own account by the API of the tenant. First-party clients get it, all others do not. */
export const accountScope = 'account';

/** Access to the administration API. Only first-party clients whose `scope` names it get it. */
export const adminScope = 'admin';

/** Scopes that reveal who a person is, and give no access to a service: any client may ask for them. */
export const isIdentityScope = (name: string): boolean =>
  name !== accountScope && name !== adminScope && (builtInScopes as readonly string[]).includes(name);

/** RFC 6749 section 3.3. */
export const isScopeName = (name: string): boolean => /^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/.test(name);
