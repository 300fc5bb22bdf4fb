import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  visit,
} from 'yaml';
import { byPosition, type Fault, type FaultPath, type PathFault } from './fault.ts';
import { emptyKeysIn, findForeignCharacter, findLostValues } from './lost-values.ts';
import { readDocument } from './yaml-document.ts';

/** A YAML file as plain values, with the position of each in the file. */
export interface YamlSource {
  readonly value: unknown;
  /** Keys with nothing behind the colon. In `value` they are absent. */
  readonly emptyKeys: readonly FaultPath[];
  /** Adds to a fault its position in the file. A missing key gets the position of the mapping that should hold it. */
  toFault(fault: PathFault): Fault;
}

const mostBytes = 1024 * 1024;
const mostAliases = 100;
const deepestNesting = 20;
const tooDeep = `is nested deeper than ${deepestNesting} levels; flatten it`;
/** The errors that the parser reports after its first ones are mostly wrong. */
const mostFaults = 20;
/** Members of every JavaScript object; no setting has such a name. */
const dangerousKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * YAML 1.2 without its dangers: refuses exponential aliases, deep nesting, tags, duplicate keys, prototype keys.
 * Messages are our own words, as the parser's quote the file, which may hold secrets.
 */
export const parseYaml = (text: string, file: string): YamlSource | { readonly faults: readonly Fault[] } => {
  const whole = (message: string) => ({ faults: [{ file, path: '', message }] });
  if (text.length > mostBytes || Buffer.byteLength(text) > mostBytes)
    return whole('is larger than 1 MiB; split it or remove what does not belong here');

  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const foreign = findForeignCharacter(text);
  const read = readDocument(text, lines);
  if (foreign !== undefined)
    return { faults: [{ ...place(foreign.offset), path: '', message: foreign.message }] };
  if ('refusal' in read)
    return whole(read.refusal === 'too deep' ? tooDeep : 'has more entries in one place than any file needs');
  const { document } = read;
  const faults: Fault[] = [...document.errors, ...document.warnings].slice(0, mostFaults).map((error) => ({
    ...place(error.pos[0]),
    path: '',
    message: syntaxWords[error.code] ?? 'is not valid YAML here; compare with the lines around it',
  }));
  let depthExceeded = false;
  visit(document, {
    Pair: (_, pair) => {
      if (!isScalar(pair.key) || !dangerousKeys.has(String(pair.key.value))) return;
      const offset = (pair.key as ParsedNode).range?.[0] ?? 0; // parsed documents have ranges
      faults.push({
        ...place(offset),
        path: '',
        message: `the key ${pair.key.value} is not allowed; remove it`,
      });
    },
    Collection: (_, __, path) => {
      depthExceeded ||= path.filter(isCollection).length >= deepestNesting;
    },
  });
  if (depthExceeded) return whole(tooDeep);
  for (const { offset, message } of findLostValues(document, text))
    faults.push({ ...place(offset), path: '', message });
  if (faults.length > 0) return { faults: faults.sort(byPosition) };

  const aliasFaults = whole(
    'uses YAML aliases (*name) that are unknown, circular or too many; write the values out, and put text that begins with * in quotes',
  );
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: mostAliases });
  } catch (error) {
    // The parser throws these for alias bombs and for aliases without an anchor.
    if (!(error instanceof ReferenceError) && !(error instanceof RangeError)) throw error;
    return aliasFaults;
  }
  if (hasCycle(value)) return aliasFaults;

  const offsetOf = ({ path, atKey }: PathFault): number => {
    let node: Node | null | undefined = document.contents;
    let offset = 0;
    for (const [index, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(document);
      if (!isCollection(node)) break;
      const item: unknown = isMap(node)
        ? node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(step))
        : node.items[Number(step)];
      if (item === undefined) break;
      const keyOffset = isPair(item) ? startOf(item.key) : undefined;
      node = (isPair(item) ? item.value : item) as Node | null; // items of a collection are pairs or nodes
      const isLast = index === path.length - 1;
      offset = (isLast && atKey ? keyOffset : undefined) ?? startOf(node) ?? keyOffset ?? offset;
      // For a nested mapping and for an empty value, the position of the key is the one that helps.
      if (keyOffset !== undefined && (isCollection(node) || isEmpty(node))) offset = keyOffset;
    }
    return offset;
  };
  return {
    value: withoutEmptyKeys(value),
    emptyKeys: emptyKeysIn(document),
    toFault: (fault) => ({
      ...place(offsetOf(fault)),
      path: formatPath(fault.path),
      message: fault.message,
    }),
  };
};

export const formatPath = (path: FaultPath): string =>
  path
    .map((step) => (typeof step === 'number' || step.length <= 60 ? step : `${step.slice(0, 60)}…`))
    .join('.');

const startOf = (node: unknown): number | undefined => (node as ParsedNode | null)?.range?.[0]; // parsed nodes have ranges

const isEmpty = (node: unknown): boolean => node === null || (isScalar(node) && node.value === null);

/** A key without a value counts as absent: operators comment out all lines below a key and keep the key. */
const withoutEmptyKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutEmptyKeys);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutEmptyKeys(inner)]));
};

const hasCycle = (value: unknown, above: ReadonlySet<unknown> = new Set()): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if (above.has(value)) return true;
  const path = new Set([...above, value]);
  return Object.values(value).some((inner) => hasCycle(inner, path));
};

const syntaxWords: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'a word that begins with * is an alias in YAML; put the value in quotes',
  BAD_DIRECTIVE: 'lines that begin with % are YAML directives; remove this one',
  BAD_DQ_ESCAPE: 'a backslash in double quotes begins an escape; use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above; use two spaces a level',
  BAD_SCALAR_START: 'a value cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'there is a colon too many or a line break too few; put values with ": " in quotes',
  BLOCK_IN_FLOW: 'lists and mappings in brackets cannot hold indented ones; use one style',
  DUPLICATE_KEY: 'this key was given before; keep one of them',
  KEY_OVER_1024_CHARS: 'a key cannot be so long; is a colon missing or misplaced?',
  MISSING_CHAR: 'a colon, comma, bracket or closing quote is missing here',
  MULTILINE_IMPLICIT_KEY: 'a key must stay on one line; is a colon missing on the line above?',
  MULTIPLE_DOCS: 'a file holds one document; remove the --- line',
  NON_STRING_KEY: 'a key must be plain text',
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: 'tabs cannot indent YAML; use two spaces a level',
  TAG_RESOLVE_FAILED: 'tags (!name) are not allowed; remove this one',
  UNEXPECTED_TOKEN: 'this does not belong here; check quotes, brackets and indentation',
};
