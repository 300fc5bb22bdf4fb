// The part of the storage port for API keys of system users and people.
import type { AccountRecord } from './storage-accounts.ts';

export interface ApiKeySecret {
  /** The public part of a key as it is presented; unique within the tenant. */
  readonly publicId: string;
  /** A keyed hash of the secret part. */
  readonly hash: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds: refused from then on, while the key itself may live on. */
  readonly expiresAt?: number;
}

export interface ApiKeyRecord {
  /** Unique within the tenant. It stays when the secret is replaced. */
  readonly id: string;
  /** The account of its owner. */
  readonly sub: string;
  /** Newest first; the second one is still accepted after a rotation. */
  readonly secrets: readonly ApiKeySecret[];
  /** The only key of its owner: none can be inserted beside it that is also the only one. */
  readonly isOnly?: true;
  /** Made by its owner, who may open some services only: what the tenant has for such keys counts beside `services`. */
  readonly isOwn?: true;
  readonly note?: string;
  /** Limits; absent: as its owner. */
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
  /** Names of services behind the gateway. */
  readonly services?: readonly string[];
  /** Resource identifiers. */
  readonly resources?: readonly string[];
  /** CIDR blocks that it may be presented from. */
  readonly networks?: readonly string[];
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt?: number;
  /** Epoch milliseconds: from then on a mail is to say that the key expires. Absent: it is sent, or there is none. */
  readonly noticeAt?: number;
  /** Epoch milliseconds, and the address. */
  readonly lastUsedAt?: number;
  readonly lastUsedFrom?: string;
  /** Grows by one with each replacement. */
  readonly version: number;
}

export interface ApiKeyUse {
  readonly nowMs: number;
  readonly address: string;
  /** Milliseconds: an earlier use that is closer than this is not replaced. */
  readonly minimumGapMs: number;
}

export interface ApiKeyRecords {
  /** False when the id or a public id is taken, or the owner has an only key and this is one too; nothing is written then. */
  insert(key: ApiKeyRecord): Promise<boolean>;
  find(id: string): Promise<ApiKeyRecord | undefined>;
  /** One trip. `owner` is absent when the account is deleted. */
  findByPublicId(
    publicId: string,
  ): Promise<{ readonly key: ApiKeyRecord; readonly owner?: AccountRecord } | undefined>;
  /** By id, ascending, after `afterId`; of one owner, or of all. */
  list(page: {
    readonly sub?: string;
    readonly afterId?: string;
    readonly limit: number;
  }): Promise<readonly ApiKeyRecord[]>;
  /** Those that expire before `beforeMs`, the next first, by time and id; after `after`. */
  expiring(page: {
    readonly beforeMs: number;
    readonly after?: { readonly expiresAt: number; readonly id: string };
    readonly limit: number;
  }): Promise<readonly ApiKeyRecord[]>;
  /**
   * Replaces all but the use, if the stored version is one less than that of `key`. False when absent, changed meanwhile, or
   * a public id is taken.
   */
  replace(key: ApiKeyRecord): Promise<boolean>;
  /** Those whose `noticeAt` is `nowMs` or before, the oldest first. */
  dueForNotice(page: { readonly nowMs: number; readonly limit: number }): Promise<readonly ApiKeyRecord[]>;
  /** Removes this `noticeAt`: with many callers, exactly one gets true. The version stays. */
  noticed(id: string, noticeAt: number): Promise<boolean>;
  /** Does nothing when absent, or used a moment before. */
  used(id: string, use: ApiKeyUse): Promise<void>;
  /** Resolves to the removed record: with many callers, exactly one gets it. */
  remove(id: string): Promise<ApiKeyRecord | undefined>;
}
