// What YAML reads as another value than the one that was written, without an error of its own.
import { type Document, isMap, isScalar, isSeq, type Node, type Scalar, visit } from 'yaml';

export interface LostValue {
  readonly offset: number;
  readonly message: string;
}

const lostBehindHash =
  'what follows the # is a comment in YAML and is lost; put the value in quotes, or write a space behind the #';
const notUtf8 =
  'holds a character that is not UTF-8; save the file in UTF-8 (it may be in ISO 8859-1 or Windows-1252)';

/** Files are decoded before they get here: each byte that is not UTF-8 has become this character. */
export const findForeignCharacter = (text: string): LostValue | undefined => {
  const offset = text.indexOf('\ufffd');
  return offset < 0 ? undefined : { offset, message: notUtf8 };
};

/** `color: #1d4ed8`, `name: Team #1`, `number: 0123` */
export const findLostValues = (document: Document.Parsed, text: string): readonly LostValue[] => {
  const lost: LostValue[] = [];
  const inspect = (node: unknown): void => {
    if (!isScalar(node) || (node.type !== 'PLAIN' && node.value !== null)) return;
    const message = isCutOff(node, text) ? lostBehindHash : numberWords(node);
    if (message !== undefined) lost.push({ offset: node.range?.[0] ?? 0, message });
  };
  visit(document, {
    Pair: (_, pair) => inspect(pair.value),
    Seq: (_, { items }) => {
      for (const item of items) inspect(item);
    },
  });
  return lost;
};

/** A comment that begins without a space was probably a part of the value. Behind a number or true it hides nothing. */
const isCutOff = ({ value, source, range }: Scalar, text: string): boolean => {
  if (typeof value !== 'string' && (value !== null || source !== '')) return false;
  return range != null && /^[ \t]*#[^\s#]/.test(text.slice(range[1], range[1] + 200));
};

/** Leading zeros, digits beyond 2^53 and the like are gone once the number is read. */
const numberWords = ({ value, source = '' }: Scalar): string | undefined =>
  typeof value !== 'number' || String(value) === source
    ? undefined
    : `is read as the number ${value}; write ${value}, or put it in quotes if it is text`;

/** Keys with nothing behind the colon, by their paths. `~` and `null` say that nothing is meant. */
export const emptyKeysIn = (document: Document.Parsed): readonly (readonly (string | number)[])[] => {
  const found: (readonly (string | number)[])[] = [];
  const walk = (node: Node | null, path: readonly (string | number)[]): void => {
    if (isSeq<Node>(node)) for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    if (!isMap<Scalar, Node>(node)) return;
    for (const { key, value } of node.items) {
      const here = [...path, String(key.value)];
      if (isScalar(value) && value.value === null && value.source === '') found.push(here);
      else walk(value, here);
    }
  };
  walk(document.contents, []);
  return found;
};
