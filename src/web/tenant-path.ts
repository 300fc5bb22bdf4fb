import { tenantIdPattern } from '../protocol/tenant-id.ts';

export interface TenantPath {
  readonly tenant: string;
  /** What follows `/oauth/<tenant>` in the path: empty, or begins with a slash. */
  readonly rest: string;
  /** The query with its `?`, or empty. */
  readonly search: string;
}

// Whatever a proxy in front and the router behind might read differently: encoded slashes, backslashes, dots and
// NULs, matrix parameters, empty and dot segments.
const ambiguous = /%2f|%5c|%2e|%00|[\\;]|\/\/|\/\.{1,2}(?:\/|$)/i;

const tenantPath = new RegExp(`^/oauth/(${tenantIdPattern})(/.*)?$`);

/**
 * The one place that takes a tenant out of a request target; undefined means 404. Reserved ids are no concern here:
 * no tenant can be called so.
 */
export const parseTenantPath = (url: string): TenantPath | undefined => {
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const match = tenantPath.exec(path);
  if (match === null || ambiguous.test(path)) return undefined;
  const [, tenant = '', rest = ''] = match;
  return { tenant, rest, search: queryAt < 0 ? '' : url.slice(queryAt) };
};
