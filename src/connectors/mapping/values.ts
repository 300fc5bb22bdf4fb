/** The named lists of values that the steps of a mapping work on. Never an object: names come from outside. */
export type Values = ReadonlyMap<string, readonly unknown[]>;

/** No value becomes an empty list, one value a list of one. */
export const listOf = (value: unknown): readonly unknown[] => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.filter((item) => item !== undefined && item !== null) : [value];
};

/** A copy in which `name` has these values; without it when there are none. */
export const withValues = (values: Values, name: string, list: readonly unknown[]): Values => {
  const copy = new Map(values);
  if (list.length === 0) copy.delete(name);
  else copy.set(name, list);
  return copy;
};

/** Names of attributes: exact, or as LDAP has it without regard to upper and lower case (RFC 4512 section 2.5). */
export const findName = (values: Values, name: string, isCaseIgnored: boolean): string | undefined => {
  if (values.has(name)) return name;
  if (!isCaseIgnored) return undefined;
  const wanted = name.toLowerCase();
  return [...values.keys()].find((known) => known.toLowerCase() === wanted);
};
