// The part of the storage port for the devices that people have connected (RFC 8628).

export interface DeviceRecord {
  /** Unique within the tenant. */
  readonly id: string;
  /** The account of its owner. */
  readonly sub: string;
  readonly clientId: string;
  /** The name that its owner, or the device itself, has given. */
  readonly name?: string;
  readonly model?: string;
  readonly serial?: string;
  /** Epoch milliseconds of its first sign-in. */
  readonly createdAt: number;
  /** Epoch milliseconds when it last got a token. */
  readonly lastSeenAt: number;
  /** Id of the Grant artifact that its tokens belong to. */
  readonly grantId: string;
  /** Id of the Session artifact with which its sign-in ends; absent when it outlives that. */
  readonly sessionId?: string;
  /** Epoch milliseconds; absent from this time on, because its grant has ended by then in any case. */
  readonly expiresAt: number;
}

export interface DeviceRecords {
  /**
   * Stores the device as it signs in. A known device keeps its `createdAt`, and its name if it has one. Resolves to the
   * record that was stored before; with many callers, each gets the record that it replaced.
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
  /** Resolves to the removed record: with many callers, exactly one gets it. */
  remove(id: string): Promise<DeviceRecord | undefined>;
}
