/**
 * The value at a JSON pointer (RFC 6901); undefined when there is none. Own members only, so that no pointer reaches
 * the inherited members of every object.
 */
export const valueAt = (document: unknown, pointer: string): unknown => {
  if (pointer === '') return document;
  const tokens = pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  return tokens.reduce(step, document);
};

const step = (value: unknown, token: string): unknown => {
  if (Array.isArray(value)) return /^(?:0|[1-9]\d{0,8})$/.test(token) ? value[Number(token)] : undefined;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[token]; // an object that is no array
};
