// The part of the storage port that keeps the devices that people have let in (RFC 8628).

export interface DeviceRecord {
  /** Unique within the tenant. */
  readonly id: string;
  /** Whose it is. */
  readonly sub: string;
  readonly clientId: string;
  /** What its owner, or the device itself, calls it. */
  readonly name?: string;
  readonly model?: string;
  readonly serial?: string;
  /** Epoch milliseconds of its first sign-in. */
  readonly createdAt: number;
  /** Epoch milliseconds when it last got a token. */
  readonly lastSeenAt: number;
  /** Id of the Grant artifact on which its tokens hang. */
  readonly grantId: string;
  /** Id of the Session artifact with which its sign-in ends; absent when it outlives that. */
  readonly sessionId?: string;
  /** Epoch milliseconds; absent from then on: its grant has ended, whatever happened until then. */
  readonly expiresAt: number;
}

export interface DeviceRecords {
  /**
   * Stores the device as it signs in. One that is known already keeps its `createdAt`, and its name where it has one.
   * Resolves to what was stored before; of any number of callers each gets the one that it replaced.
   */
  signIn(device: DeviceRecord): Promise<DeviceRecord | undefined>;
  find(id: string): Promise<DeviceRecord | undefined>;
  /** By id, ascending, after `afterId`; of one person, or of all. */
  list(page: {
    readonly sub?: string;
    readonly afterId?: string;
    readonly limit: number;
  }): Promise<readonly DeviceRecord[]>;
  /** False when absent. */
  rename(id: string, name: string): Promise<boolean>;
  /** Moves `lastSeenAt` to `nowMs` if that is `minimumGapMs` or more after it; does nothing when absent. */
  seen(id: string, use: { readonly nowMs: number; readonly minimumGapMs: number }): Promise<void>;
  /** Resolves to what was removed: of any number of callers one gets it. */
  remove(id: string): Promise<DeviceRecord | undefined>;
}
