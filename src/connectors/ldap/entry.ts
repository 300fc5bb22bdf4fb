import type { Entry } from 'ldapts';

/** An entry of the directory. Names of attributes are the same in upper and lower case (RFC 4512 section 2.5). */
export interface LdapEntry {
  readonly dn: string;
  /** Values that are text, in the directory's order. */
  texts(attribute: string): readonly string[];
  bytes(attribute: string): readonly Buffer[];
  /** Names as the directory spells them, options such as `;range=0-1499` included. */
  readonly names: readonly string[];
}

export const entryOf = ({ dn, ...attributes }: Entry): LdapEntry => {
  const values = new Map<string, readonly (string | Buffer)[]>();
  for (const [name, value] of Object.entries(attributes)) {
    const list = Array.isArray(value) ? value : [value];
    if (list.length > 0) values.set(name.toLowerCase(), list);
  }
  const get = (attribute: string) => values.get(attribute.toLowerCase()) ?? [];
  return {
    dn,
    texts: (attribute) => get(attribute).filter((value) => typeof value === 'string'),
    bytes: (attribute) =>
      get(attribute).map((value) => (typeof value === 'string' ? Buffer.from(value) : value)),
    names: [...values.keys()],
  };
};
