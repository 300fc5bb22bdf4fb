import type { FactorGuesses, FactorRecord } from '../factor-record.ts';
import type { FormerEmail } from '../former-email.ts';
import type { LinkedIdentity } from '../linked-identity.ts';
import type { AccountRecord } from '../storage.ts';
import type { ApiKeyRecord } from '../storage-api-keys.ts';
import type { AuditCheckpoint, AuditLink } from '../storage-audit-chain.ts';
import type { AuditStreamState } from '../storage-audit-streams.ts';
import type { DeviceRecord } from '../storage-devices.ts';
import type { LogoutDelivery, RevocationEvent } from '../storage-endings.ts';
import type { MailRecord } from '../storage-mails.ts';
import type { PictureRecord } from '../storage-pictures.ts';
import type { QueueEntry } from '../storage-queue.ts';
import type { AuditRecord } from '../storage-records.ts';

/** Shapes of the stored documents. `_id` begins with `<tenant>|`, so that one tenant is one range of it. */
export interface ArtifactDocument {
  readonly _id: string;
  readonly tenant: string;
  readonly kind: string;
  readonly payload: string;
  readonly expiresAt: Date;
  /** `_id`s of the linked Grant and Session, joined on read. */
  readonly links?: readonly string[];
  /** `_id` of the linked account. */
  readonly account?: string;
  /** Only on kinds that `removeByGrant` removes. */
  readonly grantId?: string;
  readonly userCode?: string;
  readonly phase?: string;
  readonly authorizations?: Readonly<Record<string, string>>;
  /** Epoch seconds. */
  readonly signedInAt?: number;
  readonly consumedAt?: number;
  readonly polledAt?: number;
  readonly pollInterval?: number;
}

export interface AuditStreamDocument extends AuditStreamState {
  readonly _id: string;
  readonly tenant: string;
  readonly target: string;
  readonly holder: string;
  /** Epoch milliseconds. */
  readonly leaseUntil: number;
}

export interface AccountDocument {
  readonly _id: string;
  readonly tenant: string;
  readonly sub: string;
  /** Absent when there are none: the unique index has no empty arrays. */
  readonly logins?: readonly string[];
  /** JSON, because names of claims may contain `.` and `$`. */
  readonly claims: string;
  readonly username: string;
  readonly passwordHash?: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly disabledAt?: number;
  readonly lockedAt?: number;
  readonly deleteAt?: number;
  readonly notBefore?: number;
  readonly origin: AccountRecord['origin'];
  readonly identities?: readonly LinkedIdentity[];
  /** Absent when there are none, as with `logins`. */
  readonly identityKeys?: readonly string[];
  readonly lockedBy?: string;
  readonly adoptedFrom?: string;
  readonly adoptedAt?: number;
  readonly seed?: string;
  readonly formerEmails?: readonly FormerEmail[];
  readonly pictureId?: string;
  readonly chosenLocale?: string;
  readonly factors?: readonly FactorRecord[];
  readonly factorGuesses?: FactorGuesses;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly version: number;
}

export interface KeyDocument {
  readonly _id: string;
  readonly tenant: string;
  readonly slot: string;
  readonly kid: string;
  readonly alg: string;
  readonly sealed: string;
  readonly createdAt: number;
}

export interface CounterDocument {
  readonly _id: string;
  readonly tenant: string;
  readonly count: number;
  readonly endsAt: number;
  readonly expiresAt: Date;
}

export interface UsageDocument {
  readonly _id: string;
  readonly tenant: string;
  readonly clientId: string;
  readonly sub: string;
  readonly count: number;
  readonly lastUsedAt: number;
}

export interface AuditDocument extends AuditRecord {
  readonly _id: string;
  readonly tenant: string;
  /** Absent until its link in the chain is stored. */
  readonly isMarked?: true;
}

export interface AuditLinkDocument extends AuditLink {
  readonly _id: string;
  readonly tenant: string;
  /** `_id` of the record. */
  readonly record: string;
}

export interface AuditCheckpointDocument extends AuditCheckpoint {
  readonly _id: string;
  readonly tenant: string;
}

export interface EventDocument extends RevocationEvent {
  readonly _id: string;
  readonly tenant: string;
  /** By the server's clock. */
  readonly publishedAt: Date;
}

export interface QueueDocument extends QueueEntry {
  readonly _id: string;
  readonly tenant: string;
  readonly expiresAt: Date;
}

export type DeliveryDocument = LogoutDelivery & QueueDocument;

export type MailDocument = MailRecord & QueueDocument;

export interface DeviceDocument extends Omit<DeviceRecord, 'expiresAt'> {
  readonly _id: string;
  readonly tenant: string;
  readonly expiresAt: Date;
}

export interface ApiKeyDocument extends Omit<ApiKeyRecord, 'isOnly'> {
  readonly _id: string;
  readonly tenant: string;
  /** `_id` of the account. */
  readonly owner: string;
  /** Of its secrets. */
  readonly publicIds: readonly string[];
  /** The sub of an owner with one key only. */
  readonly onlyOf?: string;
}

/** A process that uses the store. */
export interface LeaseDocument {
  readonly _id: string;
  readonly holder: 'server' | 'restore';
  readonly expiresAt: Date;
}

export interface FactDocument {
  readonly _id: string;
  readonly value: string;
}

/** The range of `_id` that is one tenant's: `}` follows `|`. */
export const rangeOf = (tenant: string) => ({ $gte: `${tenant}|`, $lt: `${tenant}}` });

export interface PictureDocument extends PictureRecord {
  readonly _id: string;
  readonly tenant: string;
}
