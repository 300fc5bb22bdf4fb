import { asciiDomain } from './email-address.ts';

const longest = 256;
/**
 * Controls, format characters, others that are not displayed, lone surrogates, line separators: people can neither see nor
 * type them.
 */
const forbidden = /[\p{Cc}\p{Cf}\p{DI}\p{Cs}\p{Zl}\p{Zp}]/u;
const invisibleEdges = /^[\s\p{Cf}\p{DI}]+|[\s\p{Cf}\p{DI}]+$/gu;

/** Without what a copied name may have around it: spaces, zero-width spaces, soft hyphens, marks of direction. */
export const withoutInvisibleEdges = (name: string): string => name.replace(invisibleEdges, '');

/**
 * The one spelling under which a user name or e-mail address is kept and looked up: NFKC, without spaces and invisible
 * characters around it, in lower case, an international domain in the spelling of DNS. Applied once, when the name is
 * received; applying it again changes nothing.
 * @returns `undefined` for a name that is empty, longer than 256 characters or holds characters that cannot be seen.
 */
export const canonicalLogin = (name: string): string | undefined => {
  if (name.length > longest) return undefined;
  // Lower-casing can leave a sequence that is no longer composed, hence the second normalization.
  const folded = withoutInvisibleEdges(name.normalize('NFKC')).toLowerCase().normalize('NFKC');
  const at = folded.lastIndexOf('@');
  const canonical = at < 1 ? folded : folded.slice(0, at + 1) + asciiDomain(folded.slice(at + 1));
  if (canonical === '' || canonical.length > longest || forbidden.test(canonical)) return undefined;
  return canonical;
};

/** The domain of a user name or e-mail address, behind its last `@`, in canonical form; undefined for a plain name. */
export const domainOfLogin = (name: string | undefined): string | undefined => {
  const login = name === undefined ? undefined : canonicalLogin(name);
  const at = login?.lastIndexOf('@') ?? -1;
  return at < 1 ? undefined : login?.slice(at + 1);
};
