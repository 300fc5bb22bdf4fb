import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { createAddressBlocks } from '../../protocol/address-blocks.ts';
import { isAdmittedByClient } from '../client-admission.ts';
import type { FoundKey } from './find-key.ts';
import { isNameOfOwner } from './name-of-owner.ts';

export interface KeyAtApi {
  /** The name that was sent with the key. */
  readonly login: string | undefined;
  /** That the key needs. */
  readonly scope: string;
  readonly address: string;
  readonly sources: TenantDefinition['sources'];
}

/**
 * Why a key is not enough at an API of ours. `invalid`: it is not its owner's here, as at the gateway: a name beside it must be
 * that of the owner, and a source with `clients` is for apps alone. `limits`: it lacks the scope, or is for services or resources
 * alone, as an access token for a resource is.
 */
export const faultOfKeyAtApi = (
  { key, owner }: Pick<FoundKey, 'key' | 'owner'>,
  { login, scope, address, sources }: KeyAtApi,
): 'invalid' | 'limits' | 'network' | undefined => {
  if (!isNameOfOwner(login, owner)) return 'invalid';
  if (!isAdmittedByClient(sources, undefined, { account: owner, provenBy: undefined })) return 'invalid';
  const { scopes = [], services, resources, networks } = key;
  if (!scopes.includes(scope) || services !== undefined || resources !== undefined) return 'limits';
  return networks === undefined || createAddressBlocks(networks)(address) ? undefined : 'network';
};
