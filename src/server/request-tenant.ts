import type { Context } from 'koa';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { AppError } from '../errors.ts';
import { lookOf } from '../login/login-tenant.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';
import { localeOf } from '../web/locale.ts';
import type { Look } from '../web/pages.ts';
import { nothingHere } from '../web/problem.ts';
import { servicePagesPath } from '../web/request-checks.ts';
import { requestFacts } from '../web/request-facts.ts';

/** Undefined when there is no such tenant. Throws AppError `unavailable` when it cannot be served. */
export const findTenant = async (
  tenants: TenantRegistry<Tenant>,
  id: string,
): Promise<Tenant | undefined> => {
  const lookup = await tenants.find(id);
  switch (lookup.status) {
    case 'served':
      return lookup.tenant;
    case 'unknown':
      return undefined;
    case 'broken':
      throw new AppError(
        'unavailable',
        'This tenant has a fault in its configuration; its operator can see it in the log',
      );
    case 'refused':
      throw new AppError(
        'unavailable',
        'This tenant is not served here; its operator can see why in the log',
        { detail: lookup.reason },
      );
  }
};

/** The same, and undefined also when the request came to a host that is not the tenant's. */
export const findTenantHere = async (
  tenants: TenantRegistry<Tenant>,
  ctx: Context,
  id: string,
): Promise<Tenant | undefined> => {
  const facts = requestFacts(ctx);
  facts.tenant = id;
  const tenant = await findTenant(tenants, id);
  if (tenant === undefined) return undefined;
  if (tenant.provider.host !== facts.host && facts.isAtAlias !== true) return undefined;
  ctx.state.definition = tenant.definition;
  return tenant;
};

/** @throws AppError `not_found` or `unavailable` */
export const getTenantHere = async (
  tenants: TenantRegistry<Tenant>,
  ctx: Context,
  id: string,
): Promise<Tenant> => {
  const tenant = await findTenantHere(tenants, ctx, id);
  if (tenant === undefined) throw nothingHere();
  return tenant;
};

/** Undefined until the tenant of the address is known. */
export const definitionOf = (ctx: Context): TenantDefinition | undefined => ctx.state.definition;

/** An error page has the look of the tenant, as soon as the tenant is known. */
export const lookOfRequest = (ctx: Context): Look => {
  const definition = definitionOf(ctx);
  return definition === undefined ? lookOfNobody(ctx) : lookOf(ctx, { definition });
};

/** Of pages that belong to no tenant. Hosts of services have the assets below the path that is ours there. */
export const lookOfNobody = (ctx: Context): Look => ({
  locale: localeOf(ctx, 'en'),
  ...(ctx.path.startsWith(servicePagesPath) ? { assetsBelow: servicePagesPath.slice(0, -1) } : {}),
});
