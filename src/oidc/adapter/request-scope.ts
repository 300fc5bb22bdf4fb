import type {
  AccountRecord,
  Artifact,
  ArtifactRef,
  ArtifactWrite,
  TenantStorage,
} from '../../storage/storage.ts';

/**
 * The records of the store that one HTTP request has read or will write, so that few trips suffice: look-ups of one
 * tick share a trip, linked records are remembered, and writes wait until the response is about to be sent.
 * Compare-and-set operations never wait; they are sent to the store at once.
 */
export interface RequestScope {
  /** The artifact, or undefined. Unsaved writes of this request are seen. */
  find(ref: ArtifactRef): Promise<Artifact | undefined>;
  /** Like `find` for several that are wanted together, in the order asked. */
  findAll(refs: readonly ArtifactRef[]): Promise<readonly (Artifact | undefined)[]>;
  /** The record as this request read it, without writes that were staged since; no trip. */
  loaded(kind: Artifact['kind'], id: string): Artifact | undefined;
  /** The account with this sub; no trip when it came along with something else. */
  account(sub: string): Promise<AccountRecord | undefined>;
  /** Notes a write for `flush`. */
  stage(write: ArtifactWrite): void;
  /** Drops staged removals of this artifact, so that it is kept. */
  unstageRemoval(kind: Artifact['kind'], id: string): void;
  /** Remembers an artifact that was read by another operation. */
  remember(artifact: Artifact): void;
  /**
   * One trip for everything staged.
   * @throws AppError `unavailable`; nothing staged may then be reported as done.
   */
  flush(): Promise<void>;
}

const keyOf = (kind: string, id: string): string => `${kind}|${id}`;

const refKey = (ref: ArtifactRef): string =>
  'id' in ref ? keyOf(ref.kind, ref.id) : `userCode|${ref.userCode}`;

interface Waiting {
  readonly ref: ArtifactRef;
  readonly settle: (artifact: Artifact | undefined) => void;
  readonly fail: (error: unknown) => void;
}

export class StoreRequestScope implements RequestScope {
  readonly #storage: TenantStorage;
  readonly #known = new Map<string, Artifact | undefined>();
  readonly #loaded = new Map<string, Artifact>();
  readonly #accounts = new Map<string, AccountRecord | undefined>();
  #staged: ArtifactWrite[] = [];
  #waiting: Waiting[] = [];

  constructor(storage: TenantStorage) {
    this.#storage = storage;
  }

  find(ref: ArtifactRef): Promise<Artifact | undefined> {
    const key = refKey(ref);
    if (this.#known.has(key)) return Promise.resolve(this.#known.get(key));
    return new Promise((settle, fail) => {
      this.#waiting.push({ ref, settle, fail });
      if (this.#waiting.length === 1) process.nextTick(() => void this.#loadWaiting());
    });
  }

  findAll(refs: readonly ArtifactRef[]): Promise<readonly (Artifact | undefined)[]> {
    return Promise.all(refs.map((ref) => this.find(ref)));
  }

  loaded(kind: Artifact['kind'], id: string): Artifact | undefined {
    return this.#loaded.get(keyOf(kind, id));
  }

  async account(sub: string): Promise<AccountRecord | undefined> {
    if (!this.#accounts.has(sub)) this.#accounts.set(sub, await this.#storage.accounts.findBySub(sub));
    return this.#accounts.get(sub);
  }

  stage(write: ArtifactWrite): void {
    this.#staged.push(write);
    if (write.op === 'remove') this.#known.set(keyOf(write.kind, write.id), undefined);
    else if (write.op !== 'removeByGrant') this.remember(write.artifact);
  }

  unstageRemoval(kind: Artifact['kind'], id: string): void {
    this.#staged = this.#staged.filter(
      (write) => write.op !== 'remove' || write.kind !== kind || write.id !== id,
    );
  }

  remember(artifact: Artifact): void {
    this.#known.set(keyOf(artifact.kind, artifact.id), artifact);
  }

  async flush(): Promise<void> {
    if (this.#staged.length === 0) return;
    const writes = this.#staged;
    this.#staged = [];
    await this.#storage.artifacts.write(writes);
  }

  async #loadWaiting(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const refs = new Map(waiting.map(({ ref }) => [refKey(ref), ref]));
      const loaded = await this.#storage.artifacts.load([...refs.values()]);
      for (const artifact of [...loaded.linkedArtifacts, ...loaded.artifacts]) this.#rememberLoaded(artifact);
      for (const account of loaded.linkedAccounts) this.#accounts.set(account.sub, account);
      for (const artifact of loaded.artifacts) this.#noteMissingLinks(artifact);
      for (const [key] of refs) if (!this.#known.has(key)) this.#known.set(key, undefined);
      for (const { ref, settle } of waiting) settle(this.#known.get(refKey(ref)));
    } catch (error) {
      for (const { fail } of waiting) fail(error);
    }
  }

  /** A write of this request that is not stored yet takes precedence over the store. */
  #rememberLoaded(artifact: Artifact): void {
    this.#loaded.set(keyOf(artifact.kind, artifact.id), artifact);
    if (!this.#known.has(keyOf(artifact.kind, artifact.id))) this.remember(artifact);
    if (artifact.userCode !== undefined) this.#known.set(`userCode|${artifact.userCode}`, artifact);
  }

  /** An absent linked record is remembered too; another look-up would cost a trip. */
  #noteMissingLinks(artifact: Artifact): void {
    const { grantId, sessionUid, accountId } = artifact;
    if (grantId !== undefined && !this.#known.has(keyOf('Grant', grantId)))
      this.#known.set(keyOf('Grant', grantId), undefined);
    if (sessionUid !== undefined && !this.#known.has(keyOf('Session', sessionUid)))
      this.#known.set(keyOf('Session', sessionUid), undefined);
    if (accountId !== undefined && !this.#accounts.has(accountId)) this.#accounts.set(accountId, undefined);
  }
}
