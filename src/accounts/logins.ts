import { canonicalLogin } from '../protocol/canonical-login.ts';

/**
 * The names a person may sign in with: user name and, if there is one, e-mail address, in canonical form.
 * `undefined` when one of them cannot be a login.
 */
export const loginsOf = (username: string, email?: string): readonly string[] | undefined => {
  const logins = [username, ...(email === undefined ? [] : [email])].map(canonicalLogin);
  if (!logins.every((login) => login !== undefined)) return undefined;
  return [...new Set(logins)];
};
