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
  const learn = derivedValue(tenantUrls, (urls) => {
    const byHost = new Map([publicUrl, ...urls].map((url) => [new URL(url).host, new URL(url)]));
    return { byHost, hosts: new Set(byHost.keys()) };
  });
  return {
    all: () => learn().hosts,
    // services have the scheme of the server
    isSecure: (host) => (learn().byHost.get(host) ?? new URL(publicUrl)).protocol === 'https:',
  };
};
