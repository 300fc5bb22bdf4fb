import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { foldCase } from './letter-case.ts';
import { type ReadPath, readPath, withoutAuthority } from './path-readings.ts';

export interface PlacedService {
  readonly service: ServiceDefinition;
  /** The requested path, byte by byte where its prefix allows it; `forwardPath` makes of it the path for the service. */
  readonly asSent: string;
  /** As the service sees them, for `judge`. */
  readonly readings: readonly string[];
}

/** The service and the path of a request. */
export type Placed =
  | PlacedService
  /** The path cannot be judged: 400. */
  | { readonly service?: never; readonly description: string };

export interface Services {
  /**
   * The service of a path by itself; `place` is for requests.
   * @param host small letters, port only if it is not the scheme's own
   */
  find(host: string, canonicalPath: string): ServiceDefinition | undefined;
  /**
   * @param path as it was sent, undecoded, without query
   * @returns undefined when no service has it
   */
  place(host: string, path: string): Placed | undefined;
  /** Hosts of services, without the host of the public URL. */
  readonly hosts: ReadonlySet<string>;
  /** Is the request for a service, and not for Drawbridge's own pages? True also when that cannot be excluded. */
  isServicePath(host: string, path: string): boolean;
  /** Scheme, host and port as browsers know them. */
  originOf(service: ServiceDefinition): string;
  byName(name: string): ServiceDefinition | undefined;
  readonly all: readonly ServiceDefinition[];
}

/** @param publicUrl of the server; services without a host use its host, and all services use its scheme */
export const createServices = (definitions: readonly ServiceDefinition[], publicUrl: string): Services => {
  const { protocol, host: publicHost } = new URL(publicUrl);
  const hostOf = ({ host }: ServiceDefinition): string => host ?? publicHost;
  const byHost = new Map<string, readonly ServiceDefinition[]>();
  // the longest prefix first
  for (const service of definitions.toSorted((one, other) => lengthOf(other) - lengthOf(one)))
    byHost.set(hostOf(service), [...(byHost.get(hostOf(service)) ?? []), service]);
  const names = new Map(definitions.map((service) => [service.name, service]));

  const find: Services['find'] = (host, path) =>
    byHost
      .get(host)
      ?.find(({ prefix, ignoreCase }) =>
        ignoreCase ? isBelow(path.toLowerCase(), prefix?.toLowerCase()) : isBelow(path, prefix),
      );
  /** The service that gets the path may take it for that of another one, whose rules would be bypassed. */
  const mayBeOfOther = (host: string, path: string, service: ServiceDefinition): boolean => {
    if (service.caseSensitive) return false;
    const folded = foldCase(path);
    return byHost.get(host)?.find(({ prefix }) => isBelow(folded, prefix?.toLowerCase())) !== service;
  };

  return {
    find,
    place: (host, path) => {
      if (!byHost.has(host)) return undefined;
      const read = readPath(path);
      if (read === undefined) return { description: 'The path holds what cannot be judged.' };
      const service = find(host, read.canonical);
      const isAmbiguous = read.readings.some(
        (reading) =>
          find(host, reading) !== service || (service !== undefined && mayBeOfOther(host, reading, service)),
      );
      if (isAmbiguous) return { description: 'The path can be read as that of different services.' };
      return service === undefined ? undefined : { service, ...asSeenBy(service, path, read) };
    },
    hosts: new Set([...byHost.keys()].filter((host) => host !== publicHost)),
    isServicePath: (host, path) => {
      if (host !== publicHost) return byHost.has(host);
      if (!byHost.has(host)) return false;
      return readPath(path)?.readings.some((reading) => find(host, reading) !== undefined) ?? false;
    },
    originOf: (service) => `${protocol}//${hostOf(service)}`,
    byName: (name) => names.get(name),
    all: definitions,
  };
};

/**
 * The path and search of the request to a service.
 * @param path `asSent` of `place`
 * @param search with its `?`, or empty
 */
export const forwardPath = (service: ServiceDefinition, path: string, search: string): string =>
  `${withoutPrefix(service, path)}${search}`;

const lengthOf = ({ prefix = '' }: ServiceDefinition): number => prefix.length;

const isBelow = (path: string, prefix: string | undefined): boolean =>
  prefix === undefined ||
  (path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/'));

/** All readings are judged, so the service may get the path as it came: `//` and escapes have a meaning for some. */
const asSeenBy = (service: ServiceDefinition, path: string, { canonical, readings }: ReadPath) => {
  const { prefix, ignoreCase, stripPrefix } = service;
  const hasPrefix = ignoreCase ? isBelow(path.toLowerCase(), prefix?.toLowerCase()) : isBelow(path, prefix);
  const seen = readings.map((reading) => withoutPrefix(service, reading));
  return {
    // a prefix with needless escapes could not be taken off
    asSent: hasPrefix || !stripPrefix ? path : canonical,
    readings: stripPrefix ? [...new Set([...seen, ...seen.map(withoutAuthority)])] : seen,
  };
};

const withoutPrefix = ({ prefix, stripPrefix }: ServiceDefinition, path: string): string => {
  if (!stripPrefix || prefix === undefined) return path;
  return path.slice(prefix.length) || '/';
};
