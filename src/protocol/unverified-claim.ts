/** A text among the claims of a JWT whose signature nobody has checked: good for a look-up, never for a decision. */
export const unverifiedClaim = (jwt: string, name: string): string | undefined => {
  try {
    const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
    const value = typeof claims === 'object' && claims !== null ? Reflect.get(claims, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
};
