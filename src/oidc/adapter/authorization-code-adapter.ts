import type { AdapterPayload } from 'oidc-provider';
import { hashId } from '../../crypto/ids.ts';
import { ArtifactAdapter } from './artifact-adapter.ts';

/**
 * A code that comes again is refused here. The library would take back everything that the app got in this session,
 * also from a client that repeats a request whose answer was lost; so it does not see that the code was used.
 */
export class AuthorizationCodeAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const payload = await super.find(id);
    if (payload === undefined) return undefined;
    const { clientId, accountId: sub, consumed } = payload;
    this.parts.replays.present({ kind: 'code', clientId, sub, isUsed: consumed !== undefined });
    delete payload.consumed;
    return payload;
  }

  override async consume(id: string): Promise<void> {
    const { storage, clock } = this.parts;
    const outcome = await storage.artifacts.consume('AuthorizationCode', hashId(id), clock.now());
    if (outcome?.won === true) return;
    const payload = await this.find(id);
    if (outcome !== undefined && payload !== undefined)
      await this.#noteReplay(id, { payload, consumedAt: outcome.consumedAt });
    throw this.alreadyConsumed();
  }

  /** Client and verifier were right: the library has checked them before. */
  async #noteReplay(
    id: string,
    { payload, consumedAt }: { readonly payload: AdapterPayload; readonly consumedAt: number },
  ): Promise<void> {
    const { replays, scope, codeTokens } = this.parts;
    const { grantId, clientId, accountId: sub } = payload;
    if (grantId === undefined || replays.isInGrace(clientId, consumedAt))
      return replays.note({ action: 'code.replay', reason: 'repeated_in_grace', clientId, sub });
    for (const write of await codeTokens.revocationOf(id, grantId)) scope().stage(write);
    replays.note({ action: 'code.replay', reason: 'tokens_revoked', clientId, sub, endedGrant: grantId });
  }
}
