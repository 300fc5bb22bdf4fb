import type { IsSecureHost } from '../web/request-checks.ts';
import { derivedValue } from './derived-value.ts';

/** The hosts of all public URLs: the server's and those of its tenants. */
export interface PublicHosts {
  /** The server's own comes first. */
  readonly all: () => ReadonlySet<string>;
  readonly isSecure: IsSecureHost;
}

/** Computed again only when a tenant's own URL was added or removed. */
export const createPublicHosts = (publicUrl: string, tenantUrls: () => ReadonlySet<string>): PublicHosts => {
  const own = new URL(publicUrl);
  const learn = derivedValue(tenantUrls, (urls) => {
    const parsed = [own, ...[...urls].map((url) => new URL(url))];
    const byHost = new Map(parsed.map((url) => [url.host, url]));
    return { byHost, hosts: new Set(byHost.keys()) };
  });
  return {
    all: () => learn().hosts,
    // services have the scheme of the server
    isSecure: (host) => (learn().byHost.get(host) ?? own).protocol === 'https:',
  };
};
