import { z } from 'zod';
import { serverSchema } from './server/server-schema.ts';
import { tenantSchema } from './tenant/tenant-schema.ts';

/** The text of each generated file in config/, by its name. Editors complete and check YAML with them. */
export const jsonSchemaFiles = (): Readonly<Record<string, string>> => ({
  'server.schema.json': generate(serverSchema, 'Drawbridge: config/server.yaml'),
  'tenant.schema.json': generate(tenantSchema, 'Drawbridge: a file of tenants/'),
});

const generate = (schema: z.ZodType, title: string): string => {
  // The YAML language server supports draft 7 best.
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`;
};
