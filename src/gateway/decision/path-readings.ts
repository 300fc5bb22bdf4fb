/** A path, with all readings that proxies and services may have of it. */
export interface ReadPath {
  /** Needless escapes decoded, slashes merged, dot segments resolved: for the choice of the service. */
  readonly canonical: string;
  /** All readings that a service could have. Never empty; only the path itself when it has one reading. */
  readonly readings: readonly string[];
}

const longest = 8192;
/** Real paths have few readings; a hostile path with many would cost time. */
const mostReadings = 32;
/** RFC 3986 section 3.3 without escapes, parameters, empty and dot segments. */
const plain = /^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;
/** RFC 3986 section 2.3. */
const unreserved = /^[A-Za-z0-9._~-]$/;

/**
 * Reads a path as proxies and services do, which do not agree on escapes, parameters, dots and doubled slashes: a
 * rule that checks one reading only can be bypassed.
 * @param path as it was sent, without query
 * @returns undefined when it cannot be judged: not ASCII, bad escapes, escapes that are no UTF-8, controls, backslashes,
 *   far too many readings
 */
export const readPath = (path: string): ReadPath | undefined => {
  if (plain.test(path) && path.length <= longest && path !== '') return { canonical: path, readings: [path] };
  const sent = spell(path);
  if (sent === undefined) return undefined;
  const canonical = resolveDots(mergeSlashes(sent));
  const seen = new Set([canonical, sent]);
  // the loop over a Set includes the elements that are added to it meanwhile
  for (const one of seen) {
    for (const read of interpretations) seen.add(read(one));
    if (seen.size > mostReadings) return undefined;
  }
  const readings = [...seen].filter((one) => one === sent || !hasDots(one));
  return { canonical, readings };
};

/** One spelling for equivalent paths of RFC 3986 section 6.2.2; undefined when the path is ambiguous. */
const spell = (path: string): string | undefined => {
  if (path.length > longest || !/^\/[\x21-\x7E]*$/.test(path) || /[\\#?]/.test(path)) return undefined;
  // some programs read overlong or broken UTF-8, and invalid escapes, as dots and slashes
  if (!isUtf8(path) || /%(?:[01][0-9A-F]|5C|7F)/i.test(path)) return undefined;
  return path.replace(/%[0-9A-F]{2}/gi, (octet) => {
    const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16));
    return unreserved.test(character) ? character : octet.toUpperCase();
  });
};

const isUtf8 = (path: string): boolean => {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
};

const mergeSlashes = (path: string): string => path.replace(/\/{2,}/g, '/');

const hasDots = (path: string): boolean => /\/\.\.?(?:\/|$)/.test(path);

/** RFC 3986 section 5.2.4. */
const resolveDots = (path: string): string => {
  if (!hasDots(path)) return path;
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..';
    if (segment === '..') kept.pop();
    if (!isDots) kept.push(segment);
    else if (index === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
};

/** Servlet containers remove `;jsessionid=…` from each segment, some before they resolve dots and some after. */
const dropParameters = (path: string): string => path.replace(/;[^/]*/g, '');

const decodeSlashes = (path: string): string => path.replace(/%2F/g, '/').replace(/%3B/g, ';');

/** Two programs in a row may both decode. Many read a backslash as a slash. */
const decodeAgain = (path: string): string => {
  const decoded = path.replace(/%25([2-7][0-9A-F])/gi, (_, hidden: string) => {
    const character = String.fromCharCode(Number.parseInt(hidden, 16));
    if (character === '\\') return '/';
    return unreserved.test(character) ? character : `%${hidden.toUpperCase()}`;
  });
  const withLetters = decoded.replace(/(?:%25[89A-F][0-9A-F])+/gi, (octets) =>
    octets.replaceAll('%25', '%').toUpperCase(),
  );
  return isUtf8(withLetters) ? withLetters : decoded;
};

/** A program that decodes before it parses reads the rest as a query or a fragment. */
const cutQuery = (path: string): string => path.replace(/%(?:3F|23).*/, '');

/** What begins with two slashes is a reference with a host for URL parsers (RFC 3986 section 4.2). */
export const withoutAuthority = (path: string): string =>
  path.startsWith('//') ? path.replace(/^\/\/[^/]*/, '') || '/' : path;

const interpretations = [
  mergeSlashes,
  resolveDots,
  dropParameters,
  decodeSlashes,
  decodeAgain,
  cutQuery,
  withoutAuthority,
];
