/** Control characters, lone surrogates, and characters that change the direction of text: no name contains them. */
const notPlain = /[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/**
 * Text without a space at its ends. Undefined when it is empty, too long or no plain text.
 * @param longest in characters
 */
export const readPlainText = (value: unknown, longest = Number.POSITIVE_INFINITY): string | undefined => {
  if (typeof value !== 'string' || notPlain.test(value)) return undefined;
  const text = value.normalize('NFC').trim();
  return text === '' || [...text].length > longest ? undefined : text;
};
