// The API for people's own devices, as JSON, with an access token of the person: list, rename, sign one out.

import type { Context, Middleware } from 'koa';
import type { DeviceActor, Devices } from '../accounts/devices.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { findClient } from '../oidc/provider/clients.ts';
import type { TenantProvider } from '../oidc/provider/tenant-provider.ts';
import type { AccessTokens, LiveAccessToken } from '../oidc/tokens/access-tokens.ts';
import { readJson } from '../web/body.ts';
import { requestFacts } from '../web/request-facts.ts';
import { toPublicDevice } from './api/device-api.ts';
import { readBearer, refuseBearer } from './bearer.ts';
import { shareWith, shareWithAll } from './cross-origin.ts';

export interface OwnDevicesTenant {
  readonly definition: TenantDefinition;
  readonly provider: Pick<TenantProvider, 'issuer'>;
  readonly accessTokens: AccessTokens;
  readonly devices: Devices;
}

export interface OwnDevicesParts {
  readonly parseJson: Middleware;
  readonly log: Log;
}

const pageSize = 100;

/** Answers the preflight request of another origin. */
export const allowOrigin = (ctx: Context, tenant: OwnDevicesTenant): void => {
  share(ctx, tenant);
  ctx.status = 204;
};

export const listDevices = async (
  parts: OwnDevicesParts,
  ctx: Context,
  tenant: OwnDevicesTenant,
): Promise<void> => {
  const { devices } = tenant;
  const owner = await identify(parts, ctx, tenant);
  if (owner === undefined) return;
  const { after } = ctx.query;
  const found = await devices.list({
    sub: owner.sub,
    limit: pageSize,
    ...(typeof after === 'string' ? { afterId: after } : {}),
  });
  const next = found.length === pageSize ? found.at(-1)?.id : undefined;
  const { ofClient } = owner.actor;
  const seen = found.filter(({ clientId }) => ofClient === undefined || clientId === ofClient);
  ctx.body = {
    devices: seen.map((device) => toPublicDevice(device, tenant, owner)),
    ...definedOnly({ next }),
  };
};

export const renameDevice = async (
  parts: OwnDevicesParts,
  ctx: Context,
  { tenant, id }: OwnDevice,
): Promise<void> => {
  const owner = await identify(parts, ctx, tenant);
  if (owner === undefined) return;
  await parts.parseJson(ctx, async () => {});
  const { name } = readJson(ctx);
  const renamed = await tenant.devices.rename(id, name, owner.actor);
  if (renamed === 'absent') throw noDevice();
  if (renamed === 'invalid')
    throw new AppError('invalid_request', 'A name is plain text of 1 to 100 characters: { "name": "…" }');
  ctx.body = toPublicDevice(renamed, tenant, owner);
};

export const revokeDevice = async (
  parts: OwnDevicesParts,
  ctx: Context,
  { tenant, id }: OwnDevice,
): Promise<void> => {
  const owner = await identify(parts, ctx, tenant);
  if (owner === undefined) return;
  if ((await tenant.devices.revoke(id, owner.actor)) === undefined) throw noDevice();
  ctx.status = 204;
};

interface OwnDevice {
  readonly tenant: OwnDevicesTenant;
  readonly id: string;
}

interface Owner {
  readonly sub: string;
  readonly actor: DeviceActor;
  /** Revocation ids of the presented token. */
  readonly revocationIds: readonly string[];
}

const share = (ctx: Context, { definition }: OwnDevicesTenant): void => {
  ctx.set('Cache-Control', 'no-store');
  shareWithAll(ctx, definition.clients);
};

const noDevice = (): AppError => new AppError('not_found', 'There is no such device');

/** Undefined after a refusal, which is answered already (RFC 6750 section 3.1). */
const identify = async (
  { log }: OwnDevicesParts,
  ctx: Context,
  tenant: OwnDevicesTenant,
): Promise<Owner | undefined> => {
  const { accessTokens, definition, provider } = tenant;
  share(ctx, tenant);
  const refuse = (error?: 'invalid_token' | 'insufficient_scope'): undefined =>
    refuseBearer(ctx, log, { realm: provider.issuer, scope: 'openid', ...definedOnly({ error }) });
  const token = readBearer(ctx);
  if (token === undefined) return refuse();
  const live = await accessTokens.verify(token);
  if (live === undefined || live.isSenderConstrained) return refuse('invalid_token');
  shareWith(ctx, findClient(definition, live.clientId)?.allowedOrigins ?? []);
  if (live.account === undefined || !isForUs(live)) return refuse('insufficient_scope');
  const { sub } = live.account;
  const { address, requestId } = requestFacts(ctx);
  // the consent for a third-party app covers the person's identity, not their other devices
  const isFirstParty = findClient(definition, live.clientId)?.firstParty === true;
  const own = isFirstParty ? {} : { ofClient: live.clientId };
  return {
    sub,
    revocationIds: live.revocationIds,
    actor: { actor: sub, owner: sub, ...own, address, requestId },
  };
};

/** False for a token that is for another service. */
const isForUs = ({ scopes, audiences }: LiveAccessToken): boolean =>
  scopes.includes('openid') && audiences.length === 0;
