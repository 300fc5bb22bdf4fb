import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';

/** `<publicUrl>/oauth/<tenant>`, without a trailing slash. */
export const issuerOf = (definition: Pick<TenantDefinition, 'id' | 'publicUrl'>, publicUrl: string): string =>
  `${definition.publicUrl ?? publicUrl}/oauth/${definition.id}`;
