import { tenantIdPattern } from '../protocol/tenant-id.ts';

// Parts of a path that a proxy and the router may read differently: encoded slashes, backslashes, dots and NULs,
// matrix parameters, empty and dot segments.
const ambiguous = /%2f|%5c|%2e|%00|[\\;]|\/\/|\/\.{1,2}(?:\/|$)/i;

const tenantPath = new RegExp(`^/oauth/(${tenantIdPattern})(?:/.*)?$`);

/** Could a proxy read another path than this server does? Below a tenant that is refused. */
export const isAmbiguousPath = (path: string): boolean => ambiguous.test(path);

/**
 * The id of the tenant in the path of an issuer or of an address below it; undefined when there is none. Reserved ids
 * need no check here: no tenant can have one.
 */
export const findTenantId = (path: string): string | undefined =>
  isAmbiguousPath(path) ? undefined : tenantPath.exec(path)?.[1];
