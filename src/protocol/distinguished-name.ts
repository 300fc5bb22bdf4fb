/**
 * A name of RFC 4514 in the form that is compared: one text for each relative name, the most specific first. In it the types of
 * attributes are object identifiers, and the values of one relative name are in no order.
 */
export type DistinguishedName = readonly string[];

export type ReadName =
  | { readonly ok: true; readonly value: DistinguishedName }
  | { readonly ok: false; readonly message: string };

/** RFC 4514 section 3, RFC 4519, and the names of openssl for what certificates have; in small letters. */
const types: Readonly<Record<string, string>> = {
  cn: '2.5.4.3',
  commonname: '2.5.4.3',
  sn: '2.5.4.4',
  surname: '2.5.4.4',
  serialnumber: '2.5.4.5',
  c: '2.5.4.6',
  countryname: '2.5.4.6',
  l: '2.5.4.7',
  localityname: '2.5.4.7',
  st: '2.5.4.8',
  stateorprovincename: '2.5.4.8',
  street: '2.5.4.9',
  streetaddress: '2.5.4.9',
  o: '2.5.4.10',
  organizationname: '2.5.4.10',
  ou: '2.5.4.11',
  organizationalunitname: '2.5.4.11',
  title: '2.5.4.12',
  description: '2.5.4.13',
  businesscategory: '2.5.4.15',
  postalcode: '2.5.4.17',
  name: '2.5.4.41',
  gn: '2.5.4.42',
  givenname: '2.5.4.42',
  initials: '2.5.4.43',
  generationqualifier: '2.5.4.44',
  x500uniqueidentifier: '2.5.4.45',
  dnqualifier: '2.5.4.46',
  pseudonym: '2.5.4.65',
  organizationidentifier: '2.5.4.97',
  uid: '0.9.2342.19200300.100.1.1',
  userid: '0.9.2342.19200300.100.1.1',
  dc: '0.9.2342.19200300.100.1.25',
  domaincomponent: '0.9.2342.19200300.100.1.25',
  e: '1.2.840.113549.1.9.1',
  emailaddress: '1.2.840.113549.1.9.1',
  jurisdictionl: '1.3.6.1.4.1.311.60.2.1.1',
  jurisdictionst: '1.3.6.1.4.1.311.60.2.1.2',
  jurisdictionc: '1.3.6.1.4.1.311.60.2.1.3',
};

const typeForm = / *([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+) *= */y;
/** One character of a value, escaped or not, and no separator. */
const valuePart = /\\([0-9A-Fa-f]{2})|\\([ "#+,;<=>\\])|([^\\,+";<>\0])/uy;

/** What does not follow the grammar is refused: a name that is guessed could be that of another program. */
export const readDistinguishedName = (text: string): ReadName => {
  const names: string[][] = [[]];
  let at = 0;
  while (true) {
    typeForm.lastIndex = at;
    const [typed, type = ''] = typeForm.exec(text) ?? [];
    if (typed === undefined)
      return refuse(`cannot be read at ${JSON.stringify(text.slice(at, at + 20))}; ${example}`);
    const id = types[type.toLowerCase()] ?? (/^\d/.test(type) ? type : undefined);
    if (id === undefined)
      return refuse(
        `has the attribute ${type}, which is not known; write its object identifier, such as 2.5.4.3`,
      );
    const value = readValue(text, at + typed.length);
    if ('message' in value) return refuse(value.message);
    names.at(-1)?.push(JSON.stringify([id, value.value]));
    at = value.end;
    if (at === text.length) break;
    if (text[at] === ',') names.push([]);
    at += 1;
  }
  return { ok: true, value: names.map((one) => one.sort().join('+')) };
};

/** Values are compared exactly, letter case too. */
export const isSameName = (one: DistinguishedName, other: DistinguishedName): boolean =>
  one.length === other.length && one.every((part, index) => part === other[index]);

/**
 * The `subject` of Node's `X509Certificate`: one line for each relative name, the least specific first, with the escapes of
 * RFC 2253. A space before a plus is never within a value, where a plus is escaped.
 */
export const readSubject = (subject: string | undefined): ReadName =>
  readDistinguishedName((subject ?? '').split('\n').reverse().join(',').replaceAll(' + ', '+'));

const example = 'write it as: openssl x509 -noout -subject -nameopt RFC2253 -in <file>';

const readValue = (
  text: string,
  start: number,
): { readonly value: string; readonly end: number } | { readonly message: string } => {
  const bytes: Buffer[] = [];
  let end = start;
  let endsInSpace = false;
  if (text[start] === '#') return { message: 'has a value in hexadecimal (#…); write it as text' };
  while (end < text.length && text[end] !== ',' && text[end] !== '+') {
    valuePart.lastIndex = end;
    const [part, hex, escaped, plain] = valuePart.exec(text) ?? [];
    if (part === undefined)
      return {
        message: `has ${JSON.stringify(text.slice(end, end + 2))} unescaped or wrongly escaped; ${example}`,
      };
    bytes.push(hex === undefined ? Buffer.from(escaped ?? plain ?? '') : Buffer.from(hex, 'hex'));
    endsInSpace = plain === ' ';
    end += part.length;
  }
  if (end === start) return { message: `has an attribute without a value; ${example}` };
  if (endsInSpace) return { message: 'has a space at the end of a value; remove it, or write it as \\20' };
  try {
    const value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
    return value.includes('\0') ? { message: 'has a zero byte' } : { value, end };
  } catch {
    return { message: 'has escapes that are no UTF-8' };
  }
};

const refuse = (message: string): ReadName => ({ ok: false, message });
