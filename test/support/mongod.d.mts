export interface Mongod {
  /** Without a database name; ends with `/`, or with the query of a replica set. */
  readonly url: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** Kills it with SIGKILL and keeps its files. */
  kill(): Promise<void>;
  /** Stops it in its tracks (SIGSTOP), or lets it go on. */
  pause(): void;
  resume(): void;
  /** Starts it again after `kill`, on the same port and files. */
  restart(): Promise<void>;
  /** Kills it and deletes its files. */
  stop(): Promise<void>;
}

export declare const startMongod: (options?: {
  readonly replicaSet?: boolean;
  readonly ttlMonitorSeconds?: number;
  /** Lets a test break single commands by `configureFailPoint`. */
  readonly failPoints?: boolean;
}) => Promise<Mongod>;
