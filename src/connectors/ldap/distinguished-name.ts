// Distinguished names as text (RFC 4514).

const special = /["+,;<>\\=]/g;

/** Escapes a value for a name (RFC 4514 section 2.4): it can neither end its own part nor begin another. */
export const escapeDnValue = (value: string): string =>
  value
    .replace(special, (character) => `\\${character}`)
    .replaceAll('\0', '\\00')
    .replace(/^[ #]| $/g, (character) => `\\${character}`);

/** Gives equal texts for names of one entry, as far as that is possible without the schema of the directory. */
export const normalizeDn = (dn: string): string =>
  splitUnescaped(dn, ',')
    .map((part) => {
      const { type, value } = splitPart(part);
      return `${type.toLowerCase()}=${unescapeValue(value).toLowerCase()}`;
    })
    .join('\n');

/** Type and value of the first part; of the first pair of several. */
export const firstRdn = (dn: string): { readonly type: string; readonly value: string } => {
  const [first = ''] = splitUnescaped(dn, ',');
  const [pair = ''] = splitUnescaped(first, '+');
  const { type, value } = splitPart(pair);
  return { type, value: unescapeValue(value) };
};

const splitPart = (part: string): { type: string; value: string } => {
  const at = part.indexOf('=');
  if (at < 0) return { type: '', value: trimUnescaped(part) };
  return { type: part.slice(0, at).trim(), value: trimUnescaped(part.slice(at + 1)) };
};

const splitUnescaped = (text: string, separator: string): readonly string[] => {
  const parts: string[] = [];
  let begin = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === separator) {
      parts.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  parts.push(text.slice(begin));
  return parts;
};

/** A space behind a backslash belongs to the value. */
const trimUnescaped = (text: string): string => {
  const begun = text.trimStart();
  const trimmed = begun.trimEnd();
  const endsEscaped = /(?<!\\)(?:\\\\)*\\$/.test(trimmed);
  return endsEscaped && trimmed.length < begun.length ? `${trimmed} ` : trimmed;
};

/** Pairs of digits are bytes of UTF-8, of which a character may need several. */
const unescapeValue = (value: string): string =>
  value.replace(/(?:\\[0-9a-fA-F]{2})+|\\(.)/gs, (run: string, character: string | undefined) =>
    character === undefined ? Buffer.from(run.replaceAll('\\', ''), 'hex').toString() : character,
  );
