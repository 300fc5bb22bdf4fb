import { z } from 'zod';
import { publicSignIn } from '../../accounts/sign-ins/public-sign-in.ts';
import { type SignInEntry, signInKinds } from '../../accounts/sign-ins/sign-in-entry.ts';
import { mostSignIns } from '../../accounts/sign-ins/sign-ins.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { idSchema } from '../../web/api/api-schemas.ts';
import { cursorSchema, signInKindSchema, signInMembers } from '../../web/api/sign-in-schemas.ts';
import { appSchema, appsOf } from './api-schemas.ts';
import { type ApiPerson, type ApiTenant, defineOperation } from './operation.ts';

const kindSchema = signInKindSchema(signInKinds);

const signInSchema = z
  .object({
    kind: kindSchema,
    ...signInMembers,
    current: z.boolean().meta({ description: 'Does the presented access token belong to it?' }),
    page_of: appSchema.optional().meta({ description: 'The app on whose own page the person signed in.' }),
    apps: z.array(appSchema).meta({ description: 'That it serves, or belongs to.' }),
  })
  .meta({ id: 'SignIn' });

export const listOwnSignIns = defineOperation({
  id: 'listOwnSignIns',
  method: 'GET',
  path: '/account/sign-ins',
  summary: 'All by which the person is signed in',
  acceptsKeys: 'people',
  parameters: {
    query: z.object({
      cursor: cursorSchema.optional().meta({ description: '`next` of the page before.' }),
      limit: z
        .string()
        .regex(/^([1-9][0-9]?|100)$/)
        .optional()
        .meta({ description: `Entries of a page; at most and by default ${mostSignIns}.` }),
      kind: kindSchema.optional().meta({ description: 'Only of this kind.' }),
    }),
  },
  answer: {
    description:
      'Kind by kind: sessions, gateway sessions, refresh tokens, devices, API keys; the latest sign-in first. With `next`, there may be more.',
    schema: z.object({ sign_ins: z.array(signInSchema), next: cursorSchema.optional() }),
  },
  handle: async ({ tenant, person, query: { limit, ...asked } }) => {
    const { entries, next } = await tenant.signIns.list(person.sub, {
      ...definedOnly(asked),
      ...(limit === undefined ? {} : { limit: Number(limit) }),
    });
    return {
      sign_ins: entries.map((entry) => toPublicSignIn(entry, tenant, person)),
      ...definedOnly({ next }),
    };
  },
});

export const endOwnSignIn = defineOperation({
  id: 'endOwnSignIn',
  method: 'DELETE',
  path: '/account/sign-ins/{kind}/{id}',
  summary: 'End one of them',
  description:
    'It may be the one of the presented access token, which is then no longer valid. API keys are revoked at `/account/keys/{id}`.',
  parameters: { path: z.object({ kind: kindSchema.exclude(['api_key']), id: idSchema }) },
  answer: { description: 'It has ended, with all tokens that it had.' },
  handle: async ({ tenant, person, path }) => {
    if (!(await tenant.signIns.end(person.sub, path, person.by)))
      throw new AppError('not_found', 'There is no such sign-in');
    return undefined;
  },
});

const toPublicSignIn = (
  entry: SignInEntry,
  { definition }: Pick<ApiTenant, 'definition'>,
  { revocationIds }: Pick<ApiPerson, 'revocationIds'>,
): z.input<typeof signInSchema> => {
  const { clientId, revocationId, clients } = entry;
  const [pageOf] = clientId === undefined ? [] : appsOf(definition, [clientId]);
  return {
    ...publicSignIn(entry),
    current: revocationIds.includes(revocationId),
    ...definedOnly({ page_of: pageOf }),
    apps: appsOf(definition, clients),
  };
};
