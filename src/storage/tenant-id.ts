/** Composite keys join tenant and id with `|`; a tenant id that contains it could reach into another tenant. */
export const requireTenantId = (tenant: string): string => {
  if (tenant === '' || tenant.includes('|'))
    throw new TypeError(`Not a tenant id: ${JSON.stringify(tenant)}`);
  return tenant;
};
