import { z } from 'zod';
import { publicSignIn } from '../../accounts/sign-ins/public-sign-in.ts';
import { type SignInEntry, signInKinds } from '../../accounts/sign-ins/sign-in-entry.ts';
import { mostSignIns } from '../../accounts/sign-ins/sign-ins.ts';
import { definedOnly } from '../../defined-only.ts';
import { idSchema } from '../../web/api/api-schemas.ts';
import { cursorSchema, signInKindSchema, signInMembers } from '../../web/api/sign-in-schemas.ts';
import { nothingHere } from '../../web/problem.ts';
import { may } from '../permissions.ts';
import { getAccount, getManageable } from './accounts.ts';
import { defineAdminOperation } from './operation.ts';

const kindSchema = signInKindSchema(signInKinds);

const signInSchema = z
  .object({
    kind: kindSchema,
    ...signInMembers,
    clients: z.array(z.string()).meta({ description: 'client_ids of its apps.' }),
  })
  .meta({ id: 'SignIn' });

const ofPerson = z.object({ sub: idSchema });

export const listSignIns = defineAdminOperation({
  id: 'listSignIns',
  method: 'GET',
  path: '/people/{sub}/sign-ins',
  permission: 'signIns.read',
  summary: 'All by which a person is signed in',
  parameters: {
    path: ofPerson,
    query: z.object({
      cursor: cursorSchema.optional().meta({ description: '`next` of the page before.' }),
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(mostSignIns)
        .default(mostSignIns)
        .meta({ description: 'Entries of a page.' }),
      kind: kindSchema.optional().meta({ description: 'Only of this kind.' }),
    }),
  },
  answer: {
    description:
      'Kind by kind, the latest sign-in first; API keys for those who may see them. With `next`, there may be more.',
    schema: z.object({ sign_ins: z.array(signInSchema), next: cursorSchema.optional() }),
  },
  handle: async ({ path, query, ...request }) => {
    const { sub } = await getAccount(request, path.sub, 'person');
    const { entries, next } = await request.tenant.signIns.list(sub, definedOnly(query));
    const seesKeys = may(request.operator.roles, 'keys.read');
    return {
      sign_ins: entries.filter(({ kind }) => seesKeys || kind !== 'api_key').map(toPublicSignIn),
      ...definedOnly({ next }),
    };
  },
});

export const endSignIn = defineAdminOperation({
  id: 'endSignIn',
  method: 'DELETE',
  path: '/people/{sub}/sign-ins/{kind}/{id}',
  permission: 'signIns.end',
  summary: 'End one of them',
  description: 'API keys are revoked at `/keys/{id}`.',
  parameters: { path: ofPerson.extend({ kind: kindSchema.exclude(['api_key']), id: idSchema }) },
  answer: { description: 'It has ended, with all tokens that it had.' },
  handle: async ({ path: { sub: asked, ...entry }, ...request }) => {
    const { sub } = await getManageable(request, asked, 'person');
    const { actor } = request.operator;
    if (!(await request.tenant.signIns.end(sub, entry, { actor }))) throw nothingHere();
    return undefined;
  },
});

export const endSignIns = defineAdminOperation({
  id: 'endSignIns',
  method: 'DELETE',
  path: '/people/{sub}/sign-ins',
  permission: 'signIns.end',
  summary: 'End all sessions and tokens of a person, and devices with them',
  parameters: { path: ofPerson },
  answer: {
    description: 'They have ended; API keys have not.',
    schema: z.object({ ended: z.int().min(0).meta({ description: 'Number of sessions.' }) }),
  },
  handle: async ({ path, ...request }) => {
    const { sub } = await getManageable(request, path.sub, 'person');
    const { actor } = request.operator;
    const { sessions: ended } = await request.tenant.signIns.endAll(sub, { actor });
    return { ended };
  },
});

const toPublicSignIn = (entry: SignInEntry): z.input<typeof signInSchema> => ({
  ...publicSignIn(entry),
  clients: [...entry.clients],
});
