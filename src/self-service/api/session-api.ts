import { z } from 'zod';
import { browserName } from '../../accounts/session-origin.ts';
import type { PersonSession } from '../../accounts/sign-ins/session-pages.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { idSchema, timeSchema } from '../../web/api/api-schemas.ts';
import { appSchema, appsOf } from './api-schemas.ts';
import { type ApiPerson, type ApiTenant, defineOperation } from './operation.ts';

export const sessionSchema = z
  .object({
    id: idSchema,
    current: z.boolean().meta({ description: 'Does the presented access token belong to it?' }),
    signed_in_at: timeSchema.optional(),
    expires_at: timeSchema,
    address: z.string().optional().meta({ description: 'IP address of the sign-in.' }),
    browser: z.string().optional().meta({ description: 'Such as `Firefox`.' }),
    system: z.string().optional().meta({ description: 'Such as `Windows`.' }),
    apps: z.array(appSchema),
    services: z.array(z.string()).meta({
      description:
        'Hosts of services behind the gateway where it is used; `*.example.com`: all below that domain. A session that user name and password began at a service has one, and no apps.',
    }),
  })
  .meta({ id: 'Session' });

export const listOwnSessions = defineOperation({
  id: 'listOwnSessions',
  method: 'GET',
  path: '/sessions',
  summary: 'Where the person is signed in',
  acceptsKeys: 'people',
  answer: {
    description: 'The newest sign-in first.',
    schema: z.object({ sessions: z.array(sessionSchema) }),
  },
  handle: async ({ tenant, person }) => ({
    sessions: (await tenant.sessions.list(person.sub)).map((session) =>
      toPublicSession(session, tenant, person),
    ),
  }),
});

export const endOwnSession = defineOperation({
  id: 'endOwnSession',
  method: 'DELETE',
  path: '/sessions/{id}',
  summary: 'End one session',
  description: 'It may be the one of the presented access token, which is then no longer valid.',
  parameters: { path: z.object({ id: idSchema }) },
  answer: { description: 'The session has ended, with the tokens of its apps.' },
  handle: async ({ tenant, person, path }) => {
    if (!(await tenant.sessions.end(person.sub, path.id, person.by)))
      throw new AppError('not_found', 'There is no such session');
    return undefined;
  },
});

export const endOtherOwnSessions = defineOperation({
  id: 'endOtherOwnSessions',
  method: 'DELETE',
  path: '/sessions',
  summary: 'Sign out everywhere else',
  description:
    'Ends all sessions and tokens of the person, except the presented access token, its session and the apps of that.',
  answer: {
    description: 'They have ended.',
    schema: z.object({ ended: z.int().min(0).meta({ description: 'Number of sessions.' }) }),
  },
  handle: async ({ tenant, person }) => ({
    ended: await tenant.sessions.endOthers(person.sub, person.revocationIds, person.by),
  }),
});

export const toPublicSession = (
  { id, signedInAt, expiresAt, clients, services, origin = { address: '' } }: PersonSession,
  { definition }: Pick<ApiTenant, 'definition'>,
  { revocationIds }: Pick<ApiPerson, 'revocationIds'>,
): z.input<typeof sessionSchema> => ({
  id,
  current: revocationIds.includes(id),
  expires_at: expiresAt,
  ...definedOnly({ signed_in_at: signedInAt, address: origin.address || undefined }),
  ...browserName(origin),
  apps: appsOf(definition, clients),
  services: [...services],
});
