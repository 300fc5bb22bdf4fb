import { domainOfLogin } from '../../protocol/canonical-login.ts';
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
    domainsOf(users).length > 0;
  return isSaid
    ? []
    : believedSources(sources).map(
        ({ others, local }) =>
          `no source lists an e-mail domain: ${others} can give people verified addresses in the domains of local users; add their domains to trustedEmailDomains of the source ${local}`,
      );
};

/** The same for the domain of one local user, where no list has it. */
export const withoutEmailDomain = (
  { sources, users }: Pick<TenantDefinition, 'sources' | 'users'>,
  email: string,
): readonly string[] => {
  const domain = domainOfLogin(email) ?? '';
  const isSaid =
    sources.some((source) => [...source.domains, ...source.trustedEmailDomains].includes(domain)) ||
    domainsOf(users).includes(domain);
  return isSaid
    ? []
    : believedSources(sources).map(
        ({ others, local }) =>
          `no source lists ${domain}: ${others} can give people verified addresses there; add it to trustedEmailDomains of the source ${local}`,
      );
};

const domainsOf = (users: TenantDefinition['users']): readonly string[] =>
  users
    .flatMap(({ username, email }) => [domainOfLogin(username), domainOfLogin(email)])
    .filter((domain) => domain !== undefined);

/** One entry, or none where there are no local users or no others. */
const believedSources = (
  sources: readonly SourceDefinition[],
): readonly { readonly others: string; readonly local: string }[] => {
  const local = sources.find(({ type }) => type === 'local')?.id;
  const others = sources.filter(saysVerified).map(({ id }) => id);
  return local === undefined || others.length === 0 ? [] : [{ others: others.join(', '), local }];
};

/** A directory does not, and a source that only accepts tokens makes no accounts. */
const saysVerified = (source: SourceDefinition): boolean =>
  source.type === 'http' ||
  ((source.type === 'oidc' || source.type === 'oauth2') && source.clientId !== undefined);
