import { type AccountDeletion, createAccountDeletion } from '../accounts/account-deletion.ts';
import type { NotifyOfChange } from '../accounts/account-notices.ts';
import type { Accounts } from '../accounts/account-types.ts';
import type { Devices } from '../accounts/devices.ts';
import { createFormerUsernames } from '../accounts/former-usernames.ts';
import { managedElsewhere } from '../accounts/managed-elsewhere.ts';
import { createPersonApps, type PersonApps } from '../accounts/person-apps.ts';
import { createPersonExport, type ExportPerson } from '../accounts/person-export.ts';
import type { RewritePicture } from '../accounts/picture-file.ts';
import { createPictures, type Pictures } from '../accounts/pictures.ts';
import { createProfileChanges, type ProfileChanges } from '../accounts/profile-change.ts';
import type { Revocations } from '../accounts/revocations.ts';
import { createDisconnectSource, type DisconnectSource } from '../accounts/source-disconnection.ts';
import type { Throttle } from '../accounts/throttle.ts';
import type { Audit } from '../audit/audit.ts';
import { createPersonAudit, type PersonAudit } from '../audit/person-audit.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Connector } from '../connectors/connector.ts';
import { authorizationsOf, withoutClient } from '../oidc/adapter/artifact-payload.ts';
import { grantFactsOf } from '../oidc/adapter/grant-facts.ts';
import { accountClientId } from '../oidc/provider/clients.ts';
import type { TenantStorage } from '../storage/storage.ts';
import { createPersonSignIns, type PersonSignIns } from './person-sign-ins.ts';

/** What people see and change of their own account. */
export interface OwnAccount extends PersonSignIns {
  readonly apps: PersonApps;
  readonly personAudit: PersonAudit;
  readonly exportPerson: ExportPerson;
  readonly deletion: AccountDeletion;
  readonly pictures: Pictures;
  readonly profile: ProfileChanges;
  readonly disconnectSource: DisconnectSource;
}

export interface OwnAccountParts {
  readonly definition: TenantDefinition;
  readonly issuer: string;
  readonly storage: TenantStorage;
  readonly revocations: Revocations;
  readonly devices: Devices;
  readonly connectors: readonly Connector[];
  readonly accounts: Accounts;
  readonly throttle: Throttle;
  readonly rewritePicture: RewritePicture;
  readonly notifyOfChange: NotifyOfChange;
  readonly purgeAccount: (sub: string) => Promise<number>;
  readonly forgetTokens: (sub: string, source: string) => Promise<void>;
  readonly audit: Audit;
  readonly clock: Clock;
}

export const createOwnAccount = (parts: OwnAccountParts): OwnAccount => {
  const { definition, storage, devices, connectors, rewritePicture, clock } = parts;
  const records = storage.accounts;
  const { sessions, signIns } = createPersonSignIns(parts);
  const apps = createPersonApps({
    ...{ ...parts, authorizationsOf, withoutClient, grantFactsOf },
    isApp: (clientId) => clientId !== accountClientId,
  });
  const personAudit = createPersonAudit(storage.audit);
  const pictures = createPictures({
    ...{ ...parts, tenant: definition.id, rewrite: rewritePicture },
    isElsewhere: (account) =>
      managedElsewhere(account, { sources: definition.sources, connectors }).profile !== undefined,
  });
  const formerUsernames = createFormerUsernames({ records, artifacts: storage.artifacts, clock });
  return {
    ...{ sessions, signIns, apps, personAudit, pictures },
    profile: createProfileChanges({ ...parts, records, formerUsernames }),
    deletion: createAccountDeletion(parts),
    disconnectSource: createDisconnectSource(parts),
    exportPerson: createPersonExport({
      ...{ sessions, apps, devices, personAudit, pictures, clock },
      keys: storage.apiKeys,
      mails: storage.mails,
    }),
  };
};
