const longest = 256;
/** Controls, invisible format characters (such as those that turn the direction of writing), line separators, lone surrogates. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Makes text from outside safe for a log: characters that could start a line, move the cursor or hide are written as
 * `\u{…}`, and at most 256 characters are kept.
 */
export const printable = (text: string): string => {
  const escaped = text
    .slice(0, longest)
    .replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  return text.length > longest || escaped.length > longest ? `${escaped.slice(0, longest - 1)}…` : escaped;
};
