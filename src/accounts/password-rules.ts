// The rules for new passwords, wherever one is set. A password that was set before is never judged again.
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { preparePassword } from '../crypto/password-hasher.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { commonPasswords, withoutKeyRuns, withPlainLetters } from './common-passwords.ts';
import { isFactorEnforced } from './factors/factor-demand.ts';

/** Whose password it shall be. */
export type PasswordOwner = Pick<AccountRecord, 'username'> &
  Partial<Pick<AccountRecord, 'logins' | 'email' | 'claims' | 'roles' | 'groups'>>;

/** The fault in a new password, as a message for the person who chose it; `undefined` when it is accepted. */
export type FaultOfPassword = (
  password: string,
  person: PasswordOwner,
) => string | undefined | Promise<string | undefined>;

/** The part of it that asks nobody else. */
export type PasswordRules = (password: string, person: PasswordOwner) => string | undefined;

// NIST SP 800-63B-4 section 3.1.1.2
const shortestAlone = 15;
const shortestWithFactor = 8;
const longest = 128;
/** Different characters beside known words. */
const fewestOwn = 6;

/**
 * NIST SP 800-63B-4 section 3.1.1.2: the length counts, common passwords and words of the context are refused, there are no
 * rules about kinds of characters.
 */
export const createPasswordRules =
  (tenant: Pick<TenantDefinition, 'id' | 'displayName' | 'secondFactor'>, clock: Clock): PasswordRules =>
  (password, person) => {
    const { roles = [], groups = [] } = person;
    const isWithFactor = isFactorEnforced(tenant.secondFactor, { roles, groups }, clock.now());
    const shortest = isWithFactor ? shortestWithFactor : shortestAlone;
    // the cheap bound first: no megabyte is normalized only to be refused
    const length = password.length > 10 * longest ? password.length : [...password.normalize('NFKC')].length;
    if (length < shortest) return `The password is too short: it needs at least ${shortest} characters.`;
    if (length > longest) return tooLong;
    if (/\p{Cc}/u.test(password))
      return 'The password holds control characters, which cannot be typed everywhere.';
    if (preparePassword(password) === undefined) return tooLong;
    return isFirstGuess(password, [...wordsOf(person), ...partsOf([tenant.id, tenant.displayName])])
      ? 'The password is easy to guess: common words, names of the account or the organisation, or keys in a row. Choose another.'
      : undefined;
  };

const tooLong = `The password is too long: at most ${longest} characters are kept.`;

const isFirstGuess = (password: string, own: readonly string[]): boolean => {
  const typed = folded(password);
  return [typed, withPlainLetters(typed)].some((text) => {
    const rest = [...own, ...commonPasswords]
      .filter((word) => word.length > 2)
      .sort((a, b) => b.length - a.length)
      .reduce((left, word) => left.replaceAll(word, ' '), text);
    return new Set(withoutKeyRuns(rest).replace(/[\p{P}\p{Z}]/gu, '')).size < fewestOwn;
  });
};

const nameClaims = ['name', 'given_name', 'middle_name', 'family_name', 'nickname', 'preferred_username'];

const wordsOf = ({ username, logins = [], email, claims = {} }: PasswordOwner): readonly string[] =>
  partsOf([username, ...logins, email, ...nameClaims.map((name) => claims[name])]);

/** Each name, and the words that it consists of. */
const partsOf = (names: readonly unknown[]): readonly string[] =>
  names
    .filter((name) => typeof name === 'string')
    .map(folded)
    .flatMap((name) => [name, ...name.split(/[^\p{L}\p{M}\p{N}]+/u)]);

const folded = (text: string): string => text.normalize('NFKC').toLowerCase();
