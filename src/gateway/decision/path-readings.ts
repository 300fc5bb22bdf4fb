/** A path, and all that it may mean to whoever reads it. */
export interface ReadPath {
  /** Needless escapes decoded, slashes merged, dot segments resolved: what is passed on. */
  readonly canonical: string;
  /** What a service might make of it. Never empty; just the path, where there is nothing to read differently. */
  readonly readings: readonly string[];
}

const longest = 8192;
/** Honest paths have a handful of readings; those made to have more cost time. */
const mostReadings = 32;
/** RFC 3986 section 3.3 without escapes, parameters, empty and dot segments. */
const plain = /^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;
/** RFC 3986 section 2.3. */
const unreserved = /^[A-Za-z0-9._~-]$/;

/**
 * Reads a path as proxies and services do, which do not agree on escapes, parameters, dots and doubled slashes: a
 * rule that is asked about one reading only can be got around.
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
  // the walk over a Set also meets what is added to it meanwhile
  for (const one of seen) {
    for (const read of interpretations) seen.add(read(one));
    if (seen.size > mostReadings) return undefined;
  }
  const readings = [...seen].filter((one) => one === sent || !hasDots(one));
  return { canonical, readings };
};

/** One spelling for what is the same by RFC 3986 section 6.2.2; undefined when nobody could say what is meant. */
const spell = (path: string): string | undefined => {
  if (path.length > longest || !/^\/[\x21-\x7E]*$/.test(path) || /[\\#?]/.test(path)) return undefined;
  // overlong and broken UTF-8, and escapes that are none, are read by some as dots and slashes
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

/** Servlet containers take `;jsessionid=…` off each segment, some before they resolve dots and some after. */
const dropParameters = (path: string): string => path.replace(/;[^/]*/g, '');

const decodeSlashes = (path: string): string => path.replace(/%2F/g, '/').replace(/%3B/g, ';');

/** Two programs in a row that both decode. A backslash is a slash to many. */
const decodeAgain = (path: string): string =>
  path.replace(/%25([2-7][0-9A-F])/gi, (_, hidden: string) => {
    const character = String.fromCharCode(Number.parseInt(hidden, 16));
    if (character === '\\') return '/';
    return unreserved.test(character) ? character : `%${hidden.toUpperCase()}`;
  });

/** Who decodes before parsing takes the rest for a query or a fragment. */
const cutQuery = (path: string): string => path.replace(/%(?:3F|23).*/, '');

const interpretations = [mergeSlashes, resolveDots, dropParameters, decodeSlashes, decodeAgain, cutQuery];
