import { z } from 'zod';
import { browserName } from '../../accounts/session-origin.ts';
import { type SignInEntry, signInKinds } from '../../accounts/sign-ins/sign-in-entry.ts';
import { mostSignIns } from '../../accounts/sign-ins/sign-ins.ts';
import { definedOnly } from '../../defined-only.ts';
import { idSchema, timeSchema } from '../../web/api/api-schemas.ts';
import { nothingHere } from '../../web/problem.ts';
import { may } from '../permissions.ts';
import { getAccount, getManageable } from './accounts.ts';
import { defineAdminOperation } from './operation.ts';

const kindSchema = z.enum(signInKinds).meta({
  description:
    "`session`: of a browser, or of a sign-in on an app's own page. `gateway_session`: begun by user name and password at a service. `refresh_token`: of an app, ends with no session.",
});

const signInSchema = z
  .object({
    kind: kindSchema,
    id: idSchema.meta({ description: 'Unique within the kind.' }),
    name: z.string().optional().meta({ description: 'Of a device; of a key its note.' }),
    signed_in_at: timeSchema.optional(),
    last_used_at: timeSchema.optional(),
    expires_at: timeSchema.optional(),
    address: z.string().optional().meta({ description: 'IP address of the sign-in.' }),
    browser: z.string().optional().meta({ description: 'Such as `Firefox`.' }),
    system: z.string().optional().meta({ description: 'Such as `Windows`.' }),
    amr: z.array(z.string()).optional().meta({ description: 'How the person signed in (RFC 8176).' }),
    clients: z.array(z.string()).meta({ description: 'client_ids of its apps.' }),
    services: z.array(z.string()).meta({ description: 'Hosts of services behind the gateway.' }),
  })
  .meta({ id: 'SignIn' });

const cursorSchema = z.string().regex(/^[\w-]{1,300}$/);

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

const toPublicSignIn = (entry: SignInEntry): z.input<typeof signInSchema> => {
  const { kind, id, name, amr, origin, signedInAt, lastUsedAt, expiresAt } = entry;
  return {
    ...{ kind, id },
    ...definedOnly({
      name,
      signed_in_at: signedInAt,
      last_used_at: lastUsedAt,
      expires_at: expiresAt,
      address: origin?.address,
      amr: amr && [...amr],
    }),
    ...browserName(origin ?? {}),
    clients: [...entry.clients],
    services: [...entry.services],
  };
};
