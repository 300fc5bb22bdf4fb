/** The scopes that every tenant has; those of its resources come on top. */
export const builtInScopes = ['openid', 'profile', 'email', 'groups', 'roles', 'offline_access'] as const;

/** Scopes that reveal who a person is, and give no access to a service: any client may ask for them. */
export const isIdentityScope = (name: string): boolean => (builtInScopes as readonly string[]).includes(name);

/** RFC 6749 section 3.3. */
export const isScopeName = (name: string): boolean => /^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/.test(name);
