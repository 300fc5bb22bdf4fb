import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { Connector } from '../connectors/connector.ts';
import { definedOnly } from '../defined-only.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { SourceChoice } from './account-types.ts';

export interface Asked {
  readonly clientId?: string;
  readonly login?: string;
}

/** May people of this source sign in to this client? A source for certain clients is for nobody else. */
export const isForClient = ({ clients }: SourceDefinition, clientId: string | undefined): boolean =>
  clients === undefined || (clientId !== undefined && clients.includes(clientId));

/**
 * Those that are asked about a password, in order. A name in a domain that some source of the tenant claims goes
 * there and to the local list only, whether or not the client may use that source: a password is shown to no other
 * party than the one it belongs to. Once a source's passwords are being taken over, the local list decides first.
 */
export const passwordSourcesFor = (
  connectors: readonly Connector[],
  { clientId, login }: Asked,
): readonly Connector[] => {
  const domain = domainOf(login);
  const isClaimed = connectors.some(({ definition }) => claims(definition, domain));
  const chosen = connectors.filter(
    ({ definition, passwords }) =>
      passwords !== undefined &&
      isForClient(definition, clientId) &&
      (domain === undefined ||
        definition.type === 'local' ||
        (isClaimed ? claims(definition, domain) : definition.domains.length === 0)),
  );
  if (!chosen.some(({ definition }) => definition.adopt === 'takeover')) return chosen;
  const isLocal = ({ definition }: Connector): boolean => definition.type === 'local';
  return [...chosen.filter(isLocal), ...chosen.filter((connector) => !isLocal(connector))];
};

/** Home-realm discovery; says nothing about accounts, since it looks at none. */
export const chooseSources = (connectors: readonly Connector[], asked: Asked): SourceChoice => {
  const domain = domainOf(asked.login);
  const redirects = connectors.filter(
    ({ definition, redirect }) => redirect !== undefined && isForClient(definition, asked.clientId),
  );
  const home = redirects.find(({ definition }) => claims(definition, domain))?.definition.id;
  return {
    passwords: passwordSourcesFor(connectors, asked).length > 0,
    redirects: redirects.map(({ definition: { id, displayName } }) => ({ id, displayName })),
    ...definedOnly({ home }),
    asksNameFirst: redirects.some(({ definition }) => definition.domains.length > 0),
  };
};

/** Behind the last `@` of a name; undefined for a plain name. */
const domainOf = (login: string | undefined): string | undefined => {
  const name = login === undefined ? undefined : canonicalLogin(login);
  const at = name?.lastIndexOf('@') ?? -1;
  return at < 1 ? undefined : name?.slice(at + 1);
};

const claims = ({ domains }: SourceDefinition, domain: string | undefined): boolean =>
  domain !== undefined && domains.includes(domain);
