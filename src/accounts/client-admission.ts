// `clients` of a source: the apps that its people may use. Checked again whenever a client uses an existing sign-in.
import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { livingIdentities } from './linked-identities.ts';
import { hasLocalPassword } from './password-adoption.ts';
import { isForClient } from './source-choice.ts';

/** A person, and the sources that proved the sign-in. */
export interface ProvenPerson {
  readonly account: AccountRecord;
  /**
   * Ids of the sources; undefined for sign-ins from before this was noted, which count as made at any of the
   * account's.
   */
  readonly provenBy: readonly string[] | undefined;
}

/** Does any source restrict its clients at all? */
export const hasClientLimits = (sources: readonly SourceDefinition[]): boolean =>
  sources.some(({ clients }) => clients !== undefined);

/**
 * May the person use this client with that sign-in? A system user has none, and no source.
 * @param clientId undefined for services behind the gateway
 */
export const isAdmittedByClient = (
  sources: readonly SourceDefinition[],
  clientId: string | undefined,
  { account, provenBy = sourcesOf(account, sources) }: ProvenPerson,
): boolean =>
  !hasClientLimits(sources) ||
  account.origin === 'system' ||
  sources.some((source) => provenBy.includes(source.id) && isForClient(source, clientId));

/** The sources at which this person could have signed in. */
const sourcesOf = (account: AccountRecord, sources: readonly SourceDefinition[]): readonly string[] => {
  const hasPassword = account.origin !== 'source' || hasLocalPassword(account, sources);
  return [
    ...livingIdentities(account, sources).map(({ source }) => source),
    ...(hasPassword ? sources.filter(({ type }) => type === 'local').map(({ id }) => id) : []),
  ];
};
