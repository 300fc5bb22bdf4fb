import type { Context } from 'koa';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { GatewaySignInParts, HandOverTenant } from './gateway-sign-in.ts';

export interface GatewayPagesParts<T extends HandOverTenant> extends GatewaySignInParts<T> {
  /** Undefined: not served here. Throws AppError `unavailable`. */
  readonly findTenant: (id: string) => Promise<T | undefined>;
  readonly listTenants: () => Promise<readonly TenantDefinition[]>;
  readonly issuerOf: (definition: TenantDefinition) => string;
  readonly selectTenant: (
    ctx: Context,
    choice: {
      readonly tenants: readonly TenantDefinition[];
      readonly urlOf: (definition: TenantDefinition) => string;
      readonly state: string;
    },
  ) => void;
}
