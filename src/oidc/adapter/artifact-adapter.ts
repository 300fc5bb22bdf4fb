import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Clock } from '../../clock.ts';
import { hashId } from '../../crypto/ids.ts';
import type { ArtifactKind } from '../../storage/artifact-kind.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { DeviceCodes } from '../grants/device-codes.ts';
import type { DeviceSignIns } from '../grants/device-sign-ins.ts';
import type { Replays } from '../provider/replays.ts';
import type { CodeTokens } from '../tokens/code-tokens.ts';
import type { JwtHandles } from '../tokens/jwt-handles.ts';
import type { RefreshRotation } from '../tokens/refresh-rotation.ts';
import type { AnonymousStarts } from './anonymous-starts.ts';
import { toArtifact, toPayload } from './artifact-payload.ts';
import type { RequestScope } from './request-scope.ts';

/** The parts that the adapters of one tenant share. */
export interface AdapterParts {
  readonly storage: TenantStorage;
  readonly clock: Clock;
  /** The scope of the request in progress; a fresh one, flushed after each write, outside of a request. */
  readonly scope: () => RequestScope;
  /** True while a request is in progress, or work like one (`inOwnScope`), whose writes are flushed at its end. */
  readonly isInRequest: () => boolean;
  readonly rotation: RefreshRotation;
  readonly deviceCodes: DeviceCodes;
  readonly starts: AnonymousStarts;
  readonly deviceSignIns: Pick<DeviceSignIns, 'approve'>;
  readonly jwtHandles: JwtHandles;
  readonly replays: Pick<Replays, 'isInGrace' | 'note' | 'present'>;
  readonly codeTokens: CodeTokens;
  /** False where an interaction is resumed by a browser other than the one that submitted its result. */
  readonly mayResume: (proofHash: unknown) => boolean;
  /** A session is written again only when its expiry moved by more than this, in seconds. */
  readonly sessionTouchSeconds: number;
}

const insertOnly: ReadonlySet<ArtifactKind> = new Set([
  'AuthorizationCode',
  'AccessToken',
  'ClientCredentials',
  'RefreshToken',
  'PushedAuthorizationRequest',
]);

/** The behaviour of every model: hashed ids, writes that wait for the end of the request. */
export class ArtifactAdapter implements Adapter {
  protected readonly kind: ArtifactKind;
  protected readonly parts: AdapterParts;

  constructor(kind: ArtifactKind, parts: AdapterParts) {
    this.kind = kind;
    this.parts = parts;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const artifact = await this.parts.scope().find({ kind: this.kind, id: hashId(id) });
    return artifact === undefined ? undefined : toPayload(artifact, id);
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    if (this.kind === 'PushedAuthorizationRequest') await this.parts.starts.pushedRequest();
    const artifact = toArtifact(this.kind, id, payload, this.expiryOf(payload, expiresIn));
    await this.write((scope) => scope.stage({ op: insertOnly.has(this.kind) ? 'insert' : 'put', artifact }));
  }

  async consume(id: string): Promise<void> {
    const outcome = await this.parts.storage.artifacts.consume(this.kind, hashId(id), this.parts.clock.now());
    if (outcome?.won !== true) throw this.alreadyConsumed();
  }

  async destroy(id: string): Promise<void> {
    await this.write((scope) => scope.stage({ op: 'remove', kind: this.kind, id: hashId(id) }));
  }

  /** The provider asks once for each kind of token; the store removes all kinds at once. */
  async revokeByGrantId(grantId: string): Promise<void> {
    if (this.kind !== 'AccessToken') return;
    await this.write((scope) => scope.stage({ op: 'removeByGrant', grantId: hashId(grantId) }));
  }

  findByUid(_uid: string): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  findByUserCode(_userCode: string): Promise<AdapterPayload | undefined> {
    return Promise.resolve(undefined);
  }

  protected alreadyConsumed(): Error {
    return this.kind === 'PushedAuthorizationRequest'
      ? new errors.InvalidRequestUri('request_uri was used already')
      : new errors.InvalidGrant('already consumed');
  }

  protected expiryOf(payload: AdapterPayload, expiresIn: number | undefined): number {
    return payload.exp ?? Math.floor(this.parts.clock.now() / 1000) + (expiresIn ?? 0);
  }

  protected async write(change: (scope: RequestScope) => void): Promise<void> {
    const scope = this.parts.scope();
    change(scope);
    if (!this.parts.isInRequest()) await scope.flush();
  }
}
