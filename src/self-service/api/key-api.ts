import { z } from 'zod';
import type { KeyMade } from '../../accounts/api-keys/api-keys.ts';
import { publicPartOf } from '../../accounts/api-keys/public-key.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { defineOperation } from './operation.ts';

const keySchema = z
  .object({
    id: idSchema,
    note: z.string().optional(),
    key: z.string().meta({ description: 'The public part of the newest secret.' }),
    own: z.boolean().meta({ description: 'Did the person make it? Otherwise an operator did.' }),
    services: z
      .array(z.string())
      .optional()
      .meta({ description: 'Names of services behind the gateway; absent: all of them.' }),
    created_at: timeSchema,
    expires_at: timeSchema.optional(),
    last_used_at: timeSchema.optional(),
    last_used_from: z.string().optional().meta({ description: 'IP address.' }),
  })
  .meta({ id: 'ApiKey' });

const madeAnswer = {
  description: 'The key, and the secret in its whole form. It is not shown again.',
  schema: z.object({ key: keySchema, secret: z.string() }),
};

const protectedChange = { needsRecentSignIn: true, needsFactor: true } as const;

export const listOwnKeys = defineOperation({
  id: 'listOwnKeys',
  method: 'GET',
  path: '/account/keys',
  summary: 'API keys of the person',
  answer: {
    description: 'The keys, and the services for which the person may make some; none: nobody may.',
    schema: z.object({ keys: z.array(keySchema), services: z.array(z.string()) }),
  },
  handle: async ({ tenant: { ownKeys }, person: { sub } }) => ({
    keys: (await ownKeys.list(sub)).map(toPublicKey),
    services: [...ownKeys.services],
  }),
});

export const createOwnKey = defineOperation({
  id: 'createOwnKey',
  method: 'POST',
  path: '/account/keys',
  summary: 'Make an API key',
  description: 'The person uses it as a password at services behind the gateway. A mail tells of it.',
  ...protectedChange,
  refusals: { 404: 'People of this tenant have no keys of their own.' },
  body: z.strictObject({
    note: z.string().min(1).max(200).meta({ description: 'What it is for; plain text.' }),
    services: z
      .array(z.string())
      .min(1)
      .max(50)
      .optional()
      .meta({ description: 'Default: all that the tenant allows.' }),
    expires_in: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Seconds; default: as long as the tenant allows.' }),
  }),
  answer: { ...madeAnswer, status: 201 },
  handle: async ({ tenant: { ownKeys }, person, body: { note, services, expires_in: lifetimeSeconds } }) =>
    toMade(
      await ownKeys.create(
        person.account,
        { note, ...definedOnly({ services, lifetimeSeconds }) },
        person.by,
      ),
    ),
});

export const rotateOwnKey = defineOperation({
  id: 'rotateOwnKey',
  method: 'POST',
  path: '/account/keys/{id}/rotation',
  summary: 'A new secret for a key',
  description:
    'The old one is accepted for a while, as the tenant has it. Only for keys that the person made.',
  ...protectedChange,
  refusals: { 404: 'The person has made no such key.' },
  parameters: { path: z.object({ id: idSchema }) },
  answer: madeAnswer,
  handle: async ({ tenant: { ownKeys }, person, path }) =>
    toMade(await ownKeys.rotate(person.account, path.id, person.by)),
});

export const revokeOwnKey = defineOperation({
  id: 'revokeOwnKey',
  method: 'DELETE',
  path: '/account/keys/{id}',
  summary: 'Revoke a key',
  ...protectedChange,
  parameters: { path: z.object({ id: idSchema }) },
  answer: { description: 'It is refused from now on.' },
  handle: async ({ tenant: { ownKeys }, person, path }) => {
    if ((await ownKeys.revoke(person.account, path.id, person.by)) === undefined)
      throw new AppError('not_found', 'There is no such key');
    return undefined;
  },
});

/** @throws AppError */
const toMade = (made: KeyMade): z.input<typeof madeAnswer.schema> => {
  if (made.ok) return { key: toPublicKey(made.key), secret: made.secret };
  throw new AppError(made.reason === 'absent' ? 'not_found' : 'invalid_request', made.message);
};

const secondsOf = (epochMs: number | undefined): number | undefined =>
  epochMs === undefined ? undefined : toSeconds(epochMs);

const toPublicKey = (key: ApiKeyRecord): z.input<typeof keySchema> => ({
  id: key.id,
  key: publicPartOf(key),
  own: key.isOwn === true,
  created_at: toSeconds(key.createdAt),
  ...definedOnly({
    note: key.note,
    services: key.services && [...key.services],
    expires_at: secondsOf(key.expiresAt),
    last_used_at: secondsOf(key.lastUsedAt),
    last_used_from: key.lastUsedFrom,
  }),
});
