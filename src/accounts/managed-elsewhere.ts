// Which data of a person are changed at their sources, and not here.
import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { Connector } from '../connectors/connector.ts';
import { definedOnly } from '../defined-only.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { hasLocalPassword } from './password-adoption.ts';

export interface AccountSources {
  /** The tenant's, as its file has them. */
  readonly sources: readonly SourceDefinition[];
  readonly connectors: readonly Connector[];
}

/** Names of sources, as people know them. */
export interface ManagedElsewhere {
  /** They give name, e-mail address and further data, again at each sign-in. */
  readonly profile?: readonly string[];
  /** They keep the password, and it cannot be changed here. */
  readonly password?: readonly string[];
}

/** Does a source that knows this person let them change their password? Everybody knows those of demo users. */
export const canChangePassword = (account: AccountRecord, { sources, connectors }: AccountSources): boolean =>
  account.origin !== 'demo' &&
  connectors.some(
    ({ definition, passwords }) =>
      passwords?.change !== undefined &&
      (definition.type === 'local'
        ? hasLocalPassword(account, sources)
        : account.identities?.some(({ source }) => source === definition.id) === true),
  );

/** May the person change name, language and e-mail address here? A source writes its own again at each sign-in. */
export const hasOwnProfile = ({ origin }: Pick<AccountRecord, 'origin'>): boolean =>
  origin !== 'source' && origin !== 'system';

export const managedElsewhere = (account: AccountRecord, tenant: AccountSources): ManagedElsewhere => {
  if (account.origin !== 'source') return {};
  const names = (account.identities ?? [])
    .filter(({ goneAt }) => goneAt === undefined)
    .flatMap(({ source }) => tenant.sources.find(({ id }) => id === source)?.displayName ?? []);
  if (names.length === 0) return {};
  return definedOnly({
    profile: names,
    password: canChangePassword(account, tenant) ? undefined : names,
  });
};
