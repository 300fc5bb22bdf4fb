import type { Fault } from '../parsing/fault.ts';
import type { ServerSettings } from '../server/server-settings.ts';
import { unmetCertificateNeeds } from './certificate-needs.ts';
import { unmetMailNeeds } from './mail-needs.ts';
import { operatorsByRegistration } from './operators-by-registration.ts';
import type { TenantDefinition } from './tenant-definition.ts';

/**
 * What is right in the tenant's file, but not with these settings of the server.
 * @param file the tenant's file, as faults show it
 */
export const faultsAtServer = (
  definition: TenantDefinition,
  { mail, administration, clientCertificates }: ServerSettings,
  file: string,
): readonly Fault[] => [
  ...unmetMailNeeds(definition, mail, file),
  ...operatorsByRegistration(definition, administration, file),
  ...unmetCertificateNeeds(definition, clientCertificates, file),
];
