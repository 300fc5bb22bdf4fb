// The part of the storage port that says how far the audit records of a tenant were delivered to other systems.

/** Of one receiver. */
export interface AuditStreamState {
  /** Number of the last record that was delivered; 0: none was. */
  readonly seq: number;
  /** Attempts that failed since. */
  readonly failures: number;
  /** Epoch milliseconds from which on it may be tried. */
  readonly nextAttemptAt: number;
  readonly lastAttemptAt?: number;
  /** For the operator: a status of the receiver, or the code of an error. */
  readonly lastOutcome?: string;
}

export interface AuditStreamTurn {
  /** The process; unique. */
  readonly holder: string;
  /** Epoch milliseconds until which no other process has the stream. */
  readonly leaseUntilMs: number;
}

/** A lease or pause that ends further ahead was stored by a process with a wrong clock, and counts as over. */
export const longestLeaseMs = 120_000;
export const longestPauseMs = 600_000;

export interface AuditStreams {
  /**
   * Takes the stream for one process, and creates it when it is not there. Undefined while another process has it, and before
   * its next attempt. The holder can take it again. A lease of more than `longestLeaseMs` from now is over, and so is a pause of more
   * than `longestPauseMs`.
   */
  claim(
    target: string,
    turn: AuditStreamTurn & { readonly nowMs: number },
  ): Promise<AuditStreamState | undefined>;
  /** Stores how far it is. False, and nothing is stored, when another process has taken the stream meanwhile. */
  settle(target: string, state: AuditStreamState, turn: AuditStreamTurn): Promise<boolean>;
  list(): Promise<readonly (AuditStreamState & { readonly target: string })[]>;
}
