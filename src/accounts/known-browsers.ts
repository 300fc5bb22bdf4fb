// Browsers in which somebody has signed in with a password, as their cookie says.
import type { Clock } from '../clock.ts';
import { hmac, isEqualConstantTime, randomId } from '../crypto/ids.ts';

/** Seconds: so long without a sign-in, and the browser is like any other. */
export const knownBrowserTtl = 180 * 86_400;

/** People of one browser; with more of them the cookie would become too long for some proxies. */
const mostPeople = 5;

/** A name to sign in with, and whose it is: names go to somebody else. */
export interface OwnedName {
  /** Canonical. */
  readonly name: string;
  /** Of the account that is found by the name; undefined: none is, as with people of a directory. */
  readonly sub: string | undefined;
}

export interface KnownBrowsers {
  /**
   * The id of the browser for the person who signed in there with this name; undefined when nobody did, or it was somebody
   * else's then.
   * @param cookie as the browser sent it
   */
  find(cookie: string | undefined, name: OwnedName): string | undefined;
  /**
   * The value of the cookie after a sign-in.
   * @param names all of the person's, so that the browser is known by each
   */
  remember(cookie: string | undefined, names: readonly OwnedName[]): string;
}

export interface KnownBrowsersParts {
  readonly tenant: string;
  readonly key: Buffer;
  readonly clock: Clock;
}

/** What a cookie says of one person. */
interface Entry {
  /** Of the browser and the person. */
  readonly id: string;
  /** Epoch seconds of the last sign-in. */
  readonly at: number;
  /** The person's names, as tags that only this server can make: the cookie tells nobody who was here. */
  readonly tags: readonly string[];
}

/**
 * A name that strangers try is refused to strangers alone: in this browser the person has a limit of their own. The
 * cookie of one person is worth nothing for the names of another.
 */
export const createKnownBrowsers = ({ tenant, key, clock }: KnownBrowsersParts): KnownBrowsers => {
  const tagOf = ({ name, sub }: OwnedName): string =>
    hmac(key, 'name', tenant, name, ...(sub === undefined ? [] : [sub])).slice(0, 22);
  const signatureOf = ({ id, at, tags }: Entry): string =>
    hmac(key, 'entry', tenant, id, String(at), ...tags);
  const nowSeconds = (): number => Math.floor(clock.now() / 1000);

  const parse = (text: string): Entry | undefined => {
    const [id = '', at = '', signature = '', ...tags] = text.split('.');
    const entry = { id, at: Number(at), tags };
    const isOurs = isEqualConstantTime(signature, signatureOf(entry));
    return isOurs && nowSeconds() - entry.at < knownBrowserTtl ? entry : undefined;
  };

  const entriesOf = (cookie = ''): readonly Entry[] =>
    cookie
      .split('~', mostPeople)
      .map(parse)
      .filter((entry) => entry !== undefined);

  const findEntry = (entries: readonly Entry[], tags: readonly string[]): Entry | undefined =>
    entries.find((entry) => entry.tags.some((tag) => tags.includes(tag)));

  return {
    find: (cookie, name) =>
      cookie === undefined ? undefined : findEntry(entriesOf(cookie), [tagOf(name)])?.id,
    remember: (cookie, names) => {
      const entries = entriesOf(cookie);
      const tags = [...new Set(names.map(tagOf))];
      const earlier = findEntry(entries, tags);
      const entry = { id: earlier?.id ?? randomId(12), at: nowSeconds(), tags };
      return [entry, ...entries.filter((other) => other !== earlier)]
        .slice(0, mostPeople)
        .map((each) => [each.id, each.at, signatureOf(each), ...each.tags].join('.'))
        .join('~');
    },
  };
};
