// Distinguished names and filters as an operator writes them, checked before a directory gets them.

const attribute = /^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)(?:;[A-Za-z0-9-]+)*$/;

/** RFC 4512 section 2.5. */
export const isAttributeName = (name: string): boolean => name.length <= 100 && attribute.test(name);

/**
 * A distinguished name in the spelling of RFC 4514, with at least one part.
 * @returns its parts as written, from the entry up; undefined when the text is no distinguished name
 */
export const splitDn = (dn: string): readonly string[] | undefined => {
  const parts = dn.match(/(?:\\.|[^\\,])+/gsu) ?? [];
  // Apart from single commas, the pattern skips only empty parts and a backslash at the end.
  if (dn === '' || parts.join(',') !== dn || !parts.every(isRdn)) return undefined;
  return parts.map((part) => part.trim());
};

const isRdn = (part: string): boolean =>
  (part.match(/(?:\\.|[^\\+])+/gsu) ?? []).every((pair) => {
    const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=(.*)$/s.exec(pair) ?? [];
    return isAttributeName(name) && value.trim() !== '' && !/(?<!\\)(?:\\\\)*["<>;]/.test(value);
  });

export type ReadFilter =
  | { readonly ok: true; readonly filter: string }
  /** What is wrong and what to write instead. */
  | { readonly ok: false; readonly message: string };

const deepest = 20;

/** A filter (RFC 4515), without the blanks and line ends that operators write between its parts. */
export const readFilter = (text: string): ReadFilter => {
  const rest = { text: text.trim() };
  try {
    const filter = takeFilter(rest, 0);
    if (rest.text !== '')
      throw new FilterFault(
        rest.text.startsWith('(')
          ? 'has several filters side by side; put them together, as in (&(…)(…))'
          : 'goes on behind its last bracket; count the brackets',
      );
    return { ok: true, filter };
  } catch (error) {
    if (!(error instanceof FilterFault)) throw error;
    return { ok: false, message: error.message };
  }
};

class FilterFault extends Error {}

/** Removes the first filter from the rest of the text, and returns it in its plain spelling. */
const takeFilter = (rest: { text: string }, depth: number): string => {
  if (depth > deepest) throw new FilterFault(`is nested deeper than ${deepest} levels; write it shorter`);
  const [whole, operator] = /^\(\s*([&|!]?)\s*/.exec(rest.text) ?? [];
  if (whole === undefined)
    throw new FilterFault('is not a filter; put it in brackets, as in (uid={username})');
  rest.text = rest.text.slice(whole.length);
  if (operator === '') return takeItem(rest);
  const inner: string[] = [];
  while (rest.text.startsWith('(')) {
    inner.push(takeFilter(rest, depth + 1));
    rest.text = rest.text.trimStart();
  }
  if (!rest.text.startsWith(')')) throw new FilterFault(missingBracket);
  rest.text = rest.text.slice(1);
  if (inner.length === 0 || (operator === '!' && inner.length > 1))
    throw new FilterFault(
      operator === '!'
        ? 'has a ! that is not before exactly one filter; write (!(…))'
        : `has nothing behind ${operator}; write (${operator}(…)(…))`,
    );
  return `(${operator}${inner.join('')})`;
};

const missingBracket = 'lacks a closing bracket; count the brackets';

const takeItem = (rest: { text: string }): string => {
  const end = rest.text.search(/[()]/);
  if (end === -1) throw new FilterFault(missingBracket);
  if (rest.text[end] === '(')
    throw new FilterFault('has a bracket within a value; write it as \\28, or close the one before');
  const item = rest.text.slice(0, end).trim();
  rest.text = rest.text.slice(end + 1);
  const value = valueIn(item);
  if (value === undefined)
    throw new FilterFault('has a part that compares nothing; write attribute=value, as in (uid={username})');
  if (/\\(?![0-9a-fA-F]{2})/.test(value) || value.includes('\0'))
    throw new FilterFault('has a backslash without two hexadecimal digits; write a backslash as \\5c');
  return `(${item})`;
};

/** One comparison: `attribute=value`, or an extensible match with a rule (RFC 4515 section 3). */
const valueIn = (item: string): string | undefined => {
  const [, name = '', plain] = /^([^=<>~:\s]+)[<>~]?=(.*)$/s.exec(item) ?? [];
  if (plain !== undefined) return comparable.test(name) ? plain : undefined;
  const [, by = '', rule, value] = /^([^=<>~:\s]*)(?::dn)?(?::([A-Za-z\d.-]+))?:=(.*)$/is.exec(item) ?? [];
  return comparable.test(by) || (by === '' && rule !== undefined) ? value : undefined;
};

/** Neither numbers nor options (`cn;lang-de`), because the LDAP library cannot read them in a filter. */
const comparable = /^[A-Za-z][A-Za-z0-9-]*$/;
