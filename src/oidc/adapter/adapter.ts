import type { Adapter } from 'oidc-provider';
import { type AdapterParts, ArtifactAdapter } from './artifact-adapter.ts';
import { AuthorizationCodeAdapter } from './authorization-code-adapter.ts';
import { DeviceCodeAdapter } from './device-code-adapter.ts';
import { InteractionAdapter } from './interaction-adapter.ts';
import { SessionAdapter } from './session-adapter.ts';
import { AccessTokenAdapter, RefreshTokenAdapter, ReplayDetectionAdapter } from './token-adapters.ts';

/** Maps the provider's models to the store; the guarantees of each are in docs/storage.md. */
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
    case 'AuthorizationCode':
      return new AuthorizationCodeAdapter('AuthorizationCode', parts);
    case 'Grant':
    case 'PushedAuthorizationRequest':
      return new ArtifactAdapter(kind, parts);
    case 'Client':
      return noFurtherClients;
    default:
      throw new Error(`the provider asked for a store of ${kind}, which no feature in use needs`);
  }
};

const nothing = (): Promise<undefined> => Promise.resolve(undefined);

/** Used for clients that are not in the tenant's definition: it has none, and none are ever registered. */
const noFurtherClients: Adapter = {
  find: nothing,
  findByUid: nothing,
  findByUserCode: nothing,
  upsert: nothing,
  consume: nothing,
  destroy: nothing,
  revokeByGrantId: nothing,
};
