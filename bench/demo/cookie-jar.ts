export interface CookieJar {
  /** Takes in the `Set-Cookie` lines of an answer from `url`. */
  store(url: URL, lines: readonly string[]): void;
  /** The `Cookie` header for `url`; undefined when there is nothing to send. */
  headerFor(url: URL): string | undefined;
}

interface Cookie {
  readonly host: string;
  readonly path: string;
  readonly name: string;
  readonly value: string;
}

/** Cookies of one browser (RFC 6265), as far as host-only cookies on one machine need it. */
export const createCookieJar = (): CookieJar => {
  const cookies = new Map<string, Cookie>();
  return {
    store: (url, lines) => {
      for (const line of lines) {
        const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
        const split = pair.indexOf('=');
        const attribute = (name: string): string | undefined =>
          attributes.find((text) => text.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
        const path = attribute('path') ?? defaultPath(url);
        const cookie = { host: url.hostname, path, name: pair.slice(0, split), value: pair.slice(split + 1) };
        const key = `${cookie.host} ${path} ${cookie.name}`;
        if (isGone(attribute('max-age'), attribute('expires'))) cookies.delete(key);
        else cookies.set(key, cookie);
      }
    },
    headerFor: (url) => {
      const fitting = [...cookies.values()]
        .filter(({ host, path }) => host === url.hostname && isBelow(url.pathname, path))
        .sort((one, other) => other.path.length - one.path.length);
      return fitting.length === 0
        ? undefined
        : fitting.map(({ name, value }) => `${name}=${value}`).join('; ');
    },
  };
};

/** RFC 6265 section 5.1.4. */
const defaultPath = ({ pathname }: URL): string => pathname.slice(0, pathname.lastIndexOf('/')) || '/';

const isBelow = (pathname: string, path: string): boolean =>
  pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);

const isGone = (maxAge: string | undefined, expires: string | undefined): boolean =>
  maxAge === undefined ? expires !== undefined && Date.parse(expires) <= Date.now() : Number(maxAge) <= 0;
