import type { TenantDefinition } from '../tenant/tenant-definition.ts';
import type { SourceDefinition } from './source-definition.ts';

/**
 * A warning where the file does not say which e-mail domains are the tenant's: its local users are in the store, and a
 * source that says `email_verified` by itself is then believed for each domain that they have addresses in.
 */
export const withoutEmailDomains = ({
  sources,
  users,
}: Pick<TenantDefinition, 'sources' | 'users'>): readonly string[] => {
  const isSaid =
    sources.some(({ domains, trustedEmailDomains }) => domains.length + trustedEmailDomains.length > 0) ||
    users.some(({ username, email = username }) => email.includes('@'));
  const local = sources.find(({ type }) => type === 'local');
  const others = sources.filter(saysVerified).map(({ id }) => id);
  return isSaid || local === undefined || others.length === 0
    ? []
    : [
        `no source lists an e-mail domain: ${others.join(', ')} can give people verified addresses in the domains of local users; add their domains to trustedEmailDomains of the source ${local.id}`,
      ];
};

/** A directory does not, and a source that only accepts tokens makes no accounts. */
const saysVerified = (source: SourceDefinition): boolean =>
  source.type === 'http' ||
  ((source.type === 'oidc' || source.type === 'oauth2') && source.clientId !== undefined);
