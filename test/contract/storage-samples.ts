import type { AccountRecord, Artifact } from '../../src/storage/storage.ts';
import type { ApiKeyRecord, ApiKeySecret } from '../../src/storage/storage-api-keys.ts';
import type { AuditLink } from '../../src/storage/storage-audit-chain.ts';
import type { DeviceRecord } from '../../src/storage/storage-devices.ts';
import type { LogoutDelivery, RevocationEvent } from '../../src/storage/storage-endings.ts';
import type { MailRecord } from '../../src/storage/storage-mails.ts';
import type { PictureRecord } from '../../src/storage/storage-pictures.ts';
import type { AuditRecord, KeyRecord } from '../../src/storage/storage-records.ts';

/** Far from the machine's own clock, and later, so that nothing is swept behind a test's back. */
export const startMs = Date.UTC(2031, 4, 5, 6, 7, 8);
export const startSeconds = startMs / 1000;

export const artifact = (changes: Partial<Artifact> = {}): Artifact => ({
  kind: 'AccessToken',
  id: 'token-1',
  payload: '{"a":1,"$b":".c"}',
  expiresAt: startSeconds + 60,
  ...changes,
});

export const session = (changes: Partial<Artifact> = {}): Artifact =>
  artifact({
    kind: 'Session',
    id: 'session-1',
    accountId: 'alice',
    authorizations: {},
    ...changes,
  });

export const deviceCode = (changes: Partial<Artifact> = {}): Artifact =>
  artifact({ kind: 'DeviceCode', id: 'device-1', userCode: 'ABCD', phase: 'pending', ...changes });

export const account = (changes: Partial<AccountRecord> = {}): AccountRecord => ({
  sub: 'alice',
  logins: ['alice', 'alice@example.org'],
  username: 'Alice',
  passwordHash: '$argon2id$v=19$x',
  email: 'alice@example.org',
  emailVerified: true,
  claims: { name: 'Alice', 'https://claims.example.org/$x.y': { deep: [1, 'two', null] } },
  groups: ['staff'],
  roles: [],
  origin: 'local',
  createdAt: startMs,
  updatedAt: startMs,
  version: 1,
  ...changes,
});

export const apiKeySecret = (publicId = 'public-1', expiresAt?: number): ApiKeySecret => ({
  ...{ publicId, hash: `hash of ${publicId}`, createdAt: startMs },
  ...(expiresAt === undefined ? {} : { expiresAt }),
});

export const apiKey = (changes: Partial<ApiKeyRecord> = {}): ApiKeyRecord => ({
  id: 'key-1',
  sub: 'alice',
  secrets: [apiKeySecret()],
  createdAt: startMs,
  version: 1,
  ...changes,
});

export const key = (changes: Partial<KeyRecord> = {}): KeyRecord => ({
  kid: 'kid-1',
  alg: 'RS256',
  slot: 'RS256/1',
  sealed: 'sealed',
  createdAt: startMs,
  ...changes,
});

export const auditRecord = (changes: Partial<AuditRecord> = {}): AuditRecord => ({
  id: 'a-1',
  at: startMs,
  action: 'sign-in',
  outcome: 'success',
  actor: 'alice',
  ...changes,
});

export const auditLink = (changes: Partial<AuditLink> = {}): AuditLink => ({
  seq: 1,
  recordId: 'a-1',
  digest: 'digest',
  hash: 'hash',
  mac: 'mac',
  ...changes,
});

export const event = (changes: Partial<RevocationEvent> = {}): RevocationEvent => ({
  what: 'account',
  id: 'alice',
  reason: 'user.disable',
  at: startMs,
  ...changes,
});

export const delivery = (changes: Partial<LogoutDelivery> = {}): LogoutDelivery => ({
  id: 'd-1',
  clientId: 'https://app.example/$x',
  sub: 'alice',
  sid: 'sid-1',
  reason: '$signed_out',
  createdAt: startMs,
  state: 'pending',
  attempts: 0,
  nextAttemptAt: startMs,
  ...changes,
});

export const mail = (changes: Partial<MailRecord> = {}): MailRecord => ({
  id: 'm-1',
  purpose: '$password.reset',
  sub: 'alice',
  address: 'a…@example.com',
  content: '$sealed',
  createdAt: startMs,
  state: 'pending',
  attempts: 0,
  nextAttemptAt: startMs,
  ...changes,
});

export const device = (changes: Partial<DeviceRecord> = {}): DeviceRecord => ({
  id: 'device-1',
  sub: 'alice',
  clientId: 'https://tv.example/$x',
  name: '$Living "room"',
  model: 'M1',
  serial: '0001',
  createdAt: startMs,
  lastSeenAt: startMs,
  grantId: 'g',
  sessionId: 'session-1',
  expiresAt: startMs + 3_600_000,
  ...changes,
});

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

export const picture = (changes: Partial<PictureRecord> = {}): PictureRecord => ({
  sub: 'alice',
  id: 'picture-1',
  data: 'AAAA',
  ...changes,
});
