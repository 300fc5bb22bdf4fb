import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';

/** An interaction names a session and a device code; neither may be usable by someone who reads the store. */
export class InteractionAdapter extends ArtifactAdapter {
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
