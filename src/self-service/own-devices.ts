// What people do with their devices, as JSON, with an access token of theirs: see them, name them, sign one out.

import type { Context, Middleware } from 'koa';
import type { Device, DeviceActor, Devices } from '../accounts/devices.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { findClient } from '../oidc/provider/clients.ts';
import type { TenantProvider } from '../oidc/provider/tenant-provider.ts';
import type { AccessTokens, LiveAccessToken } from '../oidc/tokens/access-tokens.ts';
import { requestFacts } from '../web/request-facts.ts';
import { readBearer, refuseBearer } from './bearer.ts';
import { shareWith } from './cross-origin.ts';

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

/** The answer to a request, if it is for one of these addresses. */
export type OwnDevices = (
  ctx: Context,
  tenant: OwnDevicesTenant,
  rest: string,
) => (() => Promise<void>) | undefined;

const devicePath = /^\/devices(?:\/([\w-]{1,64}))?$/;
const pageSize = 100;

export const createOwnDevices = (parts: OwnDevicesParts): OwnDevices => {
  const list = async (
    ctx: Context,
    { devices, definition }: OwnDevicesTenant,
    owner: Owner,
  ): Promise<void> => {
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
      devices: seen.map((device) => toPublic(device, definition, owner)),
      ...definedOnly({ next }),
    };
  };

  const rename = async (ctx: Context, tenant: OwnDevicesTenant, { id, owner }: Change): Promise<void> => {
    await parts.parseJson(ctx, async () => {});
    const { name } = (ctx.request.body ?? {}) as { readonly name?: unknown }; // whatever was sent
    const renamed = await tenant.devices.rename(id, name, owner.actor);
    if (renamed === 'absent') throw noDevice();
    if (renamed === 'invalid')
      throw new AppError('invalid_request', 'A name is plain text of 1 to 100 characters: { "name": "…" }');
    ctx.body = toPublic(renamed, tenant.definition, owner);
  };

  const revoke = async (
    ctx: Context,
    { devices }: OwnDevicesTenant,
    { id, owner }: Change,
  ): Promise<void> => {
    if ((await devices.revoke(id, owner.actor)) === undefined) throw noDevice();
    ctx.status = 204;
  };

  const answerTo = ({ method }: Context, id: string | undefined): Answer | undefined => {
    if (id === undefined) return method === 'GET' ? list : undefined;
    if (method === 'PATCH') return (ctx, tenant, owner) => rename(ctx, tenant, { id, owner });
    return method === 'DELETE' ? (ctx, tenant, owner) => revoke(ctx, tenant, { id, owner }) : undefined;
  };

  return (ctx, tenant, rest) => {
    const match = devicePath.exec(rest);
    if (match === null) return undefined;
    const [, id] = match;
    const answer = answerTo(ctx, id);
    if (answer === undefined && ctx.method !== 'OPTIONS') return undefined;
    return async () => {
      requestFacts(ctx).route = `/oauth/:tenant/devices${id === undefined ? '' : '/:id'}`;
      ctx.req.headers.accept = 'application/json';
      ctx.set('Cache-Control', 'no-store');
      shareWith(ctx, originsOf(tenant.definition));
      if (answer === undefined) {
        ctx.status = 204;
        return;
      }
      const owner = await identify(parts, ctx, tenant);
      if (owner !== undefined) await answer(ctx, tenant, owner);
    };
  };
};

type Answer = (ctx: Context, tenant: OwnDevicesTenant, owner: Owner) => Promise<void>;

interface Owner {
  readonly sub: string;
  readonly actor: DeviceActor;
  /** Of the token that asks. */
  readonly endsWith: readonly string[];
}

interface Change {
  readonly id: string;
  readonly owner: Owner;
}

const noDevice = (): AppError => new AppError('not_found', 'There is no such device');

/** Undefined: the answer is given, a refusal (RFC 6750 section 3.1). */
const identify = async (
  { log }: OwnDevicesParts,
  ctx: Context,
  { accessTokens, definition, provider }: OwnDevicesTenant,
): Promise<Owner | undefined> => {
  const refuse = (error?: 'invalid_token' | 'insufficient_scope'): undefined =>
    refuseBearer(ctx, log, { realm: provider.issuer, ...definedOnly({ error }) });
  const token = readBearer(ctx);
  if (token === undefined) return refuse();
  const live = await accessTokens.verify(token);
  if (live === undefined || live.isSenderConstrained) return refuse('invalid_token');
  shareWith(ctx, findClient(definition, live.clientId)?.allowedOrigins ?? []);
  if (live.account === undefined || !isForUs(live)) return refuse('insufficient_scope');
  const { sub } = live.account;
  const { address, requestId } = requestFacts(ctx);
  // an app of somebody else's was allowed to know who the person is, not what else they have
  const isOfHouse = findClient(definition, live.clientId)?.firstParty === true;
  const own = isOfHouse ? {} : { ofClient: live.clientId };
  return { sub, endsWith: live.endsWith, actor: { actor: sub, owner: sub, ...own, address, requestId } };
};

/** A token for another service is not. */
const isForUs = ({ scopes, audiences }: LiveAccessToken): boolean =>
  scopes.includes('openid') && audiences.length === 0;

const originsOf = ({ clients }: TenantDefinition): readonly string[] =>
  clients.flatMap(({ allowedOrigins }) => allowedOrigins);

/** Times in epoch seconds, as in tokens. */
const toPublic = (device: Device, definition: TenantDefinition, { endsWith }: Owner) => {
  const clientName = findClient(definition, device.clientId)?.metadata.client_name;
  return {
    id: device.id,
    ...definedOnly({ name: device.name, model: device.model, serial: device.serial }),
    client_id: device.clientId,
    ...definedOnly({ client_name: clientName }),
    created_at: Math.floor(device.createdAt / 1000),
    last_seen_at: Math.floor(device.lastSeenAt / 1000),
    signed_in: device.isSignedIn,
    /** Is it the one that asks? */
    current: endsWith.includes(device.grantId),
  };
};
