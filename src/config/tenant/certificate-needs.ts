import type { Fault } from '../parsing/fault.ts';
import type { ClientCertificateSettings } from '../server/server-settings.ts';
import type { TenantDefinition } from './tenant-definition.ts';

/**
 * Settings of a tenant that need certificates of clients, where the server gets none.
 * @param file the tenant's file, as faults show it
 */
export const unmetCertificateNeeds = (
  { clients, certificates }: Pick<TenantDefinition, 'clients' | 'certificates'>,
  settings: ClientCertificateSettings | undefined,
  file: string,
): readonly Fault[] => {
  if (settings !== undefined) return [];
  const message =
    'needs the certificates of clients, but the server gets none; set clientCertificates.from in config/server.yaml';
  const ofMachines =
    (certificates?.machines.length ?? 0) > 0 ? [{ file, path: 'certificates.machines', message }] : [];
  const ofClients = clients.flatMap(({ metadata }, index) => {
    if (metadata.token_endpoint_auth_method.endsWith('tls_client_auth'))
      return [{ file, path: `clients.${index}.token_endpoint_auth_method`, message }];
    return metadata.tls_client_certificate_bound_access_tokens === true
      ? [{ file, path: `clients.${index}.tls_client_certificate_bound_access_tokens`, message }]
      : [];
  });
  return [...ofMachines, ...ofClients];
};
