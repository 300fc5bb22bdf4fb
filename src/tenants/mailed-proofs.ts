import { createEmailChanges, type EmailChanges, type EmailChangesParts } from '../accounts/email-change.ts';
import { createEmailUndo, type EmailUndo, type EmailUndoParts } from '../accounts/email-undo.ts';
import { createRemindOfUndo } from '../accounts/email-undo-link.ts';
import { createForgetEndedEmails } from '../accounts/ended-emails.ts';
import { createEmailCodes, type EmailCodes } from '../accounts/factors/email-codes.ts';
import { createFactorRecovery, type FactorRecovery } from '../accounts/factors/factor-recovery.ts';
import { createFormerAddresses } from '../accounts/former-addresses.ts';
import { createFormerUsernames } from '../accounts/former-usernames.ts';
import type { LocalUsers } from '../accounts/local-users.ts';
import {
  createPasswordRecovery,
  type PasswordRecovery,
  type PasswordRecoveryParts,
} from '../accounts/password-recovery.ts';
import type { FaultOfPassword } from '../accounts/password-rules.ts';
import { createRegistration, type Registration, type RegistrationParts } from '../accounts/registration.ts';
import { createRegistrationCheck } from '../accounts/registration-check.ts';
import { createFindKnown } from '../accounts/registration-link.ts';
import {
  createVerifications,
  type Verifications,
  type VerificationsParts,
} from '../accounts/verifications.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { TenantStorage } from '../storage/storage.ts';

/** The same for the server and the command line: either knows the links that the other has written. */
export const openVerifications = (
  tenant: string,
  {
    storage: { artifacts },
    masterKey,
    ...parts
  }: Pick<MailedProofsParts, 'masterKey' | 'clock'> &
    Pick<VerificationsParts, 'throttle'> & {
      readonly storage: Pick<TenantStorage, 'artifacts'>;
    },
): Verifications =>
  createVerifications({
    ...{ ...parts, tenant, artifacts },
    sealingKey: masterKey.derive('verifications'),
    codeKey: masterKey.derive('verification codes'),
  });

/** What people do with a link or code that a mail has brought them. */
export interface MailedProofs {
  readonly recovery: PasswordRecovery;
  readonly registration: Registration;
  readonly factorRecovery: FactorRecovery;
  readonly emailCodes: EmailCodes;
  readonly emailChanges: EmailChanges;
  readonly emailUndo: EmailUndo;
  /** See `createForgetEndedEmails`. */
  forgetEndedEmails(): Promise<number>;
}

export interface MailedProofsParts
  extends Pick<
    PasswordRecoveryParts & RegistrationParts & EmailChangesParts,
    'issuer' | 'throttle' | 'faultOfPassword' | 'mail' | 'notifyOfChange' | 'audit' | 'log' | 'runAfterAnswer'
  > {
  readonly definition: TenantDefinition;
  readonly storage: Pick<TenantStorage, 'accounts' | 'artifacts'>;
  /** @param faultOfPassword what judges the passwords that are set */
  readonly usersAs: (actor: string, faultOfPassword: FaultOfPassword) => LocalUsers;
  /** The users of the tenant's file are in the store afterwards. */
  readonly seed: () => Promise<void>;
  readonly revocations: EmailChangesParts['revocations'] & EmailUndoParts['revocations'];
  readonly forgetTokens: EmailUndoParts['forgetTokens'];
  readonly masterKey: Pick<MasterKey, 'derive'>;
  readonly clock: Clock;
}

export const createMailedProofs = (parts: MailedProofsParts): MailedProofs => {
  const { definition, storage, masterKey, throttle, clock, log, seed } = parts;
  const records = storage.accounts;
  const verifications = openVerifications(definition.id, { storage, throttle, masterKey, clock });
  const formerAddresses = createFormerAddresses({ artifacts: storage.artifacts, clock });
  const findKnown = createFindKnown({ records, formerAddresses, seed });
  const remindOfUndo = createRemindOfUndo({ ...parts, verifications });
  const check = definition.registration?.check;
  return {
    factorRecovery: createFactorRecovery({
      ...{ ...parts, records, verifications },
      recoveryKey: masterKey.derive('recovery codes'),
    }),
    emailCodes: createEmailCodes({
      ...{ ...parts, records, artifacts: storage.artifacts },
      key: masterKey.derive('mailed codes of second factors'),
    }),
    recovery: createPasswordRecovery({
      ...parts,
      ...{ records, verifications, formerAddresses, remindOfUndo },
      // the recovery judges a password before it uses up the link
      usersAs: (actor) => parts.usersAs(actor, () => undefined),
    }),
    emailChanges: createEmailChanges({ ...parts, records, verifications, findKnown, formerAddresses }),
    emailUndo: createEmailUndo({
      ...{ ...parts, records, verifications },
      sources: definition.sources.map(({ id }) => id),
    }),
    forgetEndedEmails: createForgetEndedEmails({ records, clock }),
    registration: createRegistration({
      ...{ ...parts, verifications, remindOfUndo },
      formerUsernames: createFormerUsernames({ records, artifacts: storage.artifacts, clock }),
      usersAs: (actor) => parts.usersAs(actor, parts.faultOfPassword),
      findKnown,
      check:
        check === undefined
          ? undefined
          : createRegistrationCheck({ tenant: definition.id, check, clock, log }),
    }),
  };
};
