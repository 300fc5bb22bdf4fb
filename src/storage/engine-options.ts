import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';

/**
 * `server` is the one process that owns an embedded store's folder; `worker` (its children) and `cli` share it. MongoDB
 * has any number of servers. `restore` has the store alone: it is refused while there is a server, and so is a server
 * while there is a restore.
 */
export type StorageRole = 'server' | 'worker' | 'cli' | 'restore';

/** One MongoDB command or one SQLite transaction. `detail` is the command, for tests that explain it. */
export interface Trip {
  readonly name: string;
  readonly detail?: unknown;
}

export interface StorageOptions {
  /** `file:<folder>` or `mongodb://…`; see `openStorage`. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Connections to MongoDB at most. Default 20. */
  readonly poolSize?: number;
  /** Default `worker`. */
  readonly role?: StorageRole;
  /** Called for each round trip, to count them. */
  readonly onTrip?: (trip: Trip) => void;
}
