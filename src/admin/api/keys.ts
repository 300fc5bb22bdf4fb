// API keys as operations show them.
import { z } from 'zod';
import { publicKey } from '../../accounts/api-keys/public-key.ts';
import { definedOnly } from '../../defined-only.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';

const names = z.array(z.string().min(1).max(2000)).min(1).max(50).optional();

/** Of a new key. */
export const limitsSchema = {
  roles: names,
  scopes: names,
  services: names,
  resources: names,
  networks: names,
} as const;

const list = z.array(z.string()).optional();

export const keySchema = z
  .object({
    id: idSchema,
    owner: idSchema.meta({ description: 'The sub of the person or system user.' }),
    note: z.string().optional(),
    own: z.boolean().meta({ description: 'Did the owner make it?' }),
    secrets: z
      .array(
        z.object({
          key: z.string().meta({ description: 'The public part.' }),
          created_at: timeSchema,
          expires_at: timeSchema.optional(),
        }),
      )
      .meta({ description: 'Those that are accepted, the newest first.' }),
    ...{ roles: list, scopes: list, services: list, resources: list, networks: list },
    created_at: timeSchema,
    expires_at: timeSchema.optional(),
    last_used_at: timeSchema.optional(),
    last_used_from: z.string().optional().meta({ description: 'IP address.' }),
  })
  .meta({ id: 'Key' });

const secondsOf = (epochMs: number | undefined): number | undefined =>
  epochMs === undefined ? undefined : toSeconds(epochMs);

export const toPublicKey = (record: ApiKeyRecord): z.input<typeof keySchema> => {
  const { id, sub: owner, isOwn, secrets, createdAt, expiresAt, lastUsedAt, ...rest } = publicKey(record);
  const { note, lastUsedFrom, roles, scopes, services, resources, networks } = rest;
  const lists = Object.entries({ roles, scopes, services, resources, networks }).flatMap(([name, list]) =>
    list === undefined ? [] : [[name, [...list]]],
  );
  return {
    ...{ id, owner, own: isOwn === true, created_at: toSeconds(createdAt) },
    secrets: secrets.map((secret) => ({
      key: secret.publicId,
      created_at: toSeconds(secret.createdAt),
      ...definedOnly({ expires_at: secondsOf(secret.expiresAt) }),
    })),
    ...definedOnly({
      ...{ note, expires_at: secondsOf(expiresAt), last_used_at: secondsOf(lastUsedAt) },
      last_used_from: lastUsedFrom,
    }),
    ...Object.fromEntries(lists),
  };
};
