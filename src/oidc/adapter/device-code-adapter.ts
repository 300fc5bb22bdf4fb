import { type AdapterPayload, errors } from 'oidc-provider';
import { hashId } from '../../crypto/ids.ts';
import type { Artifact } from '../../storage/storage.ts';
import { ArtifactAdapter } from './artifact-adapter.ts';
import { phaseOf, toArtifact, toPayload } from './artifact-payload.ts';

/** Device codes, found by the code that the device polls with or by the code that a person types (RFC 8628). */
export class DeviceCodeAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    if (this.parts.deviceCodes.isPoll()) {
      const artifact = await this.parts.deviceCodes.poll(hashId(id));
      if (artifact === undefined) return undefined;
      await this.#fetchLinks(artifact);
      return this.#withoutGrace(toPayload(artifact, id), artifact.consumedAt);
    }
    const artifact = await this.parts
      .scope()
      .find({ kind: 'DeviceCode', id: this.parts.deviceCodes.hashOf(id) });
    return artifact === undefined ? undefined : toPayload(artifact, id);
  }

  /**
   * A device whose answer was lost asks again: refused, but no reason for the library to take back what it got. A device
   * has a grant of its own, so after the grace only that ends.
   */
  #withoutGrace(payload: AdapterPayload, consumedAt: number | undefined): AdapterPayload {
    if (consumedAt === undefined) return payload;
    const { clientId, accountId: sub } = payload;
    const isInGrace = this.parts.replays.isInGrace(clientId, consumedAt);
    if (isInGrace) delete payload.consumed;
    const reason = isInGrace ? 'repeated_in_grace' : 'tokens_revoked';
    this.parts.replays.note({ action: 'device_code.replay', reason, clientId, sub });
    return payload;
  }

  /** After a decided code its session and grant are looked up: one trip for all. */
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

  /** Claiming, approving and refusing use compare-and-set: only one of two people gets the code. */
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const phase = phaseOf(payload);
    const isApproved = phase === 'decided' && payload.error === undefined;
    const approved = isApproved ? this.parts.deviceSignIns.approve(payload) : undefined;
    const kept = approved?.payload ?? payload;
    const artifact = this.parts.deviceCodes.keptBeyondExpiry(
      {
        ...toArtifact('DeviceCode', id, kept, this.expiryOf(kept, expiresIn)),
        id: this.parts.deviceCodes.hashOf(id),
      },
      payload,
    );
    if (phase === 'pending') await this.parts.deviceCodes.throttleStart();
    if (phase === 'pending') {
      await this.write((scope) => scope.stage({ op: 'insert', artifact }));
      return;
    }
    const from = phase === 'claimed' ? (['pending'] as const) : (['pending', 'claimed'] as const);
    if (!(await this.parts.storage.artifacts.replaceInPhase(artifact, from))) {
      throw new errors.InvalidRequest('this code was used already');
    }
    this.parts.scope().remember(artifact);
    await approved?.keep();
  }
}
