// How an approved device gets a sign-in of its own: a grant on which only its tokens hang, so that its
// end does not touch the person's other devices. It ends with the session in which it was approved, as other apps do.
//   1. A person types the code: it is claimed (adapter/device-code-adapter.ts), by compare-and-set.
//   2. The person approves: `approve` gives the code a device, and the id of a grant of its own.
//   3. The code with them is stored, again by compare-and-set. Who loses against another decision stops here.
//   4. Who has won keeps the grant: `keepGrant` copies the one of the approval and notes it in the session.
//   5. The device polls and gets tokens: `note` writes down the device before they are stored.
import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import type { Devices } from '../../accounts/devices.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import { hashId, randomId } from '../../crypto/ids.ts';
import type { Log } from '../../log.ts';
import type { Artifact } from '../../storage/storage.ts';
import type { RequestScope } from '../adapter/request-scope.ts';
import {
  deviceAuthorizationKey,
  parseSessionUid,
  sessionIdOf,
  sessionUidOfDevice,
} from '../adapter/session-uid.ts';
import type { ProviderRequest } from '../provider/provider-request.ts';
import { keptDescription } from './device-description.ts';

/** A code that a person has just approved. */
export interface ApprovedDevice {
  /** What the code is to hold. */
  readonly payload: AdapterPayload;
  /** To be called once this payload is stored: writes the grant with the rest of the request. */
  keepGrant(): Promise<void>;
}

export interface DeviceSignIns {
  approve(payload: AdapterPayload): ApprovedDevice;
  /**
   * Notes which device the tokens of this answer are for. Comes before they are stored: no device has tokens that its
   * owner could not find.
   * @throws AppError `unavailable`
   */
  note(ctx: KoaContextWithOIDC): Promise<void>;
}

export interface DeviceSignInsParts {
  readonly devices: Pick<Devices, 'signedIn' | 'seen'>;
  readonly scope: () => RequestScope;
  readonly current: () => KoaContextWithOIDC | undefined;
  readonly factsOf: (ctx: KoaContextWithOIDC) => ProviderRequest;
  readonly clock: Clock;
  readonly log: Log;
}

export const createDeviceSignIns = (parts: DeviceSignInsParts): DeviceSignIns => {
  const { devices, clock } = parts;

  const noteSignIn = async (ctx: KoaContextWithOIDC, code: DeviceCodeFacts): Promise<void> => {
    const { accountId: sub, clientId, grantId, sessionUid, deviceInfo } = code;
    const deviceId = sessionUid === undefined ? undefined : parseSessionUid(sessionUid).deviceId;
    const { Grant: grant } = ctx.oidc.entities;
    if (deviceId === undefined || sessionUid === undefined || sub === undefined || grantId === undefined)
      return; // approved before devices were kept
    const { address, requestId } = parts.factsOf(ctx);
    const nowMs = clock.now();
    await devices.signedIn(
      {
        id: deviceId,
        sub,
        clientId: clientId ?? '',
        ...keptDescription(deviceInfo),
        createdAt: nowMs,
        lastSeenAt: nowMs,
        grantId: hashId(grantId),
        ...(code.expiresWithSession === true ? { sessionId: sessionIdOf(sessionUid) } : {}),
        expiresAt: (grant?.exp ?? 0) * 1000,
      },
      { address, requestId },
    );
  };

  /** That it cannot be noted is no reason to refuse tokens. */
  const noteUse = (deviceId: string): Promise<void> =>
    devices
      .seen(deviceId)
      .catch((err: unknown) => parts.log.warn({ err }, 'the use of a device was not noted'));

  return {
    approve: (payload) => {
      const { accountId, clientId, grantId, sessionUid, deviceInfo } = payload;
      if (
        accountId === undefined ||
        clientId === undefined ||
        grantId === undefined ||
        sessionUid === undefined
      )
        throw new Error('an approved device code names no person, app, grant or session');
      const { serial } = keptDescription(deviceInfo);
      const deviceId = serial === undefined ? randomId(16) : knownId(clientId, accountId, serial);
      const ownGrantId = randomId();
      return {
        payload: { ...payload, grantId: ownGrantId, sessionUid: sessionUidOfDevice(sessionUid, deviceId) },
        keepGrant: async () => {
          const scope = parts.scope();
          const grant = await scope.find({ kind: 'Grant', id: hashId(grantId) });
          if (grant === undefined) throw new Error('the grant of an approved device code is not there');
          scope.stage({ op: 'put', artifact: copyOf(grant, hashId(ownGrantId), epochSeconds(clock)) });
          const session = parts.current()?.oidc.session as SessionWithGrants | undefined; // public, but untyped
          Object.assign(session?.authorizationFor(deviceAuthorizationKey(deviceId), {}) ?? {}, {
            clientId,
            grantId: ownGrantId,
          });
        },
      };
    },
    note: async (ctx) => {
      if (ctx.oidc?.route !== 'token' || ctx.status !== 200) return;
      const { DeviceCode: code, RefreshToken: token } = ctx.oidc.entities;
      if (code !== undefined) return noteSignIn(ctx, code);
      const { deviceId } = parseSessionUid(token?.sessionUid ?? '');
      if (deviceId !== undefined) await noteUse(deviceId);
    },
  };
};

type DeviceCodeFacts = Pick<
  AdapterPayload,
  'accountId' | 'clientId' | 'grantId' | 'sessionUid' | 'expiresWithSession' | 'deviceInfo'
>;

interface SessionWithGrants {
  authorizationFor(clientId: string, value: object): object;
}

/** The same serial of the same app with the same person is the same device, wherever it signs in. */
const knownId = (clientId: string, sub: string, serial: string): string =>
  hashId(JSON.stringify(['device', clientId, sub, serial])).slice(0, 22);

/** Lives as long as one that was made now would. */
const copyOf = (grant: Artifact, id: string, nowSeconds: number): Artifact => {
  const payload = JSON.parse(grant.payload) as AdapterPayload; // written by toArtifact
  const expiresAt = nowSeconds + grant.expiresAt - (payload.iat ?? nowSeconds);
  return {
    ...grant,
    id,
    expiresAt,
    payload: JSON.stringify({ ...payload, iat: nowSeconds, exp: expiresAt }),
  };
};
