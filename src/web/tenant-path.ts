import { tenantIdPattern } from '../protocol/tenant-id.ts';

// Whatever a proxy in front and the router behind might read differently: encoded slashes, backslashes, dots and
// NULs, matrix parameters, empty and dot segments.
const ambiguous = /%2f|%5c|%2e|%00|[\\;]|\/\/|\/\.{1,2}(?:\/|$)/i;

const tenantPath = new RegExp(`^/oauth/(${tenantIdPattern})(?:/.*)?$`);

/** Could a proxy read another path than this server does? Below a tenant that is refused. */
export const isAmbiguousPath = (path: string): boolean => ambiguous.test(path);

/**
 * The id of the tenant in the path of an issuer or of an address below it; undefined when there is none. Reserved ids are
 * no concern here: no tenant can be called so.
 */
export const findTenantId = (path: string): string | undefined =>
  isAmbiguousPath(path) ? undefined : tenantPath.exec(path)?.[1];
