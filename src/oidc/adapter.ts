import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Clock } from '../clock.ts';
import { hashId } from '../crypto/ids.ts';
import type { Artifact, ArtifactKind, TenantStorage } from '../storage/storage.ts';
import {
  phaseOf,
  toArtifact,
  toPayload,
  toSession,
  toSessionCookie,
  toSessionPayload,
} from './artifact-payload.ts';
import type { DeviceCodes } from './device-codes.ts';
import type { JwtHandles } from './jwt-handles.ts';
import type { RefreshRotation } from './refresh-rotation.ts';
import type { RequestScope } from './request-scope.ts';

/** What the adapters of one tenant share. */
export interface AdapterParts {
  readonly storage: TenantStorage;
  readonly clock: Clock;
  /** The scope of the request under way; a fresh one, flushed after each write, outside of a request. */
  readonly scope: () => RequestScope;
  /** True while a request is under way whose writes are flushed at its end. */
  readonly isInRequest: () => boolean;
  readonly rotation: RefreshRotation;
  readonly deviceCodes: DeviceCodes;
  readonly jwtHandles: JwtHandles;
  /** A session is written again only when its expiry moved by more than this, in seconds. */
  readonly sessionTouchSeconds: number;
}

/** The provider's models in the words of the store; see security.md 4.4 for what each must guarantee. */
export const createAdapter = (kind: string, parts: AdapterParts): Adapter => {
  switch (kind) {
    case 'Session':
      return new SessionAdapter(parts);
    case 'RefreshToken':
      return new RefreshTokenAdapter('RefreshToken', parts);
    case 'DeviceCode':
      return new DeviceCodeAdapter('DeviceCode', parts);
    case 'ReplayDetection':
      return new ReplayDetectionAdapter('ReplayDetection', parts);
    case 'AccessToken':
    case 'ClientCredentials':
      return new AccessTokenAdapter(kind, parts);
    case 'Interaction':
      return new InteractionAdapter('Interaction', parts);
    case 'Grant':
    case 'AuthorizationCode':
    case 'PushedAuthorizationRequest':
      return new ArtifactAdapter(kind, parts);
    default:
      throw new Error(`the provider asked for a store of ${kind}, which no feature in use needs`);
  }
};

const insertOnly: ReadonlySet<ArtifactKind> = new Set([
  'AuthorizationCode',
  'AccessToken',
  'ClientCredentials',
  'RefreshToken',
  'PushedAuthorizationRequest',
]);

class ArtifactAdapter implements Adapter {
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

/**
 * A refresh token inside the grace of its rotation counts as not consumed, as long as its successor is unused:
 * a client that lost the answer asks again and gets the same successor (security.md 4.3).
 */
class RefreshTokenAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const [artifact, successor] = await this.parts.scope().findAll([
      { kind: 'RefreshToken', id: hashId(id) },
      { kind: 'RefreshToken', id: hashId(this.parts.rotation.successorOf(id)) },
    ]);
    if (artifact === undefined) return undefined;
    const payload = toPayload(artifact, id);
    if (artifact.consumedAt !== undefined && successor?.consumedAt === undefined) {
      if (this.parts.rotation.isInGrace(payload, artifact.consumedAt)) delete payload.consumed;
    }
    return payload;
  }

  override async consume(id: string): Promise<void> {
    const outcome = await this.parts.storage.artifacts.consume(
      'RefreshToken',
      hashId(id),
      this.parts.clock.now(),
    );
    if (outcome?.won === true) return;
    const payload = await this.find(id);
    if (outcome === undefined || payload === undefined) throw this.alreadyConsumed();
    if (!this.parts.rotation.isInGrace(payload, outcome.consumedAt)) throw this.alreadyConsumed();
  }
}

class DeviceCodeAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    if (this.parts.deviceCodes.isPoll()) {
      const artifact = await this.parts.deviceCodes.poll(hashId(id));
      if (artifact === undefined) return undefined;
      await this.#fetchLinks(artifact);
      return toPayload(artifact, id);
    }
    const artifact = await this.parts
      .scope()
      .find({ kind: 'DeviceCode', id: this.parts.deviceCodes.hashOf(id) });
    return artifact === undefined ? undefined : toPayload(artifact, id);
  }

  /** A decided code is followed by look-ups of its session and grant: one trip for both. */
  async #fetchLinks({ grantId, sessionUid }: Artifact): Promise<void> {
    await this.parts
      .scope()
      .findAll([
        ...(grantId === undefined ? [] : [{ kind: 'Grant' as const, id: grantId }]),
        ...(sessionUid === undefined ? [] : [{ kind: 'Session' as const, uid: sessionUid }]),
      ]);
  }

  override async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    await this.parts.deviceCodes.throttleEntry();
    const artifact = await this.parts.scope().find({ kind: 'DeviceCode', userCode: hashId(userCode) });
    return artifact === undefined
      ? undefined
      : toPayload(artifact, this.parts.deviceCodes.handleOf(artifact.id));
  }

  /** Claiming, approving and refusing are decided by compare-and-set: of two people only one gets the code. */
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const artifact = this.parts.deviceCodes.keptBeyondExpiry(
      {
        ...toArtifact('DeviceCode', id, payload, this.expiryOf(payload, expiresIn)),
        id: this.parts.deviceCodes.hashOf(id),
      },
      payload,
    );
    const phase = phaseOf(payload);
    if (phase === 'pending') {
      await this.write((scope) => scope.stage({ op: 'insert', artifact }));
      return;
    }
    const from = phase === 'claimed' ? (['pending'] as const) : (['pending', 'claimed'] as const);
    if (!(await this.parts.storage.artifacts.replaceInPhase(artifact, from))) {
      throw new errors.InvalidRequest('this code was used already');
    }
    this.parts.scope().remember(artifact);
  }
}

/** RFC 7523 section 3 and RFC 9449 section 11.1: the insert decides, not a look-up before it. */
class ReplayDetectionAdapter extends ArtifactAdapter {
  override find(_id: string): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const artifact = toArtifact('ReplayDetection', id, payload, this.expiryOf(payload, expiresIn));
    if (!(await this.parts.storage.artifacts.tryInsert(artifact))) {
      throw new errors.InvalidRequest('the assertion or proof was used already');
    }
  }
}

/** Also answers for JWT access tokens of ours that `introspection` or `revocation` was asked about. */
class AccessTokenAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const handle = this.parts.jwtHandles.find(id);
    if (handle === undefined) return super.find(id);
    if (handle.payload.kind !== this.kind) return undefined;
    const [revoked] = await this.parts
      .scope()
      .findAll([
        { kind: 'RevokedToken', id: handle.revocationId },
        ...(handle.payload.grantId === undefined
          ? []
          : [{ kind: 'Grant' as const, id: hashId(handle.payload.grantId) }]),
      ]);
    return revoked === undefined ? handle.payload : undefined;
  }

  override async destroy(id: string): Promise<void> {
    const handle = this.parts.jwtHandles.find(id);
    if (handle === undefined) return super.destroy(id);
    const artifact: Artifact = {
      kind: 'RevokedToken',
      id: handle.revocationId,
      payload: '',
      expiresAt: handle.payload.exp ?? 0,
    };
    await this.write((scope) => scope.stage({ op: 'put', artifact }));
  }
}

/** An interaction names a session and a device code; neither may be usable by someone who reads the store. */
class InteractionAdapter extends ArtifactAdapter {
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const { cookie: _cookie, ...session } = payload.session ?? {};
    await super.upsert(
      id,
      {
        ...payload,
        ...(payload.session === undefined ? {} : { session }),
        ...(payload.deviceCode === undefined
          ? {}
          : {
              deviceCode: this.parts.deviceCodes.handleOf(this.parts.deviceCodes.hashOf(payload.deviceCode)),
            }),
      },
      expiresIn,
    );
  }
}

class SessionAdapter extends ArtifactAdapter {
  constructor(parts: AdapterParts) {
    super('Session', parts);
  }

  override async find(cookieValue: string): Promise<AdapterPayload | undefined> {
    const session = await this.#findByCookie(cookieValue);
    return session === undefined ? undefined : toSessionPayload(session, cookieValue);
  }

  override async findByUid(uid: string): Promise<undefined> {
    const session = await this.parts.scope().find({ kind: 'Session', uid: hashId(uid) });
    // the declared return type of the base class is narrower than the port's
    return (session === undefined ? undefined : toSessionPayload(session, undefined)) as undefined;
  }

  /** Unchanged sessions are not written on each request; parallel sign-ins of two apps both survive. */
  override async upsert(cookieValue: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    if (payload.uid === undefined) throw new Error('a session has no uid');
    const session = toSession({ ...payload, uid: payload.uid }, this.expiryOf(payload, expiresIn));
    const scope = this.parts.scope();
    const cookie = scope.loaded('SessionCookie', hashId(cookieValue));
    const stored = scope.loaded('Session', session.id);
    if (cookie !== undefined && stored !== undefined && this.#isSame(stored, session)) return;
    const removed = Object.keys(stored?.authorizations ?? {}).filter(
      (key) => session.authorizations?.[key] === undefined,
    );
    await this.write((target) => {
      target.unstageRemoval('Session', session.id);
      target.stage({ op: 'mergeSession', artifact: session, removed });
      target.stage({ op: 'put', artifact: toSessionCookie(cookieValue, session) });
    });
  }

  override async destroy(cookieValue: string): Promise<void> {
    const session = await this.#findByCookie(cookieValue);
    await this.write((scope) => {
      scope.stage({ op: 'remove', kind: 'SessionCookie', id: hashId(cookieValue) });
      if (session !== undefined) scope.stage({ op: 'remove', kind: 'Session', id: session.id });
    });
  }

  async #findByCookie(cookieValue: string): Promise<Artifact | undefined> {
    const cookie = await this.parts.scope().find({ kind: 'SessionCookie', id: hashId(cookieValue) });
    if (cookie?.sessionUid === undefined) return undefined;
    return this.parts.scope().find({ kind: 'Session', uid: cookie.sessionUid });
  }

  #isSame(stored: Artifact, session: Artifact): boolean {
    return (
      stored.payload === session.payload &&
      JSON.stringify(stored.authorizations ?? {}) === JSON.stringify(session.authorizations ?? {}) &&
      Math.abs(session.expiresAt - stored.expiresAt) < this.parts.sessionTouchSeconds
    );
  }
}
