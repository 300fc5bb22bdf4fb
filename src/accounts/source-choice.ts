import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { Connector } from '../connectors/connector.ts';
import { definedOnly } from '../defined-only.ts';
import { domainOfLogin } from '../protocol/canonical-login.ts';
import type { SourceChoice, SourceQuestion } from './account-types.ts';

/** May people of this source sign in to this client? A source with `clients` is for these clients only. */
export const isForClient = ({ clients }: SourceDefinition, clientId: string | undefined): boolean =>
  clients === undefined || (clientId !== undefined && clients.includes(clientId));

/**
 * The sources that are asked about a password, in order. A name in a domain that a source of the tenant claims is sent
 * to that source and the local list only, even if the client may not use that source: a password is sent only to the
 * party that it belongs to. While the passwords of a source are being taken over, the local list decides first.
 */
export const passwordSourcesFor = (
  all: readonly Connector[],
  { clientId, login, via }: SourceQuestion,
): readonly Connector[] => {
  const domain = domainOfLogin(login);
  const connectors = via === 'basic' ? withRelays(all) : all;
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

/** Sources that get no other passwords are asked last: these are for nobody else whom a source knows. */
const withRelays = (connectors: readonly Connector[]): readonly Connector[] => [
  ...connectors.filter(({ passwords }) => passwords !== undefined),
  ...connectors.flatMap(({ relayed, ...connector }) =>
    relayed === undefined ? [] : [{ ...connector, passwords: relayed }],
  ),
];

/** Home-realm discovery; it reads no accounts, so it reveals nothing about them. */
export const chooseSources = (connectors: readonly Connector[], asked: SourceQuestion): SourceChoice => {
  const domain = domainOfLogin(asked.login);
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

const claims = ({ domains }: SourceDefinition, domain: string | undefined): boolean =>
  domain !== undefined && domains.includes(domain);
