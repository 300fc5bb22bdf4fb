import type { AdapterPayload } from 'oidc-provider';
import { hashId } from '../../crypto/ids.ts';
import type { Artifact } from '../../storage/storage.ts';
import { isTokenSessionAlive, linksOfJwt } from '../tokens/access-token-jwt.ts';
import { ArtifactAdapter } from './artifact-adapter.ts';
import { toArtifact, toPayload } from './artifact-payload.ts';

/**
 * A refresh token inside the grace of its rotation counts as not consumed, as long as its successor is unused:
 * a client that lost the answer asks again and gets the same successor (see docs/architecture.md, Refresh).
 */
export class RefreshTokenAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const [artifact, successor] = await this.parts.scope().findAll([
      { kind: 'RefreshToken', id: hashId(id) },
      { kind: 'RefreshToken', id: hashId(this.parts.rotation.successorOf(id)) },
    ]);
    if (artifact === undefined) return undefined;
    const payload = toPayload(artifact, id);
    const { clientId, accountId: sub } = payload;
    this.parts.replays.present({
      kind: 'refresh_token',
      clientId,
      sub,
      isUsed: artifact.consumedAt !== undefined,
    });
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

/** Also answers for JWT access tokens of ours that `introspection` or `revocation` was asked about. */
export class AccessTokenAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const handle = this.parts.jwtHandles.find(id);
    if (handle === undefined) return super.find(id);
    if (handle.payload.kind !== this.kind) return undefined;
    const links = await this.parts.scope().findAll(linksOfJwt(handle));
    const stored = links.filter((artifact) => artifact !== undefined);
    if (stored.some(({ kind }) => kind === 'RevokedToken')) return undefined;
    return isTokenSessionAlive(handle, stored) ? handle.payload : undefined;
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

/** The provider's message depends on the kind of token that was used twice; see `noticeReplays`. */
export class UsedAlready extends Error {}

/** RFC 7523 section 3 and RFC 9449 section 11.1: the insert decides, not a look-up before it. */
export class ReplayDetectionAdapter extends ArtifactAdapter {
  override find(_id: string): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const artifact = toArtifact('ReplayDetection', id, payload, this.expiryOf(payload, expiresIn));
    if (!(await this.parts.storage.artifacts.tryInsert(artifact))) {
      throw new UsedAlready();
    }
  }
}
