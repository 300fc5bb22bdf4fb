import { isDeepStrictEqual } from 'node:util';
import type { Context } from 'koa';
import { z } from 'zod';
import type { KeyMade, NewKey } from '../../accounts/api-keys/api-keys.ts';
import { readNote } from '../../accounts/api-keys/key-limits.ts';
import { faultOfNames, namesForKeys } from '../../accounts/api-keys/known-names.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';
import { idSchema } from '../../web/api/api-schemas.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { nothingHere } from '../../web/problem.ts';
import { getManageable } from './accounts.ts';
import {
  changedMeanwhile,
  idOfRepeatable,
  repeatedWithOtherParts,
  sendVersion,
  versionWanted,
} from './conditions.ts';
import { keySchema, limitsSchema, toPublicKey } from './keys.ts';
import { type AdminRequest, defineAdminOperation, Repeated } from './operation.ts';
import { limitParameter, nextOf, nextSchema, pageParameters } from './paging.ts';

const madeSchema = z.object({
  key: keySchema,
  secret: z.string().optional().meta({ description: 'The key in its whole form. It is not shown again.' }),
});

const ofKey = { path: z.object({ id: idSchema }) } as const;

/** Characters of the id of a key. */
const idLength = 16;

export const listKeys = defineAdminOperation({
  id: 'listKeys',
  method: 'GET',
  path: '/keys',
  permission: 'keys.read',
  summary: 'API keys of a tenant, by id',
  parameters: {
    query: z.object({
      ...pageParameters,
      owner: idSchema.optional().meta({ description: 'Only keys of this sub.' }),
    }),
  },
  answer: {
    description: 'A page of keys.',
    schema: z.object({ keys: z.array(keySchema), next: nextSchema }),
  },
  handle: async ({ tenant, query: { after, limit, owner } }) => {
    const found = await tenant.apiKeys.list({ limit, ...definedOnly({ afterId: after, sub: owner }) });
    return { keys: found.map(toPublicKey), ...nextOf(found, limit, ({ id }) => id) };
  },
});

const day = 86_400;

export const listExpiringKeys = defineAdminOperation({
  id: 'listExpiringKeys',
  method: 'GET',
  path: '/expiring-keys',
  permission: 'keys.read',
  summary: 'API keys that expire soon, the next first',
  parameters: {
    query: z.object({
      days: z.coerce.number().int().min(1).max(3650).default(30).meta({ description: 'So soon.' }),
      after: z
        .string()
        .regex(/^\d{1,15}\.[\w-]{1,64}$/)
        .optional()
        .meta({ description: '`next` of the page before.' }),
      limit: limitParameter,
    }),
  },
  answer: {
    description: 'A page of keys.',
    schema: z.object({
      keys: z.array(keySchema),
      next: z.string().optional().meta({ description: 'There may be more: send it as `after`.' }),
    }),
  },
  handle: async ({ tenant, parts, query: { days, after, limit } }) => {
    const [expiresAt, id = ''] = after?.split('.') ?? [];
    const found = await tenant.apiKeys.expiring({
      beforeMs: parts.clock.now() + days * day * 1000,
      limit,
      ...(expiresAt === undefined ? {} : { after: { expiresAt: Number(expiresAt), id } }),
    });
    return {
      keys: found.map(toPublicKey),
      ...nextOf(found, limit, (key) => `${key.expiresAt ?? 0}.${key.id}`),
    };
  },
});

export const createKey = defineAdminOperation({
  id: 'createKey',
  method: 'POST',
  path: '/keys',
  permission: 'keys.change',
  isRepeatable: true,
  summary: 'Make an API key for a system user or a person',
  body: z.strictObject({
    owner: idSchema.meta({ description: 'The sub of the system user or person.' }),
    note: z.string().min(1).max(200).optional().meta({ description: 'What it is for; plain text.' }),
    expires_in: z.int().min(1).nullable().optional().meta({
      description:
        'Seconds; default: as long as the tenant allows. null: never, of system users where the tenant allows it.',
    }),
    ...limitsSchema,
  }),
  refusals: {
    409: '`only`: the owner has a key and may have no other; or `too_many`.',
  },
  answer: {
    status: 201,
    description: 'The key, with its secret.',
    repeated: 'The key that this `Idempotency-Key` has made before, as it is now, without its secret.',
    schema: madeSchema,
  },
  handle: async ({ body: { owner: sub, note, expires_in: seconds, ...limitsOfKey }, ...request }) => {
    const { tenant, operator, ctx, parts } = request;
    const asked = { sub, note: note === undefined ? undefined : readNote(note), ...limitsOfKey };
    const id = idOfRepeatable(request, 'key', idLength);
    const before = id === undefined ? undefined : await tenant.apiKeys.find(id);
    if (before !== undefined) return repeatOf(ctx, before, asked);
    const owner = await getManageable(request, sub, 'any');
    const wanted: NewKey = {
      ...definedOnly(limitsOfKey),
      ...definedOnly({ id, note, lifetimeSeconds: seconds === null ? ('never' as const) : seconds }),
    };
    const fault = faultOfNames(definedOnly(limitsOfKey), namesForKeys(tenant.definition, parts.services));
    if (fault !== undefined) throw new AppError('invalid_request', fault);
    const made = await tenant.apiKeys.create(owner, wanted, { actor: operator.actor });
    // the same request, at the same time
    const other = made.ok || id === undefined ? undefined : await tenant.apiKeys.find(id);
    return other === undefined ? toMade(request, made) : repeatOf(ctx, other, asked);
  },
});

const repeatOf = (
  ctx: Context,
  key: ApiKeyRecord,
  asked: Readonly<Record<string, unknown>>,
): Repeated<z.input<typeof madeSchema>> => {
  const { sub, note, roles, scopes, services, resources, networks } = key;
  const kept = { sub, note, roles, scopes, services, resources, networks };
  if (!isDeepStrictEqual(definedOnly(kept), definedOnly(asked))) throw repeatedWithOtherParts();
  sendVersion(ctx, key);
  return new Repeated({ key: toPublicKey(key) });
};

export const showKey = defineAdminOperation({
  id: 'showKey',
  method: 'GET',
  path: '/keys/{id}',
  permission: 'keys.read',
  summary: 'One API key',
  parameters: ofKey,
  answer: { description: 'The key; `ETag` is the version.', schema: keySchema },
  handle: async ({ path, tenant, ctx }) => {
    const key = await tenant.apiKeys.find(path.id);
    if (key === undefined) throw nothingHere();
    sendVersion(ctx, key);
    return toPublicKey(key);
  },
});

export const rotateKey = defineAdminOperation({
  id: 'rotateKey',
  method: 'POST',
  path: '/keys/{id}/rotate',
  permission: 'keys.change',
  isVersioned: true,
  summary: 'A new secret for a key; the old one is accepted for a while',
  parameters: ofKey,
  body: z.strictObject({
    overlap: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'Seconds for the old one; default and most: as the tenant has it.' }),
  }),
  answer: { description: 'The key, with its new secret.', schema: madeSchema },
  handle: async ({ path, body: { overlap }, ...request }) => {
    const by = await actorOn(request, path.id);
    return toMade(request, await request.tenant.apiKeys.rotate(path.id, by, overlap));
  },
});

export const reassignKey = defineAdminOperation({
  id: 'reassignKey',
  method: 'POST',
  path: '/keys/{id}/reassign',
  permission: 'keys.change',
  isVersioned: true,
  summary: 'A new secret in place of all others, which are refused at once',
  parameters: ofKey,
  answer: { description: 'The key, with its new secret.', schema: madeSchema },
  handle: async ({ path, ...request }) => {
    const by = await actorOn(request, path.id);
    return toMade(request, await request.tenant.apiKeys.reassign(path.id, by));
  },
});

export const revokeKey = defineAdminOperation({
  id: 'revokeKey',
  method: 'DELETE',
  path: '/keys/{id}',
  permission: 'keys.change',
  isVersioned: true,
  summary: 'Revoke a key',
  parameters: ofKey,
  answer: { description: 'It is refused from now on.' },
  handle: async ({ path, ...request }) => {
    const { version: _, ...by } = await actorOn(request, path.id);
    if ((await request.tenant.apiKeys.revoke(path.id, by)) === undefined) throw nothingHere();
    return undefined;
  },
});

/** Who changes this key, in which version. @throws AppError, OperationRefusal unless the owner's keys may be changed */
const actorOn = async (request: AdminRequest, id: string) => {
  const { version } = versionWanted(request.ctx);
  const key = await request.tenant.apiKeys.find(id);
  if (key === undefined) throw nothingHere();
  await getManageable(request, key.sub, 'any');
  if (version !== undefined && version !== key.version) throw changedMeanwhile(request.ctx);
  return { actor: request.operator.actor, version };
};

/** @throws AppError, OperationRefusal */
const toMade = ({ ctx }: AdminRequest, made: KeyMade): z.input<typeof madeSchema> => {
  if (made.ok) {
    sendVersion(ctx, made.key);
    return { key: toPublicKey(made.key), secret: made.secret };
  }
  const { reason, message: description } = made;
  switch (reason) {
    case 'absent':
      throw nothingHere();
    case 'changed':
      throw changedMeanwhile(ctx);
    case 'only':
    case 'too_many':
      throw new OperationRefusal(409, { code: reason, description });
    case 'limits':
    case 'note':
    case 'lifetime':
      throw new AppError('invalid_request', description);
  }
};
