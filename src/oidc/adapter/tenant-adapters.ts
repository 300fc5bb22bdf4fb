// The library's models in the store:
//   adapter.ts              which adapter each model has; artifact-adapter.ts: what all of them share
//   session-adapter.ts, token-adapters.ts, device-code-adapter.ts, interaction-adapter.ts  what is particular to each
//   anonymous-starts.ts     how much strangers may begin
//   artifact-payload.ts     payloads of the library to artifacts of the store, and back
//   session-uid.ts          how tokens name their session, and the device in it
//   request-scope.ts        few trips to the store in one request: reads together, writes at its end
//   protocol-adapter.ts     errors of the store as errors of the protocol
import type { Adapter } from 'oidc-provider';
import type { Accounts } from '../../accounts/account-types.ts';
import type { Devices } from '../../accounts/devices.ts';
import type { Revocations } from '../../accounts/revocations.ts';
import type { ChargeStart } from '../../accounts/start-budget.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId, isEqualConstantTime } from '../../crypto/ids.ts';
import type { MasterKey } from '../../crypto/master-key.ts';
import type { Log } from '../../log.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import { readResumeProof } from '../cookies.ts';
import { createDeviceCodes } from '../grants/device-codes.ts';
import { createDeviceSignIns, type DeviceSignIns } from '../grants/device-sign-ins.ts';
import { lifetimesOf } from '../provider/clients.ts';
import type { ProviderRequests } from '../provider/provider-request.ts';
import { createReplays, type Replays } from '../provider/replays.ts';
import type { VerifyAccessTokenJwt } from '../tokens/access-token-jwt.ts';
import { createCodeTokens } from '../tokens/code-tokens.ts';
import { createJwtHandles, type JwtHandles } from '../tokens/jwt-handles.ts';
import { createRefreshRotation, type RefreshRotation } from '../tokens/refresh-rotation.ts';
import { createAdapter } from './adapter.ts';
import { createAnonymousStarts } from './anonymous-starts.ts';
import { withProtocolErrors } from './protocol-adapter.ts';

/** The store of one tenant for the library, with the rules by which codes and tokens are found and consumed. */
export interface TenantAdapters {
  /** For a model of the library, by its name. */
  readonly adapter: (kind: string) => Adapter;
  readonly rotation: RefreshRotation;
  readonly jwtHandles: JwtHandles;
  readonly deviceSignIns: DeviceSignIns;
  readonly replays: Replays;
}

export interface TenantAdaptersParts {
  readonly definition: TenantDefinition;
  readonly issuer: string;
  readonly storage: TenantStorage;
  readonly requests: ProviderRequests;
  readonly devices: Pick<Devices, 'signedIn' | 'seen'>;
  readonly accounts: Pick<Accounts, 'noteAttack'>;
  readonly revocations: Pick<Revocations, 'publish'>;
  readonly verifyJwt: VerifyAccessTokenJwt;
  readonly chargeStart: ChargeStart;
  readonly masterKey: MasterKey;
  readonly clock: Clock;
  readonly log: Log;
}

/** A session is written again only when its expiry moved by more than this. */
const sessionTouchSeconds = 600;

export const createTenantAdapters = (parts: TenantAdaptersParts): TenantAdapters => {
  const { definition, storage, requests, masterKey, clock } = parts;
  const { scope, current, factsOf } = requests;
  const tenant = definition.id;
  const rotation = createRefreshRotation({
    tenant,
    rotationKey: masterKey.derive('refresh token rotation'),
    clock,
    lifetimesOf: (clientId) => lifetimesOf(definition, clientId),
  });
  const jwtHandles = createJwtHandles({ verify: parts.verifyJwt, request: () => current()?.req });
  const deviceCodes = createDeviceCodes({
    tenant,
    storage,
    handleKey: masterKey.derive('device code handles'),
    clock,
    throttle: definition.throttle,
    request: () => {
      const ctx = current();
      const { uid, accountId } = ctx?.oidc.session ?? {};
      return {
        route: ctx?.oidc.route,
        address: ctx === undefined ? '' : factsOf(ctx).address,
        session: uid === undefined ? undefined : hashId(uid),
        sub: accountId,
      };
    },
  });
  const starts = createAnonymousStarts({
    charge: parts.chargeStart,
    current,
    addressOf: (ctx) => factsOf(ctx).address,
  });
  const log = parts.log.child({ tenant });
  const deviceSignIns = createDeviceSignIns({ devices: parts.devices, scope, current, factsOf, clock, log });
  const mayResume = (proofHash: unknown): boolean => {
    const ctx = current();
    const isResuming = ctx?.oidc.route === 'resume' || ctx?.oidc.route === 'device_resume';
    if (ctx === undefined || !isResuming) return true;
    const shown = hashId(readResumeProof(parts.issuer, ctx));
    return typeof proofHash === 'string' && isEqualConstantTime(shown, proofHash);
  };
  const replays = createReplays({
    lifetimesOf: (clientId) => lifetimesOf(definition, clientId),
    noteAttack: (attack) => parts.accounts.noteAttack(attack),
    revocations: parts.revocations,
    current,
    factsOf,
    clock,
    log,
  });
  const codeTokens = createCodeTokens({
    artifacts: storage.artifacts,
    clock,
    jwtLifetimeSeconds: Math.max(0, ...definition.resources.map(({ lifetime }) => lifetime)),
  });
  const shared = {
    storage,
    clock,
    scope,
    isInRequest: requests.isStaging,
    rotation,
    deviceCodes,
    starts,
    deviceSignIns,
    jwtHandles,
    replays,
    codeTokens,
    mayResume,
    sessionTouchSeconds,
  };
  return {
    rotation,
    replays,
    jwtHandles,
    deviceSignIns,
    adapter: (kind) => withProtocolErrors(createAdapter(kind, shared)),
  };
};
