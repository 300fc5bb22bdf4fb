import { isIPv6 } from 'node:net';

/** What a `Host` names, in one spelling: equal ones become the same text (RFC 9110 section 4.2.3). */
export interface Authority {
  /** Small letters; IPv6 in brackets, in the form of RFC 5952. */
  readonly host: string;
  readonly port?: string;
}

const form = /^(?:((?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+)|\[([0-9a-f:.]+)\])(?::(\d{0,5}))?$/i;

/**
 * Undefined when it is none. A dot at the end stays: browsers keep cookies of `a.example.` apart from those of `a.example`.
 */
export const parseAuthority = (text: string): Authority | undefined => {
  const [, name, ipv6, port = ''] = form.exec(text) ?? [];
  const host = name === undefined ? normalIpv6(ipv6) : normalName(name);
  if (host === undefined) return undefined;
  return port === '' ? { host } : { host, port };
};

/**
 * As `URL.host` gives it: without the port of the scheme. What is no authority stays as it is, in small letters.
 * @param scheme with or without a colon; one that is not known has no port of its own
 */
export const normalAuthority = (text: string, scheme: string): string => {
  const authority = parseAuthority(text);
  return authority === undefined ? text.toLowerCase() : formatAuthority(authority, scheme);
};

export const formatAuthority = ({ host, port }: Authority, scheme: string): string =>
  port === undefined || port === portOf[scheme.replace(':', '')] ? host : `${host}:${port}`;

/** An `Origin` in the form of `URL.origin`; undefined when it is `null` or not of http or https. */
export const normalOrigin = (origin: string): string | undefined => {
  const [, scheme = '', text = ''] = /^(https?):\/\/(.+)$/i.exec(origin) ?? [];
  const authority = parseAuthority(text);
  return authority && `${scheme.toLowerCase()}://${formatAuthority(authority, scheme.toLowerCase())}`;
};

const portOf: Readonly<Record<string, string>> = { https: '443', wss: '443', http: '80', ws: '80' };

const normalIpv6 = (address: string | undefined): string | undefined =>
  address !== undefined && isIPv6(address) ? new URL(`http://[${address}]`).hostname : undefined;

/** RFC 3986 section 6.2.2: small letters, and no escapes of letters, digits and `-._~`. */
const normalName = (name: string): string => {
  if (!name.includes('%')) return name.toLowerCase();
  return name
    .replace(/%[0-9a-f]{2}/gi, (octet) => {
      const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16));
      return /[a-z0-9._~-]/i.test(character) ? character : octet;
    })
    .toLowerCase();
};
