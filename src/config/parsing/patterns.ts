import { RE2JS, RE2JSException } from 're2js';

const longest = 1000;

export type ReadPattern =
  | { readonly ok: true; readonly groups: number }
  /** What is wrong and what to write instead; never repeats the pattern. */
  | { readonly ok: false; readonly message: string };

/** A regular expression in RE2 syntax: every pattern takes a time in proportion to the text. */
export const readPattern = (pattern: string): ReadPattern => {
  if (pattern === '') return refuse('is empty; write a regular expression');
  if (pattern.length > longest) return refuse(`is longer than ${longest} characters; write it shorter`);
  try {
    return { ok: true, groups: RE2JS.compile(pattern).groupCount() };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return refuse(wordsFor(pattern));
  }
};

/** Most patterns that RE2 refuses use features of other engines. */
const wordsFor = (pattern: string): string => {
  if (/\(\?<?[=!]/.test(pattern))
    return 'looks ahead or behind, which RE2 does not do; write what stands there, and brackets round the part that is wanted';
  if (/\(\?>|[*+?}]\+/.test(pattern))
    return 'has a possessive or atomic group, which RE2 does not know; a plain one, without the + or ?>, means the same here';
  if (/(?<!\\)(?:\\\\)*\\(?:[1-9]|k<)/.test(pattern))
    return 'refers back to a group, which RE2 does not do; write out what may stand there';
  return 'is not a regular expression as RE2 has them (https://github.com/google/re2/wiki/Syntax); see to brackets, backslashes and repetitions';
};

/** RFC 6901 section 3, without the empty one, which is the whole document. */
export const isPointer = (text: string): boolean => /^(?:\/(?:[^~/]|~[01])*)+$/.test(text);

export const pointerWords =
  'is not a JSON pointer (RFC 6901); write one such as /preferred_username or /user/name, with ~0 for ~ and ~1 for / in a name';

const refuse = (message: string): ReadPattern => ({ ok: false, message });
