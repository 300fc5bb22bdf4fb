/** argon2id (RFC 9106). */
export interface HashCost {
  readonly memoryKiB: number;
  readonly iterations: number;
  readonly parallelism: number;
}

/** `relay`: a proxy of a dozen lines in front of `targetOrigin`, for what Node and undici cost alone. */
export type TargetKind = 'hello' | 'bare' | 'drawbridge' | 'relay';

/** What the process of a target is started as. */
export interface TargetTask {
  readonly kind: TargetKind;
  readonly port: number;
  /** `file:<folder>` or `mongodb://…` */
  readonly storageUrl: string;
  readonly hashing: HashCost;
  /** Master key for Drawbridge. */
  readonly secretKey: string;
  /** Folder of tenant files. */
  readonly tenantsDirectory: string;
  /** So many tenants stay built; absent: as shipped. */
  readonly warmLimit?: number;
  /** More settings, as variables of the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly targetOrigin?: string;
}

export interface Usage {
  /** User and system time of the process, all threads, in microseconds. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

/** What the parent asks, and what the process answers. */
export type TargetRequest = { readonly start: TargetTask } | 'usage' | 'stop';
export type TargetReply = 'started' | { readonly failed: string } | { readonly usage: Usage };
