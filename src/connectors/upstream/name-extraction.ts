import { RE2JS } from 're2js';
import type { NamePattern } from '../../config/source/source-definition.ts';
import { valueAt } from '../mapping/json-pointer.ts';

const longestName = 255;

/** `userNameExtractionPattern`, compiled: takes the name from a user-info answer; undefined when it is not there. */
export const createNameExtraction = (
  pattern: NamePattern,
): ((answer: { readonly text: string; readonly json: unknown }) => string | undefined) => {
  if (pattern.kind === 'pointer') return ({ json }) => toName(valueAt(json, pattern.pointer));
  const expression = RE2JS.compile(pattern.pattern);
  return ({ text }) => {
    const match = expression.matcher(text);
    return match.find() ? toName(match.group(1)) : undefined;
  };
};

/** A subject or a name: a text, or a number as GitHub has it. */
export const toName = (value: unknown): string | undefined => {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || text.trim() === '' || text.length > longestName) return undefined;
  return /[\p{Cc}\p{Cs}]/u.test(text) ? undefined : text;
};
