// The device flow at addresses that name the tenant, or nothing but the code. The request is rewritten into one to an
// endpoint of the issuer, so that codes, throttle and answers are the same.

import type { Context } from 'koa';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { deviceParameters } from '../oidc/grants/device-description.ts';
import { postForm, takeForm } from '../oidc/provider/form-body.ts';
import type { TenantProvider } from '../oidc/provider/tenant-provider.ts';
import { deviceCodeGrant } from '../protocol/grant-types.ts';
import { tenantIdPattern } from '../protocol/tenant-id.ts';
import { refuseAsJson } from '../web/error-boundary.ts';
import { requestFacts } from '../web/request-facts.ts';

export interface DeviceLoginTenant {
  readonly definition: TenantDefinition;
  readonly provider: Pick<TenantProvider, 'handle'>;
}

export interface DeviceLoginParts {
  /**
   * The tenant, if the host that was asked is its own.
   * @throws AppError `unavailable` when it cannot be served now
   */
  readonly findTenant: (ctx: Context, id: string) => Promise<DeviceLoginTenant | undefined>;
  readonly log: Log;
}

/** As `nameTenantInDeviceCodes` makes them. */
const codeOfTenant = new RegExp(String.raw`^(${tenantIdPattern})\.[\w-]{20,100}$`);

/** The parameters that a device may send; the tenant's file sets all others. */
const startParameters: ReadonlySet<string> = new Set(['scope', 'resource', ...deviceParameters]);

/** `/tenant/:tenant/loginDevice`, as `/device/auth` of the issuer. */
export const startDeviceLogin = async (ctx: Context, tenant: DeviceLoginTenant): Promise<void> => {
  const given = ctx.method === 'POST' ? await takeForm(ctx.req) : queryOf(ctx);
  if (given === undefined) throw new AppError('invalid_request', 'A form of known length is expected');
  const form = new URLSearchParams({ client_id: deviceClientOf(tenant) });
  for (const [name, value] of given) if (startParameters.has(name)) form.append(name, value);
  if (!form.has('scope')) form.set('scope', 'openid');
  await ask(ctx, tenant, { path: '/device/auth', form });
};

/** `/auth/info/state`, as `/token` of the issuer whose device code it is. */
export const pollDeviceLogin = async (parts: DeviceLoginParts, ctx: Context): Promise<void> => {
  const [code, ...more] = queryOf(ctx).getAll('device_code');
  if (code === undefined || code === '' || more.length > 0)
    throw new AppError('invalid_request', 'One device_code is expected');
  const [, id] = codeOfTenant.exec(code) ?? [];
  const tenant = id === undefined ? undefined : await parts.findTenant(ctx, id);
  if (tenant?.definition.gateway.deviceClient === undefined)
    return refuseAsJson(ctx, parts.log, {
      status: 400,
      code: 'invalid_grant',
      description: 'This device code is not known here',
    });
  const form = new URLSearchParams({
    grant_type: deviceCodeGrant,
    client_id: deviceClientOf(tenant),
    device_code: code,
  });
  await ask(ctx, tenant, { path: '/token', form });
};

const queryOf = ({ querystring }: Context): URLSearchParams => new URLSearchParams(querystring);

const deviceClientOf = ({ definition: { gateway, id } }: DeviceLoginTenant): string => {
  if (gateway.deviceClient !== undefined) return gateway.deviceClient;
  throw new AppError(
    'not_found',
    `No client is named for devices. The operator names one in the file of ${id}: gateway: { deviceClient: <client_id> }`,
  );
};

const ask = async (
  ctx: Context,
  { definition, provider }: DeviceLoginTenant,
  { path, form }: { readonly path: string; readonly form: URLSearchParams },
): Promise<void> => {
  const { req, res, method } = ctx;
  const { address, requestId } = requestFacts(ctx);
  // the client is known from the tenant's file, not from the caller
  delete req.headers.authorization;
  postForm(req, form);
  ctx.respond = false; // the provider answers by itself
  try {
    await provider.handle(req, res, { path, facts: { address, requestId, locale: definition.locale } });
  } finally {
    req.method = method; // for the log
  }
};
