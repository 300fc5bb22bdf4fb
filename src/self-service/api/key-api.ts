import { z } from 'zod';
import type { KeyMade } from '../../accounts/api-keys/api-keys.ts';
import type { CodeNotSent } from '../../accounts/api-keys/key-verification.ts';
import { publicPartOf } from '../../accounts/api-keys/public-key.ts';
import { newBrowser } from '../../accounts/verifications.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { defineOperation } from './operation.ts';

const limit = (what: string) =>
  z
    .array(z.string())
    .optional()
    .meta({ description: `${what}; absent: no such limit.` });

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
    roles: limit('The only roles of the person that it has, without groups'),
    scopes: z.array(z.string()).optional().meta({ description: 'Absent: none.' }),
    resources: limit('Identifiers of the only resources'),
    networks: limit('The only addresses and CIDR blocks'),
    created_at: timeSchema,
    expires_at: timeSchema.optional(),
    last_used_at: timeSchema.optional(),
    last_used_from: z.string().optional().meta({ description: 'IP address.' }),
  })
  .meta({ id: 'ApiKey' });

const secretSchema = z.object({
  key: keySchema,
  secret: z.string().meta({ description: 'The key in its whole form.' }),
  api_key: z.string().meta({ description: 'Its first half, for the header X-API-Key.' }),
  api_secret: z.string().meta({ description: 'Its second half, for the header X-API-Secret.' }),
});

const madeAnswer = {
  description: 'The key with its secret, which is not shown again.',
  schema: secretSchema,
};

const verificationId = z.string().meta({ description: 'Belongs to the code of the mail.' });

const protectedChange = { needsRecentSignIn: true, needsFactor: true } as const;

export const listOwnKeys = defineOperation({
  id: 'listOwnKeys',
  method: 'GET',
  path: '/account/keys',
  summary: 'API keys of the person',
  acceptsKeys: 'everybody',
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
  description:
    'The person uses it as a password at services behind the gateway. A mail tells of it. Where the tenant asks for a code, the mail has a code, and the key is refused until the code is presented, within 10 minutes.',
  ...protectedChange,
  refusals: {
    400: 'The request is not as described, or `no_verified_email`: no code can be sent to the person.',
    404: 'People of this tenant have no keys of their own.',
    429: 'There were too many mails with codes; try again after Retry-After seconds.',
  },
  body: z.strictObject({
    note: z.string().min(1).max(200).meta({ description: 'What it is for; plain text.' }),
    services: z
      .array(z.string())
      .min(1)
      .max(50)
      .optional()
      .meta({ description: 'Default: all that the tenant allows.' }),
    roles: z
      .array(z.string())
      .max(50)
      .optional()
      .meta({ description: 'Only with these roles of the person, and without groups.' }),
    expires_in: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Seconds; default: as long as the tenant allows.' }),
  }),
  answer: {
    ...madeAnswer,
    status: 201,
    schema: secretSchema.extend({
      verification_id: verificationId
        .optional()
        .meta({ description: 'Where a code is asked for. Belongs to the code of the mail.' }),
    }),
  },
  handle: async ({ tenant: { ownKeys }, person, body }) => {
    const { note, services, roles, expires_in: lifetimeSeconds } = body;
    const code = { browser: newBrowser() };
    const wanted = { note, code, ...definedOnly({ services, roles, lifetimeSeconds }) };
    const made = await ownKeys.create(person.account, wanted, person.by);
    if (made.ok) return { ...toMade(made), ...(made.needsCode ? { verification_id: code.browser } : {}) };
    if (made.reason === 'not_sent') throw refusalOf(made.code);
    return toMade(made);
  },
});

export const verifyOwnKey = defineOperation({
  id: 'verifyOwnKey',
  method: 'POST',
  path: '/account/keys/{id}/verification',
  summary: 'Present the code of the mail about a new key',
  description: 'The key is accepted from now on.',
  needsFactor: true,
  refusals: {
    400: 'The request is not as described, or `invalid_code`: wrong, too old, used, of another key, or too many attempts.',
  },
  parameters: { path: z.object({ id: idSchema }) },
  body: z.strictObject({
    verification_id: z.string().min(1).max(1000),
    code: z.string().min(1).max(1000).meta({ description: 'Of the mail.' }),
  }),
  answer: { description: 'The key.', schema: z.object({ key: keySchema }) },
  handle: async ({ tenant: { ownKeys }, person, path: { id }, body }) => {
    const typed = { id, browser: body.verification_id, code: body.code };
    const outcome = await ownKeys.verify(person.account, typed, person.by);
    if (outcome.ok) return { key: toPublicKey(outcome.key) };
    if (outcome.reason === 'too_many')
      throw new AppError('invalid_request', 'You have too many keys: revoke one first');
    throw new OperationRefusal(400, {
      code: 'invalid_code',
      description: 'The code is wrong, too old or already used; ask for another one, or make another key',
    });
  },
});

export const sendOwnKeyCode = defineOperation({
  id: 'sendOwnKeyCode',
  method: 'POST',
  path: '/account/keys/{id}/code',
  summary: 'Another code for a new key',
  needsFactor: true,
  refusals: {
    400: '`no_verified_email`: no code can be sent to the person.',
    404: 'No key with this id waits for a code; it waits for 15 minutes.',
    429: 'There were too many mails with codes; try again after Retry-After seconds.',
  },
  parameters: { path: z.object({ id: idSchema }) },
  answer: {
    status: 202,
    description: 'The mail is on its way.',
    schema: z.object({ verification_id: verificationId }),
  },
  handle: async ({ tenant: { ownKeys }, person, path: { id } }) => {
    const browser = newBrowser();
    const sent = await ownKeys.sendCode(person.account, id, { browser });
    if (!sent.ok) throw refusalOf(sent);
    return { verification_id: browser };
  },
});

export const rotateOwnKey = defineOperation({
  id: 'rotateOwnKey',
  method: 'POST',
  path: '/account/keys/{id}/rotation',
  summary: 'A new secret for a key',
  description:
    'The old one is accepted for a while, as the tenant has it. Only for keys that the person made.',
  ...protectedChange,
  refusals: { 404: 'The person has made no such key, or it has expired.' },
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
const toMade = (made: KeyMade): z.input<typeof secretSchema> => {
  if (made.ok) {
    const { key, secret, halves } = made;
    return { key: toPublicKey(key), secret, api_key: halves.key, api_secret: halves.secret };
  }
  throw new AppError(made.reason === 'absent' ? 'not_found' : 'invalid_request', made.message);
};

const refusalOf = (refused: CodeNotSent): Error => {
  switch (refused.reason) {
    case 'absent':
      return new AppError('not_found', 'No key with this id waits for a code');
    case 'address':
      return new OperationRefusal(400, {
        code: 'no_verified_email',
        description: 'A code is sent to your verified e-mail address, and you have none: verify it first',
      });
    case 'throttled':
      return new AppError('throttled', 'There were too many mails with codes', {
        retryAfterSeconds: refused.retryAfterSeconds,
      });
  }
};

const secondsOf = (epochMs: number | undefined): number | undefined =>
  epochMs === undefined ? undefined : toSeconds(epochMs);

const limitsOf = ({ services, roles, scopes, resources, networks }: ApiKeyRecord) =>
  Object.fromEntries(
    Object.entries({ services, roles, scopes, resources, networks }).map(([name, some]) => [
      name,
      some && [...some],
    ]),
  );

const toPublicKey = (key: ApiKeyRecord): z.input<typeof keySchema> => ({
  id: key.id,
  key: publicPartOf(key),
  own: key.isOwn === true,
  created_at: toSeconds(key.createdAt),
  ...definedOnly({
    note: key.note,
    ...limitsOf(key),
    expires_at: secondsOf(key.expiresAt),
    last_used_at: secondsOf(key.lastUsedAt),
    last_used_from: key.lastUsedFrom,
  }),
});
