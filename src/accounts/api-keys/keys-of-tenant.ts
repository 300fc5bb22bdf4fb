import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { MasterKey } from '../../crypto/master-key.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import { type ApiKeys, type ApiKeysParts, createApiKeys } from './api-keys.ts';
import { createFindKey, type FindKey, type FindKeyParts } from './find-key.ts';
import { createKeySecrets } from './key-secrets.ts';

export interface KeysOfTenant {
  readonly apiKeys: ApiKeys;
  readonly findKey: FindKey;
}

export interface KeysOfTenantParts
  extends Pick<ApiKeysParts, 'revocations' | 'audit' | 'clock'>,
    Pick<FindKeyParts, 'recheck' | 'runAfterAnswer'> {
  readonly definition: TenantDefinition;
  readonly storage: Pick<TenantStorage, 'apiKeys'>;
  readonly masterKey: Pick<MasterKey, 'derive'>;
}

export const apiKeyPurpose = 'API keys';

export const createKeysOfTenant = ({ storage, masterKey, ...parts }: KeysOfTenantParts): KeysOfTenant => {
  const { definition } = parts;
  const secrets = createKeySecrets(definition.id, masterKey.derive(apiKeyPurpose));
  const own = { ...parts, records: storage.apiKeys, secrets };
  return { apiKeys: createApiKeys({ ...own, rules: definition.apiKeys }), findKey: createFindKey(own) };
};
