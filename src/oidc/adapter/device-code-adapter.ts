import { type AdapterPayload, errors } from 'oidc-provider';
import { hashId } from '../../crypto/ids.ts';
import type { Artifact, Phase } from '../../storage/storage.ts';
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
    const { clientId, accountId: sub } = payload;
    this.parts.replays.present({ kind: 'device_code', clientId, sub, isUsed: consumedAt !== undefined });
    if (consumedAt === undefined) return payload;
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

  /** The library writes a code when it is made, claimed and decided. */
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const write = { id, payload, expiresIn };
    switch (phaseOf(payload)) {
      case 'pending':
        return this.#store(write);
      case 'claimed':
        return this.#claim(write);
      case 'decided':
        return payload.error === undefined ? this.#approve(write) : this.#refuse(write);
    }
  }

  async #store(write: CodeWrite): Promise<void> {
    await this.parts.deviceCodes.throttleStart();
    await this.write((scope) => scope.stage({ op: 'insert', artifact: this.#artifactOf(write) }));
  }

  async #claim(write: CodeWrite): Promise<void> {
    await this.#replace(write, ['pending']);
  }

  async #refuse(write: CodeWrite): Promise<void> {
    await this.#replace(write, undecided);
  }

  async #approve(write: CodeWrite): Promise<void> {
    const approved = this.parts.deviceSignIns.approve(write.payload);
    await this.#replace({ ...write, payload: approved.payload }, undecided);
    await approved.keepGrant();
  }

  /** Compare-and-set, at once: of two people only one gets the code. */
  async #replace(write: CodeWrite, from: readonly Phase[]): Promise<void> {
    const artifact = this.#artifactOf(write);
    if (!(await this.parts.storage.artifacts.replaceInPhase(artifact, from))) {
      throw new errors.InvalidRequest('this code was used already');
    }
    this.parts.scope().remember(artifact);
  }

  #artifactOf({ id, payload, expiresIn }: CodeWrite): Artifact {
    const artifact = toArtifact('DeviceCode', id, payload, this.expiryOf(payload, expiresIn));
    const { hashOf, keptBeyondExpiry } = this.parts.deviceCodes;
    return keptBeyondExpiry({ ...artifact, id: hashOf(id) }, payload);
  }
}

interface CodeWrite {
  readonly id: string;
  readonly payload: AdapterPayload;
  readonly expiresIn: number | undefined;
}

const undecided: readonly Phase[] = ['pending', 'claimed'];
