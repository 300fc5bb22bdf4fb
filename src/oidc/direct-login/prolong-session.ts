import type { AdapterPayload } from 'oidc-provider';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId } from '../../crypto/ids.ts';
import type { Artifacts } from '../../storage/storage.ts';
import { lifetimesOf } from '../provider/clients.ts';

/**
 * A token of the login API and its session live on for `lifetimes.directLogin` from now, but not past
 * `lifetimes.session` from the sign-in.
 * @param token one that is valid now
 * @returns the seconds that it lives; undefined for a token that something else gave
 */
export type ProlongSession = (token: string) => Promise<number | undefined>;

export const createProlongSession =
  ({
    definition,
    artifacts,
    clock,
  }: {
    readonly definition: TenantDefinition;
    readonly artifacts: Pick<Artifacts, 'load' | 'write'>;
    readonly clock: Clock;
  }): ProlongSession =>
  async (token) => {
    const loaded = await artifacts.load([{ kind: 'AccessToken', id: hashId(token) }]);
    const [artifact] = loaded.artifacts;
    const session = loaded.linkedArtifacts.find(({ kind }) => kind === 'Session');
    if (artifact === undefined || session?.signedInAt === undefined) return undefined;
    const payload = JSON.parse(artifact.payload) as AdapterPayload; // written by toArtifact
    if (payload.gty !== 'direct_login') return undefined;
    const nowSeconds = epochSeconds(clock);
    const { directLogin } = lifetimesOf(definition, payload.clientId);
    const expiresAt = Math.max(
      artifact.expiresAt,
      Math.min(nowSeconds + directLogin, session.signedInAt + definition.lifetimes.session),
    );
    // what has ended meanwhile stays so
    await artifacts.write([
      {
        op: 'put',
        artifact: { ...artifact, payload: JSON.stringify({ ...payload, exp: expiresAt }), expiresAt },
        onlyIfStored: true,
      },
      {
        op: 'mergeSession',
        artifact: { ...session, authorizations: {}, expiresAt },
        removed: [],
        onlyIfStored: true,
      },
    ]);
    return expiresAt - nowSeconds;
  };
