import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../../clock.ts';
import type { OutgoingProxy } from '../../config/server/outgoing-proxy.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Connector, ExaminedAddresses, SourcePerson } from '../../connectors/connector.ts';
import { openSourceConnections, type RemoteSource } from '../../connectors/open-connectors.ts';
import { createLog } from '../../log.ts';
import { callbackUrl } from '../../oidc/upstream/upstream-logins.ts';
import { signedOutUrl } from '../../oidc/upstream/upstream-sign-out.ts';
import { type Finding, problem, reasonOf, warning } from './finding.ts';

const timeoutMs = 30_000;

/** Examines the real connections of all sources of a tenant at once, so that a slow one does not delay the others. */
export const checkSources = async (
  { id, sources }: Pick<TenantDefinition, 'id' | 'sources'>,
  { issuer, outgoingProxy }: { readonly issuer: string; readonly outgoingProxy?: OutgoingProxy | undefined },
): Promise<readonly Finding[]> => {
  // the findings contain what the sources would log
  const connections = openSourceConnections({
    clock: systemClock,
    log: createLog({ level: 'silent' }),
    outgoingProxy,
  });
  try {
    const remote = sources.filter((source): source is RemoteSource => source.type !== 'local');
    const found = await Promise.all(
      remote.map(async (source) => {
        const about = `source ${source.id}`;
        const findings = await examine(connections.rawConnectorOf(id, source), {
          redirectUri: callbackUrl(issuer, source.id),
          signedOutUri: signedOutUrl(issuer, source.id),
        });
        return findings.map((finding) => ({ ...finding, about: `${about}, ${finding.about}` }));
      }),
    );
    return [...found.flat(), ...checkLocalList(sources)];
  } finally {
    await connections.close();
  }
};

const examine = async (
  connector: Connector<SourcePerson>,
  addresses: ExaminedAddresses,
): Promise<readonly Finding[]> => {
  const timeout = new AbortController();
  try {
    return await Promise.race([
      connector.examine(addresses),
      setTimeout(timeoutMs, undefined, { signal: timeout.signal }).then(() => [
        problem(
          'connection',
          `No answer within ${timeoutMs / 1000} s. See that no firewall swallows what is sent.`,
        ),
      ]),
    ]);
  } catch (error) {
    return [problem('connection', reasonOf(error))];
  } finally {
    timeout.abort();
  }
};

/** While all sources are down, at least one local person should be able to sign in. */
const checkLocalList = (sources: TenantDefinition['sources']): readonly Finding[] =>
  sources.some(({ type }) => type === 'local')
    ? []
    : [
        warning(
          'sources',
          'There is no source of type local: while the others cannot be reached, no user can sign in. Add one for break-glass accounts.',
        ),
      ];
