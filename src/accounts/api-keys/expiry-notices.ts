// Mails that a key expires, once for each key, to its owner.

import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { TenantMail } from '../../mail/tenant-mail.ts';
import type { AccountRecord, AccountRecords } from '../../storage/storage.ts';
import type { ApiKeyRecord, ApiKeyRecords } from '../../storage/storage-api-keys.ts';
import { languageOf } from '../account-notices.ts';
import { keyName } from './public-key.ts';

export interface ExpiryNoticesParts {
  readonly definition: Pick<TenantDefinition, 'apiKeys' | 'locale'>;
  readonly issuer: string;
  readonly records: Pick<ApiKeyRecords, 'dueForNotice' | 'noticed'>;
  readonly accounts: Pick<AccountRecords, 'findBySub'>;
  readonly mail: Pick<TenantMail, 'mode' | 'hold'>;
  readonly clock: Clock;
}

/** @returns how many mails this call has written; the next call goes on. @throws AppError `unavailable` */
export type NotifyOfExpiry = () => Promise<number>;

const atOnce = 100;

export const createNotifyOfExpiry = (parts: ExpiryNoticesParts): NotifyOfExpiry => {
  const { definition, issuer, records, mail, clock } = parts;

  /** Of the account; of a system user without one, as the tenant's file has it. */
  const addressOf = ({ origin, email, emailVerified = false }: AccountRecord): string | undefined =>
    origin === 'system' ? (email ?? definition.apiKeys.contact) : emailVerified ? email : undefined;

  const notify = async (key: ApiKeyRecord, noticeAt: number): Promise<boolean> => {
    const { id, expiresAt = 0 } = key;
    const isWanted = mail.mode !== 'none' && expiresAt > clock.now();
    const owner = isWanted ? await parts.accounts.findBySub(key.sub) : undefined;
    const to = owner === undefined || isGone(owner) ? undefined : addressOf(owner);
    if (owner === undefined || to === undefined) {
      // the mark goes all the same, so that nobody looks again
      await records.noticed(id, noticeAt);
      return false;
    }
    // the mail before the mark: if this process ends between the two, it leaves by itself
    const held = await mail.hold({
      ...{ kind: 'key_expiring', to, sub: owner.sub, momentMs: expiresAt },
      locale: languageOf(owner) ?? definition.locale,
      values: { username: owner.username, key: keyName(key) },
      ...definedOnly({ link: key.isOwn === true ? `${issuer}/account/keys` : undefined }),
    });
    const isOurs = await records.noticed(id, noticeAt);
    await (isOurs ? held.release() : held.remove());
    return isOurs;
  };

  return async () => {
    let written = 0;
    for (const key of await records.dueForNotice({ nowMs: clock.now(), limit: atOnce }))
      if (key.noticeAt !== undefined && (await notify(key, key.noticeAt))) written += 1;
    return written;
  };
};

/** Their keys are refused anyway. */
const isGone = ({ disabledAt, deleteAt }: AccountRecord): boolean =>
  disabledAt !== undefined || deleteAt !== undefined;
