import { canonicalLogin } from '../../protocol/canonical-login.ts';
import type { AccountRecord } from '../../storage/storage.ts';

/**
 * Is the name that was sent with a key one of its owner's? The key alone proves who it is; a name beside it must not say otherwise.
 * People of a source have names of that source, which `logins` does not hold.
 * @param login absent: none was sent
 */
export const isNameOfOwner = (
  login: string | undefined,
  { logins, username, email }: Pick<AccountRecord, 'logins' | 'username' | 'email'>,
): boolean => {
  if (login === undefined) return true;
  const name = canonicalLogin(login);
  return (
    name !== undefined &&
    (logins.includes(name) || [username, email].some((own) => canonicalLogin(own ?? '') === name))
  );
};
