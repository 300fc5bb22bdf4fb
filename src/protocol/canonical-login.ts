const longest = 256;
/** Controls, invisible format characters, lone surrogates, line separators: people can neither see nor type them. */
const forbidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * The one spelling under which a user name or e-mail address is kept and looked up: NFKC, trimmed, in lower case.
 * Applied once, when the name is received; applying it again changes nothing.
 * @returns `undefined` for a name that is empty, longer than 256 characters or holds characters that cannot be seen.
 */
export const canonicalLogin = (name: string): string | undefined => {
  if (name.length > longest) return undefined;
  // Lower-casing can leave a sequence that is no longer composed, hence the second normalization.
  const canonical = name.normalize('NFKC').trim().toLowerCase().normalize('NFKC');
  if (canonical === '' || canonical.length > longest || forbidden.test(canonical)) return undefined;
  return canonical;
};
