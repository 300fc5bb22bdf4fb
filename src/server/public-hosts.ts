import type { IsSecureHost } from '../web/request-checks.ts';
import { derivedValue } from './derived-value.ts';

/** The hosts of all public URLs: the server's, those of its tenants, and that of the endpoint aliases. */
export interface PublicHosts {
  /** The server's own comes first. */
  readonly all: () => ReadonlySet<string>;
  readonly isSecure: IsSecureHost;
  /** Is it the host of the endpoint aliases alone (`endpoint-aliases.ts`)? */
  readonly isAlias: (host: string) => boolean;
}

export interface OwnUrls {
  readonly publicUrl: string;
  readonly aliasUrl?: string | undefined;
}

/** Computed again only when a tenant's own URL was added or removed. */
export const createPublicHosts = (
  { publicUrl, aliasUrl }: OwnUrls,
  tenantUrls: () => ReadonlySet<string>,
): PublicHosts => {
  const own = new URL(publicUrl);
  const alias = aliasUrl === undefined ? undefined : new URL(aliasUrl);
  const learn = derivedValue(tenantUrls, (urls) => {
    const parsed = [own, ...[...urls].map((url) => new URL(url))];
    const byHost = new Map(parsed.map((url) => [url.host, url]));
    const hasAlias = alias !== undefined && !byHost.has(alias.host);
    if (hasAlias) byHost.set(alias.host, alias);
    return { byHost, hosts: new Set(byHost.keys()), hasAlias };
  });
  return {
    all: () => learn().hosts,
    // services have the scheme of the server
    isSecure: (host) => (learn().byHost.get(host) ?? own).protocol === 'https:',
    isAlias: (host) => host === alias?.host && learn().hasAlias,
  };
};
