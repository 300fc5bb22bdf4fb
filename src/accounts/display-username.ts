// Usernames as services see them. A service identifies people by the username, so no two people may share one.

import type { SourceDefinition } from '../config/source/source-definition.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { Accounts } from './account-types.ts';
import { livingIdentities } from './linked-identities.ts';

export interface DisplayUsernameParts {
  readonly findByLogin: AccountRecords['findByLogin'];
  /** In the file's order. */
  readonly sources: readonly SourceDefinition[];
}

/**
 * Names of local people are unique and have precedence, then those of the tenant's first other source, which must keep
 * them unique itself. People of further sources may have a name that is taken already, so the source is put in front.
 */
export const createDisplayUsername = ({
  findByLogin,
  sources,
}: DisplayUsernameParts): Accounts['displayUsername'] => {
  const first = sources.find(({ type }) => type !== 'local')?.id;
  const prefixes = new Set(sources.map(({ id }) => id));

  const isFree = async (account: AccountRecord): Promise<boolean> => {
    const login = canonicalLogin(account.username);
    const holder = login === undefined ? undefined : await findByLogin(login);
    return holder === undefined || holder.sub === account.sub;
  };

  return async (account) => {
    const { username, origin } = account;
    if (origin !== 'source') return username;
    const living = new Set(livingIdentities(account, sources).map(({ source }) => source));
    const source = sources.find(({ id }) => living.has(id))?.id ?? account.identities?.[0]?.source ?? '';
    const [front = '', ...rest] = username.split(':');
    // otherwise the first source could give a person the prefixed name of another source's person
    const isPlain = source === first && !(rest.length > 0 && prefixes.has(front.toLowerCase()));
    return isPlain && (await isFree(account)) ? username : `${source}:${username}`;
  };
};
