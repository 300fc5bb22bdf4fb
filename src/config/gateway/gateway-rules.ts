import { isLoopbackHost } from '../../protocol/loopback.ts';
import type { PathFault } from '../parsing/fault.ts';
import { unique } from '../parsing/name-references.ts';
import { checkAccessRules } from './access-rule-checks.ts';
import type { GatewayFile, ServiceFile } from './gateway-schema.ts';
import { findOwnPath, handOverPath, isBelowDomain } from './service-paths.ts';

/** The addresses of the server, which the gateway's settings must not collide with. */
export interface ServerAddresses {
  readonly publicUrl: string;
  /** The address that the server listens on. */
  readonly host: string;
  readonly port: number;
}

/** The rules between the keys of `gateway` and those of the server. Paths begin at `gateway`. */
export const checkGateway = (file: GatewayFile, server: ServerAddresses): readonly PathFault[] => [
  ...checkEnabled(file, server),
  ...checkCookieDomain(file, server),
  ...checkLives(file),
  ...checkServices(file.services, server),
];

const checkEnabled = (
  { enabled }: GatewayFile,
  { publicUrl, host }: ServerAddresses,
): readonly PathFault[] => {
  if (enabled || (isLoopbackHost(host) && isLoopbackHost(new URL(publicUrl).hostname))) return [];
  return [
    {
      path: ['enabled'],
      message:
        'is false, which lets everybody in as an anonymous user, but others than this machine can reach the server; write true, or for a first try server.host: 127.0.0.1 and a server.publicUrl such as http://localhost:3000',
    },
  ];
};

const checkCookieDomain = (
  { cookieDomain, services }: GatewayFile,
  { publicUrl }: ServerAddresses,
): readonly PathFault[] => {
  if (cookieDomain === undefined) return [];
  const { host: publicHost } = new URL(publicUrl);
  const outside = [publicHost, ...services.flatMap(({ host = [] }) => host)].filter(
    (host) => !isBelowDomain(host, cookieDomain),
  );
  const [first] = outside;
  if (first === undefined) return [];
  return [
    {
      path: ['cookieDomain'],
      message: `is no parent of ${first}, whose browsers would refuse the cookie; write a domain that the public URL and all services lie below, or remove the line: each host then gets a cookie of its own`,
    },
  ];
};

const checkLives = ({ sessionIdle, sessionAbsolute }: GatewayFile): readonly PathFault[] =>
  sessionIdle <= sessionAbsolute
    ? []
    : [
        {
          path: ['sessionIdle'],
          message: 'is longer than sessionAbsolute, which ends every session; write at most that',
        },
      ];

const checkServices = (services: readonly ServiceFile[], server: ServerAddresses): readonly PathFault[] => {
  const names = services.map(({ name }) => name);
  const places = services.map((service) => placeOf(service, server.publicUrl));
  return services.flatMap((service, index) =>
    [
      ...unique(names, index, 'name'),
      ...checkPlace(service, server),
      ...checkUnique(service, places, index),
      ...checkTarget(service, server),
      ...checkTenants(service),
      ...checkLetterCase(service),
      ...checkStrippedPaths(service),
      ...within('rules', checkAccessRules(service.rules)),
    ].map((fault) => ({ ...fault, path: ['services', index, ...fault.path] })),
  );
};

const within = (key: string, faults: readonly PathFault[]): readonly PathFault[] =>
  faults.map((fault) => ({ ...fault, path: [key, ...fault.path] }));

const isPublicHost = ({ host }: ServiceFile, publicUrl: string): boolean => {
  const { protocol, host: publicHost } = new URL(publicUrl);
  return host === undefined || new URL(`${protocol}//${host}`).host === publicHost;
};

const placeOf = (service: ServiceFile, publicUrl: string): string => {
  const { protocol, host: publicHost } = new URL(publicUrl);
  const host = isPublicHost(service, publicUrl) ? publicHost : new URL(`${protocol}//${service.host}`).host;
  // small letters, because a service may not distinguish them from capital ones
  return `${host}${(service.prefix ?? '').toLowerCase()}`;
};

const checkPlace = (service: ServiceFile, { publicUrl }: ServerAddresses): readonly PathFault[] => {
  const { host, prefix, stripPrefix } = service;
  if (host === undefined && prefix === undefined)
    return [{ path: ['host'], message: 'is missing; write a host, a prefix such as /orders, or both' }];
  const isPublic = isPublicHost(service, publicUrl);
  if (prefix === undefined) {
    const faults: PathFault[] = [];
    if (isPublic)
      faults.push({
        path: ['host'],
        message: 'is the host of Drawbridge itself; write another, or a prefix as well, such as /orders',
      });
    if (stripPrefix)
      faults.push({
        path: ['stripPrefix'],
        message: 'is of no use without a prefix; remove it, or write one',
      });
    return faults;
  }
  const own = isPublic ? findOwnPath(prefix) : isHandOver(prefix) ? handOverPath : undefined;
  if (own === undefined) return [];
  return [
    {
      path: ['prefix'],
      message: `is, or lies below, ${own}, which is Drawbridge's own; write another prefix`,
    },
  ];
};

const isHandOver = (prefix: string): boolean => `${prefix.toLowerCase()}/`.startsWith(`${handOverPath}/`);

const checkUnique = (
  { host, prefix }: ServiceFile,
  places: readonly string[],
  index: number,
): readonly PathFault[] => {
  if (host === undefined && prefix === undefined) return [];
  return places.indexOf(places[index] ?? '') === index
    ? []
    : [
        {
          path: [prefix === undefined ? 'host' : 'prefix'],
          message: 'leads to a service above; write another host or prefix',
        },
      ];
};

const checkTarget = ({ target }: ServiceFile, server: ServerAddresses): readonly PathFault[] => {
  if (target === undefined) return [];
  const written = typeof target === 'string' ? target : target.url;
  const path = typeof target === 'string' ? ['target'] : ['target', 'url'];
  const url = new URL(written);
  const faults: PathFault[] = [];
  if (isItself(url, server))
    faults.push({
      path,
      message: 'is Drawbridge itself, and requests would go in circles; write the service',
    });
  if (typeof target !== 'string' && target.tls !== undefined && url.protocol === 'http:')
    faults.push({
      path: ['target', 'tls'],
      atKey: true,
      message: 'is of no use with http; write https:// in url, or remove it',
    });
  return faults;
};

const isItself = (
  { origin, protocol, hostname, port }: URL,
  { publicUrl, ...listener }: ServerAddresses,
): boolean =>
  origin === publicUrl ||
  (protocol === 'http:' && isLoopbackHost(hostname) && Number(port || 80) === listener.port);

const checkTenants = ({ tenants, rules }: ServiceFile): readonly PathFault[] =>
  rules.flatMap((rule, index) =>
    (rule.tenants ?? []).flatMap((tenant, place) =>
      tenants === 'all' || tenants.includes(tenant)
        ? []
        : [
            {
              path: ['rules', index, 'tenants', place],
              message: 'is no tenant of this service; add it to the tenants of the service, or remove it',
            },
          ],
    ),
  );

const checkLetterCase = ({ caseSensitive, ignoreCase }: ServiceFile): readonly PathFault[] =>
  caseSensitive && ignoreCase
    ? [
        {
          path: ['caseSensitive'],
          message: 'contradicts ignoreCase: true; remove the one that is not true of the service',
        },
      ]
    : [];

/** Such a rule would not match the paths that it was written for, and the next rule could allow every request. */
const checkStrippedPaths = ({ prefix, stripPrefix, rules }: ServiceFile): readonly PathFault[] => {
  if (!stripPrefix || prefix === undefined) return [];
  return rules.flatMap((rule, index) =>
    (rule.paths ?? []).flatMap((path, place) =>
      path === prefix || path.startsWith(`${prefix}/`)
        ? [
            {
              path: ['rules', index, 'paths', place],
              message: `begins with the prefix, which is stripped before rules are asked; write ${path.slice(prefix.length) || '/'}`,
            },
          ]
        : [],
    ),
  );
};
