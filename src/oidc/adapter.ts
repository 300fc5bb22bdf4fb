import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { hashId } from '../crypto/ids.ts';
import type { Artifact } from '../storage/storage.ts';
import { type AdapterParts, ArtifactAdapter } from './artifact-adapter.ts';
import { phaseOf, toArtifact, toPayload } from './artifact-payload.ts';
import { SessionAdapter } from './session-adapter.ts';

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
    case 'Client':
      return noFurtherClients;
    default:
      throw new Error(`the provider asked for a store of ${kind}, which no feature in use needs`);
  }
};

const nothing = (): Promise<undefined> => Promise.resolve(undefined);

/** Asked for clients that are not in the tenant's definition: there are none, and none are ever registered. */
const noFurtherClients: Adapter = {
  find: nothing,
  findByUid: nothing,
  findByUserCode: nothing,
  upsert: nothing,
  consume: nothing,
  destroy: nothing,
  revokeByGrantId: nothing,
};

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
        ...(sessionUid === undefined ? [] : [{ kind: 'Session' as const, id: sessionUid }]),
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
