import type { ArtifactKind } from './artifact-kind.ts';
import type { AccountRecord, AccountRecords } from './storage-accounts.ts';
import type { ApiKeyRecords } from './storage-api-keys.ts';
import type { AuditChainRecords } from './storage-audit-chain.ts';
import type { AuditStreams } from './storage-audit-streams.ts';
import type { DeviceRecords } from './storage-devices.ts';
import type { EventWatcher, LogoutDelivery, RevocationEvents } from './storage-endings.ts';
import type { InstallationFacts } from './storage-installation.ts';
import type { StoredMails } from './storage-mails.ts';
import type { PictureRecords } from './storage-pictures.ts';
import type { StoredQueue } from './storage-queue.ts';
import type {
  AuditRecords,
  Counters,
  KeyRecords,
  PageById,
  PasswordGrantUsage,
  StoredRecord,
} from './storage-records.ts';

export type { AccountPatch, AccountRecord, AccountRecords } from './storage-accounts.ts';

/**
 * The storage port. Its results are facts: what is stored, what was written, which caller won. Two engines implement it
 * (`sqlite/` and `mongodb/`), and `test/contract/storage.contract.ts` holds each rule below as a clause.
 *
 * - A call is one trip: one MongoDB command, or one SQLite transaction.
 * - When a write's promise resolves, the write is durable (majority and journal, or fsync).
 * - A record is absent from the second of its expiry on, whether or not it was swept.
 * - Results are copies. Tenants are separate: no method takes a tenant id, so no caller can pass a wrong one.
 * - An engine that cannot be reached throws `AppError('unavailable')` within 2.5 s, never a wrong answer.
 */
export interface Storage {
  readonly engine: 'sqlite' | 'mongodb';
  /** The place of the data, without credentials; shown to operators. */
  readonly location: string;
  forTenant(tenant: string): TenantStorage;
  /** Facts of the whole installation, such as the check value of the master key. */
  readonly installation: InstallationFacts;
  /** Throws `AppError('unavailable')` when the engine does not answer. */
  ping(): Promise<void>;
  /** Ids of all tenants that have data. */
  listTenants(): Promise<readonly string[]>;
  /** Deletes all data of a tenant in bounded steps, except events; resumable. Resolves to the number of records. */
  purgeTenant(tenant: string): Promise<number>;
  /** The same for one account: its artifacts, devices, picture, mails, uses of the password grant; itself at last. */
  purgeAccount(tenant: string, sub: string): Promise<number>;
  /** Deletes expired records, in bounded steps (SQLite; MongoDB has TTL indexes and resolves to 0). */
  sweep(): Promise<number>;
  /** All durable records (everything but artifacts, counters, events, deliveries, mails and streams of audit records), for a backup. */
  exportRecords(): AsyncIterable<StoredRecord>;
  /**
   * Calls the watcher for each revocation event of any tenant that any process on this store publishes from now on:
   * once, and within half a second. Events from while the store could not be reached follow afterwards; when that is
   * not certain, `lost` is called, and every cache must be emptied.
   */
  watchEvents(watcher: EventWatcher): Promise<{ close(): Promise<void> }>;
  /** Tenants that have deliveries (mails) due at `nowMs`. */
  tenantsWithDueDeliveries(nowMs: number): Promise<readonly string[]>;
  tenantsWithDueMails(nowMs: number): Promise<readonly string[]>;
  /** Tenants that have accounts whose `deleteAt` is `nowMs` or before. */
  tenantsWithDueDeletions(nowMs: number): Promise<readonly string[]>;
  /** Tenants that have accounts whose oldest former address ended at `nowMs` or before. */
  tenantsWithEndedEmails(nowMs: number): Promise<readonly string[]>;
  /** Tenants that have API keys whose `noticeAt` is `nowMs` or before. */
  tenantsWithDueKeyNotices(nowMs: number): Promise<readonly string[]>;
  /** Tenants that have audit records of `untilMs` or before without a mark. */
  tenantsWithUnmarkedAudit(untilMs: number): Promise<readonly string[]>;
  /** Writes records of a backup; an existing record with the same key is replaced. */
  importRecords(records: AsyncIterable<StoredRecord>): Promise<number>;
  /** Deletes all artifacts and counters of all tenants: sessions, codes, tokens. */
  dropEphemeral(): Promise<void>;
  close(): Promise<void>;
}

export interface TenantStorage {
  readonly artifacts: Artifacts;
  readonly accounts: AccountRecords;
  readonly keys: KeyRecords;
  readonly counters: Counters;
  readonly usage: PasswordGrantUsage;
  readonly audit: AuditRecords;
  readonly auditChain: AuditChainRecords;
  readonly auditStreams: AuditStreams;
  readonly events: RevocationEvents;
  readonly deliveries: StoredQueue<LogoutDelivery>;
  readonly mails: StoredMails;
  readonly pictures: PictureRecords;
  readonly apiKeys: ApiKeyRecords;
  readonly devices: DeviceRecords;
}

/** `pending`: no person has claimed it; `claimed`: one person is deciding; `decided`: approved or refused. */
export type Phase = 'pending' | 'claimed' | 'decided';

export interface Artifact {
  readonly kind: ArtifactKind;
  /** Unique within (tenant, kind). Already a hash where the id is a bearer secret. */
  readonly id: string;
  /** Opaque to the store. */
  readonly payload: string;
  /** Epoch seconds; absent from this second on. */
  readonly expiresAt: number;
  /** Links, for reading related records in one trip: the id of a Grant, of a Session, the sub of an account. */
  readonly grantId?: string;
  readonly sessionUid?: string;
  readonly accountId?: string;
  /** DeviceCode: its user code, unique within the tenant. */
  readonly userCode?: string;
  /** DeviceCode: see `replaceInPhase`. */
  readonly phase?: Phase;
  /** Session: one entry per client, merged on write (`mergeSession`). Values are opaque. */
  readonly authorizations?: Readonly<Record<string, string>>;
  /**
   * Session, GatewaySession: epoch seconds of the sign-in; absent before any sign-in. See `mergeSession`. RefreshToken: the
   * same, of one that ends with no session and no device. See `signInsOf`.
   */
  readonly signedInAt?: number;
  /** Epoch milliseconds of the winning `consume`. Never set by the caller. */
  readonly consumedAt?: number;
}

export type ArtifactRef =
  | { readonly kind: ArtifactKind; readonly id: string }
  | { readonly kind: 'DeviceCode'; readonly userCode: string };

/** The result of one trip: the artifacts asked for, and the records that they are linked to. */
export interface Loaded {
  readonly artifacts: readonly Artifact[];
  /**
   * Of the artifacts asked for that carry such links: their Grant (`grantId`), Session (`sessionUid`) and
   * account (`accountId`). Links are followed one step.
   */
  readonly linkedArtifacts: readonly Artifact[];
  readonly linkedAccounts: readonly AccountRecord[];
}

export type ArtifactWrite =
  /**
   * Stores the artifact; replaces one of the same id. With `onlyIfStored` it is written only if one is still stored.
   */
  | { readonly op: 'put'; readonly artifact: Artifact; readonly onlyIfStored?: boolean }
  /** Stores the artifact unless one of the same id is there, expired, or was just removed: the first writer wins. */
  | { readonly op: 'insert'; readonly artifact: Artifact }
  /**
   * Session only. When one with this id and the same accountId (or, like this one, none) is stored, sets the
   * given authorizations, drops `removed`, keeps the others and replaces the rest; else replaces all. Atomic: of
   * parallel merges none loses an entry. With `onlyIfStored` it is written only if one is still stored.
   * A request that began earlier does not undo a stored session of a later sign-in (`signedInAt`): only the
   * authorizations are merged then, and nothing at all when the account differs.
   */
  | {
      readonly op: 'mergeSession';
      readonly artifact: Artifact;
      readonly removed: readonly string[];
      readonly onlyIfStored?: boolean;
    }
  /** The artifact is absent afterwards; the engine may keep a marker in its place. */
  | { readonly op: 'remove'; readonly kind: ArtifactKind; readonly id: string }
  /** Removes all AccessToken, RefreshToken, AuthorizationCode and DeviceCode artifacts with this grantId. */
  | { readonly op: 'removeByGrant'; readonly grantId: string };

export interface PollOutcome {
  readonly artifact: Artifact;
  /** True when this poll came sooner than the interval allowed. The interval has then grown by five seconds. */
  readonly tooSoon: boolean;
}

export interface SignInPlace {
  readonly signedInAt: number;
  readonly id: string;
}

export interface SignInsPage {
  readonly kind: 'Session' | 'GatewaySession' | 'RefreshToken';
  /** Only those behind this one. */
  readonly after?: SignInPlace;
  readonly limit: number;
}

export interface Artifacts {
  /**
   * One trip for all refs and their links. Absent and expired ones are missing from the result, whose order is
   * not that of the refs.
   */
  load(refs: readonly ArtifactRef[]): Promise<Loaded>;
  /** One trip, in order, for all writes but `removeByGrant`, each of which may cost one of its own. */
  write(writes: readonly ArtifactWrite[]): Promise<void>;
  /** Insert-only with an answer: false when an unexpired one with this id is there already. */
  tryInsert(artifact: Artifact): Promise<boolean>;
  /**
   * Compare-and-set of `consumedAt`. Exactly one of all callers on all instances gets `won: true`; the others get the
   * winner's time. `undefined` when absent. Never moves the expiry.
   */
  consume(
    kind: ArtifactKind,
    id: string,
    nowMs: number,
  ): Promise<{ won: boolean; consumedAt: number } | undefined>;
  /**
   * Replaces a DeviceCode only if its stored phase is one of `from` and it is not consumed; false otherwise.
   * Keeps `consumedAt` and the poll state.
   */
  replaceInPhase(artifact: Artifact, from: readonly Phase[]): Promise<boolean>;
  /**
   * Reads a DeviceCode and, in the same atomic step, notes the poll (RFC 8628 section 3.5). The first poll is
   * free; one that comes sooner than `intervalSeconds` after the last (half a second of tolerance) is too soon
   * and adds five seconds to the stored interval. Does not follow links.
   */
  poll(id: string, nowMs: number, intervalSeconds: number): Promise<PollOutcome | undefined>;
  /** All Sessions of an account that have not expired. */
  sessionsOf(accountId: string): Promise<readonly Artifact[]>;
  /** All GatewaySessions of an account that have not expired and end with no Session (`sessionUid`). */
  gatewaySessionsOf(accountId: string): Promise<readonly Artifact[]>;
  /** GatewaySessions that end with one of these Sessions and have not expired; at most `limit`. */
  gatewaySessionsWith(sessionIds: readonly string[], limit: number): Promise<readonly Artifact[]>;
  /**
   * What an account is signed in by, of one kind, that has not expired: the latest sign-in first, those of one second by id,
   * descending. Sessions; GatewaySessions that end with no Session; RefreshTokens that have a `signedInAt` and are not
   * consumed, in place of whose own id, which each refresh replaces, counts that of the grant.
   */
  signInsOf(accountId: string, page: SignInsPage): Promise<readonly Artifact[]>;
  /** Grants of an account that have not expired, by id, ascending, after `afterId`. */
  grantsOf(accountId: string, page: PageById): Promise<readonly Artifact[]>;
  /** All AccessTokens, RefreshTokens, AuthorizationCodes and DeviceCodes with this grantId that have not expired. */
  tokensOfGrant(grantId: string): Promise<readonly Artifact[]>;
}
