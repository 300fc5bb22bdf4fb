// Filters of searches (RFC 4515), made of objects wherever a value comes from outside.
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

/** The name is a value in the filter, whatever is in it. */
export const fillFilter = (template: string, username: string): Filter =>
  parseFilter(template.replaceAll(placeholder, () => Filter.escape(username)));

/** The name is a value in the distinguished name (RFC 4514), whatever is in it. */
export const fillDn = (template: string, username: string): string =>
  template.replaceAll(placeholder, () => escapeDnValue(username));

/** Comparisons other than `=` know no wildcard. */
const otherComparison = /[:~<>]=[^()]*\{username\}/;

/**
 * The filter that somebody passes whatever their name is: what it asks besides the name goes on to hold when a person
 * is looked up by subject. Undefined when it cannot be made.
 */
export const filterForAnyName = (template: string): Filter | undefined =>
  otherComparison.test(template) ? undefined : parseFilter(template.replaceAll(placeholder, '*'));

export const allOf = (...filters: readonly (Filter | undefined)[]): Filter =>
  new AndFilter({ filters: filters.filter((filter) => filter !== undefined) });

export const anyOf = (filters: readonly Filter[]): Filter => new OrFilter({ filters: [...filters] });

export const equals = (attribute: string, value: string | Buffer): Filter =>
  new EqualityFilter({ attribute, value });

/** Active Directory's search through groups in groups, at whatever depth. */
export const isInChain = (attribute: string, dn: string): Filter =>
  new ExtensibleFilter({ matchType: attribute, rule: '1.2.840.113556.1.4.1941', value: dn });

/** ldapts reads each pair of digits as a character; above 7f they are bytes of UTF-8. */
const withPlainBytes = (text: string): string =>
  text.replace(/(?:\\[89a-fA-F][0-9a-fA-F])+/g, (run) =>
    Buffer.from(run.replaceAll('\\', ''), 'hex').toString(),
  );

export const has = (attribute: string): Filter => new PresenceFilter({ attribute });

/** Every entry passes it. */
export const hasEntry: Filter = has('objectClass');
