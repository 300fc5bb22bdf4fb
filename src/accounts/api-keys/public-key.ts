import { shownPublicId } from '../../crypto/api-key.ts';
import { definedOnly } from '../../defined-only.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';

/** What may be shown of a key, to its owner and to operators. Times are epoch milliseconds. */
export const publicKey = ({
  secrets,
  version: _,
  isOnly: _only,
  noticeAt: _noticeAt,
  ...key
}: ApiKeyRecord) => ({
  ...key,
  secrets: secrets.map(({ publicId, createdAt, expiresAt }) => ({
    publicId: shownPublicId(publicId),
    createdAt,
    ...definedOnly({ expiresAt }),
  })),
});

/** Of the newest secret. */
export const publicPartOf = ({ secrets: [newest] }: Pick<ApiKeyRecord, 'secrets'>): string =>
  shownPublicId(newest?.publicId ?? '');

/** What a key is called in lists and mails: its note, or its public part. */
export const keyName = (key: Pick<ApiKeyRecord, 'note' | 'secrets'>): string => key.note ?? publicPartOf(key);
