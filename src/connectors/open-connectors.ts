// Sources of people prove who a person is. Their connections and caches belong to the server, not to a tenant, and are
// opened here: pools of directory connections, discovery documents, keys, verdicts on tokens.
//   connector.ts   what every source offers: passwords, look-ups, redirects, tokens
//   local/         the people in Drawbridge's own store
//   ldap/          directories and Active Directory; begin with `ldap-connector.ts`
//   upstream/      OpenID providers and OAuth 2.0 servers; begin with `upstream-connector.ts`
//   http/          a password check of an older system, asked over HTTP
//   mapping/       from the attributes of a source to a profile: `with-mapping.ts` wraps a source
import type { Clock } from '../clock.ts';
import type { OutgoingProxy } from '../config/server/outgoing-proxy.ts';
import type { LocalSource, SourceDefinition } from '../config/source/source-definition.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Log } from '../log.ts';
import type { Connector, SourcePerson } from './connector.ts';
import { createHttpConnector } from './http/http-connector.ts';
import { openDirectories } from './ldap/directories.ts';
import { createLdapConnector } from './ldap/ldap-connector.ts';
import { createLocalConnector, type LocalConnectorParts } from './local/local-connector.ts';
import { withMapping } from './mapping/with-mapping.ts';
import { measuredConnector, type PasswordCheck } from './measured-connector.ts';
import { createUpstreamConnector } from './upstream/upstream-connector.ts';
import { openUpstreams } from './upstream/upstreams.ts';

export type RemoteSource = Exclude<SourceDefinition, LocalSource>;

export interface SourceConnections {
  /** The tenant's sources in the order of its file, mapped. Opens nothing: the first use does. */
  connectorsOf(
    definition: Pick<TenantDefinition, 'id' | 'sources'>,
    local: Omit<LocalConnectorParts, 'tenant' | 'log'>,
  ): readonly Connector[];
  /** A source as it is before the mapping, for explaining it. */
  rawConnectorOf(tenant: string, source: RemoteSource): Connector<SourcePerson>;
  /** To be called after any revocation: verdicts on upstream tokens are then asked for anew. */
  forgetVerdicts(): void;
  /** Their number, or of those that are being opened. */
  openDirectoryConnections(): number;
  close(): Promise<void>;
}

export interface SourceConnectionsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly outgoingProxy?: OutgoingProxy | undefined;
  /** Counts the passwords that sources have checked. */
  readonly onPasswordChecked?: ((check: PasswordCheck) => void) | undefined;
}

export const openSourceConnections = ({
  clock,
  log,
  outgoingProxy,
  onPasswordChecked,
}: SourceConnectionsParts): SourceConnections => {
  const directories = openDirectories({ clock, log });
  const upstreams = openUpstreams({ clock, log, outgoingProxy });

  const rawConnectorOf: SourceConnections['rawConnectorOf'] = (tenant, source) => {
    const shared = { clock, log: log.child({ tenant, source: source.id }) };
    switch (source.type) {
      case 'ldap':
        return createLdapConnector(source, { ...shared, directories });
      case 'oidc':
      case 'oauth2':
        return createUpstreamConnector(source, { ...shared, upstreams });
      case 'http':
        return createHttpConnector(source, { transport: upstreams, clock });
    }
  };

  return {
    rawConnectorOf,
    connectorsOf: ({ id: tenant, sources }, local) => {
      const connectors = sources.map((source) =>
        source.type === 'local'
          ? createLocalConnector(source, { ...local, tenant, log })
          : withMapping(rawConnectorOf(tenant, source), (subject, fault) =>
              log.info(
                { tenant, source: source.id, subject },
                `the e-mail address of a person was left out: it ${fault}`,
              ),
            ),
      );
      return onPasswordChecked === undefined
        ? connectors
        : connectors.map((connector) => measuredConnector(connector, tenant, onPasswordChecked));
    },
    openDirectoryConnections: () => directories.size,
    forgetVerdicts: () => upstreams.verdicts.clear(),
    close: async () => {
      directories.close();
      await upstreams.close();
    },
  };
};
