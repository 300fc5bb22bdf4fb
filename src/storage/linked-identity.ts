/** One person at one source. */
export interface LinkedIdentity {
  readonly source: string;
  readonly issuer?: string;
  readonly subject: string;
  /** Epoch milliseconds. */
  readonly linkedAt: number;
  /** Epoch milliseconds of the last sign-in or look-up that the source answered. */
  readonly checkedAt: number;
  /** Epoch milliseconds since when the source no longer knows this person. */
  readonly goneAt?: number;
}
