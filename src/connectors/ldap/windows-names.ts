// What people of Active Directory type: name, DOMAIN\name, name@domain. The filter of a source finds the first and the
// last; the one with the domain in front is understood here.
import { isAppError } from '../../errors.ts';
import type { LdapConnection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { normalizeDn } from './distinguished-name.ts';
import { has, hasEntry } from './filters.ts';
import type { LdapSourceParts } from './ldap-source-parts.ts';

interface WindowsName {
  readonly domain: string;
  readonly name: string;
}

const splitWindowsName = (login: string): WindowsName | undefined => {
  const [, domain = '', name = ''] = /^([^\\@\s]+)\\([^\\]+)$/.exec(login) ?? [];
  return name === '' ? undefined : { domain: domain.toLowerCase(), name };
};

/** `dc=ad,dc=example,dc=org` is the domain `ad.example.org`. */
const dnsNameOf = (base: string): string =>
  normalizeDn(base)
    .split('\n')
    .filter((part) => part.startsWith('dc='))
    .map((part) => part.slice('dc='.length))
    .join('.');

/**
 * The name under which attempts at one account are counted, however its domain is written. It is not asked whether the
 * domain is this one, so that other domains in front of a name give no further attempts.
 */
export const nameWithoutDomain = (login: string, searchBase: string): string => {
  const { name } = splitWindowsName(login) ?? {};
  if (name !== undefined) return name;
  const at = login.lastIndexOf('@');
  return at > 0 && login.slice(at + 1).toLowerCase() === dnsNameOf(searchBase) ? login.slice(0, at) : login;
};

/** The name to search for: without the domain in front, when that is a domain of this source. */
export type FindWindowsName = (login: string, deadline: Deadline) => Promise<string>;

/** Milliseconds after a refusal of the directory: it may be mended while the server runs. */
const retryMs = 60_000;

/** @throws AppError `unavailable` when the domain has to be asked for its name and does not answer */
export const createFindWindowsName = (parts: LdapSourceParts): FindWindowsName => {
  const { source, directory, log, clock } = parts;
  let known: Promise<ReadonlySet<string>> | undefined;
  let knownUntilMs = Number.POSITIVE_INFINITY;

  const ask = async (deadline: Deadline): Promise<ReadonlySet<string>> => {
    const own = dnsNameOf(source.search.base);
    if (source.netbiosName !== undefined) return new Set([source.netbiosName.toLowerCase(), own]);
    if (source.bind.as === 'person') return new Set([own]);
    try {
      const names = await directory.use('service', {
        isRepeatable: true,
        deadline,
        work: (connection) => readDomainNames(connection, source.search.base, deadline),
      });
      return new Set([...names, own]);
    } catch (error) {
      if (!isAppError(error) || !error.isLasting) throw error;
      knownUntilMs = clock.now() + retryMs;
      log.warn(
        { err: error },
        'the NetBIOS name of the domain cannot be read: set netbiosName of the source',
      );
      return new Set([own]);
    }
  };

  return async (login, deadline) => {
    const split = source.kind === 'active-directory' ? splitWindowsName(login) : undefined;
    if (split === undefined) return login;
    if (clock.now() >= knownUntilMs) {
      known = undefined;
      knownUntilMs = Number.POSITIVE_INFINITY;
    }
    known ??= ask(deadline).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return (await known).has(split.domain) ? split.name : login;
  };
};

/** [MS-ADTS] section 6.1.1.2.1.1: each domain has an entry with its names. */
const readDomainNames = async (
  connection: LdapConnection,
  base: string,
  deadline: Deadline,
): Promise<readonly string[]> => {
  const [root] = await connection.search(
    {
      base: '',
      scope: 'base',
      filter: hasEntry,
      attributes: ['configurationNamingContext'],
      sizeLimit: 1,
    },
    deadline,
  );
  const [configuration] = root?.texts('configurationNamingContext') ?? [];
  if (configuration === undefined) return [];
  const domains = await connection.search(
    {
      base: `CN=Partitions,${configuration}`,
      scope: 'one',
      filter: has('nETBIOSName'),
      attributes: ['nCName', 'nETBIOSName', 'dnsRoot'],
    },
    deadline,
  );
  return domains
    .filter((domain) => domain.texts('nCName').some((name) => isAboveOrBelow(name, base)))
    .flatMap((domain) => [...domain.texts('nETBIOSName'), ...domain.texts('dnsRoot')])
    .map((name) => name.toLowerCase());
};

const isAboveOrBelow = (first: string, second: string): boolean => {
  const [a, b] = [`\n${normalizeDn(first)}`, `\n${normalizeDn(second)}`];
  return a.endsWith(b) || b.endsWith(a);
};
