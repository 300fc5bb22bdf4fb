// The names that people give themselves.
import type { SourceDefinition } from '../config/source/source-definition.ts';
import { canonicalLogin, withoutInvisibleEdges } from '../protocol/canonical-login.ts';
import { hasSubForm } from '../protocol/sub-form.ts';
import { readPlainText } from './plain-text.ts';

export interface TypedPerson {
  readonly name: string;
  /** Empty or absent: the e-mail address. */
  readonly username?: string | undefined;
}

export type ReadPerson =
  | { readonly ok: true; readonly name: string; readonly username: string }
  | { readonly ok: false; readonly reason: 'name' | 'username' };

/**
 * May people choose a user name? Not where a directory or provider names people too: services identify people by the user
 * name, and that of a local user has precedence.
 */
export const mayChooseUsername = (sources: readonly SourceDefinition[]): boolean =>
  sources.every(({ type }) => type === 'local');

/**
 * RFC 2142, and names of administrators: services give them rights, and people believe their mails. They are for an operator to
 * give.
 */
const reserved: ReadonlySet<string> = new Set(
  'abuse admin administrator anonymous daemon guest help hostmaster info mail mailer-daemon nobody noreply no-reply operator postmaster root security service superuser support system sysadmin unknown webmaster'.split(
    ' ',
  ),
);

/** In the forms that name somebody elsewhere: `name@domain`, `DOMAIN\name`, `source:name`, a path. */
const elsewhere = /[@\\:/]/;

/**
 * A user name that people may give themselves.
 * @param username canonical
 */
export const isFreeToChoose = (username: string): boolean =>
  !elsewhere.test(username) && !hasSubForm(username) && !reserved.has(username);

/** Characters. */
const longestName = 100;

/** The full name of a person. Undefined when it is empty, too long or no plain text. */
export const readFullName = (typed: string): string | undefined => readPlainText(typed, longestName);

/** @param email proven, canonical */
export const readNewPerson = (
  { name: typedName, username: typed = '' }: TypedPerson,
  email: string,
  sources: readonly SourceDefinition[],
): ReadPerson => {
  const name = readFullName(typedName);
  if (name === undefined) return { ok: false, reason: 'name' };
  const username = withoutInvisibleEdges(typed);
  const canonical = username === '' ? email : canonicalLogin(username);
  if (canonical === email) return { ok: true, name, username: email };
  const isUsable = canonical !== undefined && mayChooseUsername(sources) && isFreeToChoose(canonical);
  return isUsable ? { ok: true, name, username } : { ok: false, reason: 'username' };
};
