import type { Connector } from '../connectors/connector.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { AccountRecords } from '../storage/storage.ts';
import type { PasswordGate } from './password-gate.ts';

export interface OneNameParts {
  readonly connectors: readonly Connector[];
  readonly records: Pick<AccountRecords, 'findByLogin'>;
}

/**
 * The name under which attempts with this name are counted. Undefined: no source takes it for another one.
 * @param login canonical, because a directory may take other spellings of `\` and `@` for these
 */
export const sharedNameOf = (connectors: readonly Connector[], login: string): string | undefined =>
  connectors
    .map(({ passwords }) => passwords?.nameFor?.(login))
    .find((name) => name !== undefined && name !== login);

/**
 * A source may take several names for one account (`DOMAIN\name`, `name@domain`, `name`): they are counted as one, or
 * each would be a chance of its own to guess. A name that a local account has is nothing but that account's.
 */
export const countAsOneName =
  (gate: PasswordGate, { connectors, records }: OneNameParts): PasswordGate =>
  async (attempt, action) => {
    const login = canonicalLogin(attempt.login);
    const shared = login === undefined ? undefined : sharedNameOf(connectors, login);
    if (login === undefined || shared === undefined) return gate(attempt, action);
    const isLocal = (await records.findByLogin(login)) !== undefined;
    return gate(isLocal ? attempt : { ...attempt, login: shared }, action);
  };
