/**
 * One spelling for all that a service may take for the same path when it ignores letter case. Services fold by capital
 * or by small letters, in ASCII or in Unicode (`ſ` is `S` in capitals, the Kelvin sign `k` in small letters, `İ` an `i`
 * in some languages): whatever one of them takes for equal is equal here. Escaped letters count as letters.
 * @param path a reading of `readPath`, or a pattern of a rule; their escapes are whole UTF-8
 */
export const foldCase = (path: string): string =>
  escapedLetters.test(path)
    ? path.replace(/(?:%[89A-F][0-9A-F])+|[^%]+|%/g, (part) =>
        part.length > 1 && part.startsWith('%') ? foldLetters(decodeURIComponent(part)) : part.toLowerCase(),
      )
    : path.toLowerCase();

const escapedLetters = /%[89A-F]/;

/** Letter by letter, because the small form of a sigma depends on its place in a word. */
const foldLetters = (text: string): string =>
  Array.from(text, (letter) => (letter === '\u0130' ? 'i' : letter.toUpperCase().toLowerCase())).join('');
