// RFC 5321 section 4.5.3.1, RFC 5322 section 3.4.1: dot-atoms of ASCII only, which rules out quotes, comments, lists,
// line breaks and names that only look alike.
const atom = String.raw`[A-Za-z0-9!#$%&'*+/=?^_\x60{|}~-]+`;
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const form = new RegExp(String.raw`^(?=.{1,254}$)(?=.{1,64}@)${atom}(?:\.${atom})*@${label}(?:\.${label})*$`);

/** Is this one plain e-mail address, with only one possible reading? */
export const isAcceptableEmail = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 254 && form.test(value);
