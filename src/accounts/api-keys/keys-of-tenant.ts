import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { MasterKey } from '../../crypto/master-key.ts';
import type { TenantMail } from '../../mail/tenant-mail.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import { type ApiKeys, type ApiKeysParts, createApiKeys } from './api-keys.ts';
import { createNotifyOfExpiry, type ExpiryNoticesParts, type NotifyOfExpiry } from './expiry-notices.ts';
import { createFindKey, type FindKey, type FindKeyParts } from './find-key.ts';
import { createKeySecrets } from './key-secrets.ts';
import { createKeyVerifications, type KeyVerificationsParts } from './key-verification.ts';
import { createOwnKeys, type OwnKeys, type OwnKeysParts } from './own-keys.ts';

export interface KeysOfTenant {
  readonly apiKeys: ApiKeys;
  readonly ownKeys: OwnKeys;
  readonly findKey: FindKey;
  readonly notifyOfExpiry: NotifyOfExpiry;
}

export interface KeysOfTenantParts
  extends Pick<ApiKeysParts, 'revocations' | 'audit' | 'clock'>,
    Pick<FindKeyParts, 'recheck' | 'runAfterAnswer'>,
    Pick<ExpiryNoticesParts, 'issuer'>,
    Pick<KeyVerificationsParts, 'verifications' | 'throttle'>,
    Pick<OwnKeysParts, 'notifyOfChange'> {
  readonly definition: TenantDefinition;
  readonly mail: TenantMail;
  readonly storage: Pick<TenantStorage, 'apiKeys' | 'accounts' | 'artifacts'>;
  readonly masterKey: Pick<MasterKey, 'derive'>;
}

export const apiKeyPurpose = 'API keys';

export const createKeysOfTenant = ({ storage, masterKey, ...parts }: KeysOfTenantParts): KeysOfTenant => {
  const { definition } = parts;
  const secrets = createKeySecrets(definition.id, masterKey.derive(apiKeyPurpose));
  const own = { ...parts, records: storage.apiKeys, secrets };
  const rules = definition.apiKeys;
  const apiKeys = createApiKeys({ ...own, rules });
  const keyVerifications = createKeyVerifications({ ...parts, artifacts: storage.artifacts });
  return {
    apiKeys,
    ownKeys: createOwnKeys({ ...own, rules, apiKeys, keyVerifications }),
    findKey: createFindKey(own),
    notifyOfExpiry: createNotifyOfExpiry({ ...own, accounts: storage.accounts }),
  };
};
