import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const clientFile = z.object({
  client_id: z.string(),
  client_secret: z.string().optional(),
  redirect_uris: z.array(z.string()).default([]),
  post_logout_redirect_uris: z.array(z.string()).default([]),
});
const userFile = z.object({ username: z.string(), password: z.string(), email: z.string().optional() });
const tenantFile = z.object({
  displayName: z.string(),
  publicUrl: z.string().optional(),
  clients: z.array(clientFile),
  users: z.array(userFile),
  resources: z.array(z.object({ identifier: z.string(), format: z.string().default('jwt') })).default([]),
});

export type DemoClient = z.infer<typeof clientFile>;
export type DemoUser = z.infer<typeof userFile>;

/** What the apps of a demo tenant know about themselves. */
export interface DemoTenant {
  readonly id: string;
  readonly displayName: string;
  readonly issuer: string;
  /** Of a resource that takes JWTs. */
  readonly resource: string;
  client(id: string): DemoClient;
  user(username: string): DemoUser;
}

/**
 * Reads what the demo needs of a tenant's file; whether the file is right is the server's to judge.
 * @param url where the server answers
 */
export const loadDemoTenant = (directory: string, id: string, url: string): DemoTenant => {
  const file = join(directory, `${id}.yaml`);
  const tenant = tenantFile.parse(parse(readFileSync(file, 'utf8')));
  const found = <T>(what: string, item: T | undefined): T => {
    if (item === undefined) throw new Error(`${file} has no ${what}, which the demo needs`);
    return item;
  };
  return {
    id,
    displayName: tenant.displayName,
    issuer: `${tenant.publicUrl ?? url}/oauth/${id}`,
    resource: found(
      'resource with format: jwt',
      tenant.resources.find(({ format }) => format === 'jwt'),
    ).identifier,
    client: (clientId) =>
      found(
        `client ${clientId}`,
        tenant.clients.find(({ client_id }) => client_id === clientId),
      ),
    user: (username) =>
      found(
        `user ${username}`,
        tenant.users.find((user) => user.username === username),
      ),
  };
};
