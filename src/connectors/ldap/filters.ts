// Filters of searches (RFC 4515). A value from outside is put into a filter object, never into text.
import {
  AndFilter,
  EqualityFilter,
  ExtensibleFilter,
  Filter,
  FilterParser,
  OrFilter,
  PresenceFilter,
} from 'ldapts';
import { escapeDnValue } from './distinguished-name.ts';
import { unreachable } from './unreachable.ts';

const placeholder = '{username}';

/**
 * @param text as the tenant's file has it
 * @throws AppError `unavailable` when it is no filter
 */
export const parseFilter = (text: string): Filter => {
  try {
    return FilterParser.parseString(withPlainBytes(text));
  } catch (cause) {
    throw unreachable(`the filter ${text} cannot be read`, cause);
  }
};

/** The name is only a value in the filter, with any characters. */
export const fillFilter = (template: string, username: string): Filter =>
  parseFilter(template.replaceAll(placeholder, () => Filter.escape(username)));

/** The name is only a value in the distinguished name (RFC 4514), with any characters. */
export const fillDn = (template: string, username: string): string =>
  template.replaceAll(placeholder, () => escapeDnValue(username));

/** Comparisons other than `=` have no wildcards. */
const otherComparison = /[:~<>]=[^()]*\{username\}/;

/**
 * The filter without its condition on the name: its other conditions also apply when a person is looked up by subject.
 * Undefined when it cannot be made.
 */
export const filterForAnyName = (template: string): Filter | undefined =>
  otherComparison.test(template) ? undefined : parseFilter(template.replaceAll(placeholder, '*'));

export const allOf = (...filters: readonly (Filter | undefined)[]): Filter =>
  new AndFilter({ filters: filters.filter((filter) => filter !== undefined) });

export const anyOf = (filters: readonly Filter[]): Filter => new OrFilter({ filters: [...filters] });

export const equals = (attribute: string, value: string | Buffer): Filter =>
  new EqualityFilter({ attribute, value });

/** Active Directory's search through nested groups of any depth. */
export const isInChain = (attribute: string, dn: string): Filter =>
  new ExtensibleFilter({ matchType: attribute, rule: '1.2.840.113556.1.4.1941', value: dn });

/** ldapts reads each pair of digits as a character; above 7f they are bytes of UTF-8. */
const withPlainBytes = (text: string): string =>
  text.replace(/(?:\\[89a-fA-F][0-9a-fA-F])+/g, (run) =>
    Buffer.from(run.replaceAll('\\', ''), 'hex').toString(),
  );

export const has = (attribute: string): Filter => new PresenceFilter({ attribute });

/** Matches every entry. */
export const hasEntry: Filter = has('objectClass');
