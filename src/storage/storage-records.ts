// The part of the storage port that keeps signing keys, counters, use of the password grant, and the audit record.
/** A page of a list in ascending order. */
export interface PageById {
  readonly afterId?: string;
  readonly limit: number;
}

export interface KeyRecord {
  readonly kid: string;
  /** JWS algorithm, e.g. `RS256`, `Ed25519`. */
  readonly alg: string;
  /** Slot that at most one key fills, now and later, e.g. `RS256/1`. */
  readonly slot: string;
  /** Encrypted private JWK; see crypto/sealed-box. */
  readonly sealed: string;
  readonly createdAt: number;
}

export interface KeyRecords {
  list(): Promise<readonly KeyRecord[]>;
  /** Stores the key unless its slot is filled; resolves to the key that fills the slot. */
  putIfAbsent(key: KeyRecord): Promise<KeyRecord>;
}

export interface CounterState {
  readonly count: number;
  /** Epoch milliseconds when the window ends and the count starts anew. */
  readonly endsAt: number;
}

export interface Counters {
  /** Adds `points` atomically and resolves to the state after it. A window starts with its first hit. */
  add(
    key: string,
    hit: { readonly points: number; readonly windowMs: number; readonly nowMs: number },
  ): Promise<CounterState>;
  find(key: string, nowMs: number): Promise<CounterState | undefined>;
  reset(key: string): Promise<void>;
}

export interface PasswordGrantReport {
  readonly clientId: string;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly lastUsedAt: number;
  readonly distinctUsers: number;
}

export interface PasswordGrantUsage {
  record(use: { readonly clientId: string; readonly sub: string; readonly nowMs: number }): Promise<void>;
  report(): Promise<readonly PasswordGrantReport[]>;
}

export interface AuditRecord {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly action: string;
  readonly outcome: 'success' | 'failure';
  /**
   * A sub, `cli`, `drawbridge`, the id of a source, the name that was tried (`typedActor`), or `unknown`: somebody who has proven
   * nothing.
   */
  readonly actor: string;
  /** Kind of the actor; see `src/audit/actor-kind.ts`. Absent in records of before it was noted, as the members below are. */
  readonly actorKind?: string;
  /** Where it came in: `cli`, or as `RequestChannel`. */
  readonly channel?: string;
  readonly object?: string;
  readonly address?: string;
  readonly userAgent?: string;
  /** A hash, as lists of sessions show it; never what the cookie has. */
  readonly session?: string;
  readonly clientId?: string;
  readonly reason?: string;
  readonly requestId?: string;
  /** Of the answer. */
  readonly errorId?: string;
}

export interface AuditRecords {
  append(record: AuditRecord): Promise<void>;
  /** Newest first; all, or those whose actor or object is this account. */
  list(page: {
    readonly sub?: string;
    readonly beforeId?: string;
    readonly limit: number;
  }): Promise<readonly AuditRecord[]>;
}

/**
 * A record of a backup, engine-neutral. `value` is JSON. `key` of a signing key is its slot: the backup's key fills
 * it.
 */
export interface StoredRecord {
  readonly collection:
    | 'accounts'
    | 'keys'
    | 'usage'
    | 'audit'
    | 'auditLinks'
    | 'auditCheckpoints'
    | 'devices'
    | 'pictures'
    | 'apiKeys'
    | 'installation';
  readonly tenant: string;
  readonly key: string;
  readonly value: unknown;
}
