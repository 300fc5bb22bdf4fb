// The API for people's own devices, as JSON, with an access token of the person: list, rename, sign one out.

import type { Context, Middleware } from 'koa';
import type { DeviceActor, Devices } from '../accounts/devices.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { findClient } from '../oidc/provider/clients.ts';
import type { LiveAccessToken } from '../oidc/tokens/access-tokens.ts';
import { readJson } from '../web/body.ts';
import { requestFacts } from '../web/request-facts.ts';
import { toPublicDevice } from './api/device-api.ts';
import { type BearerTenant, identifyBearer, shareUnidentified } from './identify-bearer.ts';

export interface OwnDevicesTenant extends BearerTenant {
  readonly devices: Devices;
}

export interface OwnDevicesParts {
  readonly parseJson: Middleware;
  readonly log: Log;
}

const pageSize = 100;

/** Answers the preflight request of another origin. */
export const allowOrigin = (ctx: Context, tenant: OwnDevicesTenant): void => {
  shareUnidentified(ctx, tenant);
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

const noDevice = (): AppError => new AppError('not_found', 'There is no such device');

/** Undefined after a refusal, which is answered already. */
const identify = async (
  { log }: OwnDevicesParts,
  ctx: Context,
  tenant: OwnDevicesTenant,
): Promise<Owner | undefined> => {
  shareUnidentified(ctx, tenant);
  const identity = await identifyBearer(ctx, tenant, { scope: 'openid', isForUs, log });
  if (identity === undefined) return undefined;
  const { clientId, revocationIds } = identity.live;
  const { sub } = identity.account;
  const { address, requestId } = requestFacts(ctx);
  // the consent for a third-party app covers the person's identity, not their other devices
  const isFirstParty = findClient(tenant.definition, clientId)?.firstParty === true;
  const own = isFirstParty ? {} : { ofClient: clientId };
  return { sub, revocationIds, actor: { actor: sub, owner: sub, ...own, address, requestId } };
};

/** False for a token that is for another service. */
const isForUs = ({ scopes, audiences }: LiveAccessToken): boolean =>
  scopes.includes('openid') && audiences.length === 0;
