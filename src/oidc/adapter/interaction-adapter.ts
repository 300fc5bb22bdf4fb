import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';

/** An interaction names a session and a device code; a reader of the store must not be able to use either. */
export class InteractionAdapter extends ArtifactAdapter {
  /** A result counts only for the browser that submitted it. */
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const payload = await super.find(id);
    const result = payload?.result as { readonly proof?: unknown } | undefined; // a member of our own
    return result === undefined || this.parts.mayResume(result.proof) ? payload : undefined;
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    await this.parts.starts.signIn();
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
