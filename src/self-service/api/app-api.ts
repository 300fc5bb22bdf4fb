import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { timeSchema } from '../../web/api/api-schemas.ts';
import { appSchema, appsOf } from './api-schemas.ts';
import { defineOperation } from './operation.ts';

/** As the table of addresses has it. */
const clientIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);

const accessSchema = appSchema
  .extend({
    first_party: z.boolean().meta({ description: 'Is it an app of the tenant itself?' }),
    scopes: z.array(z.string()),
    resources: z.array(z.object({ identifier: z.string(), scopes: z.array(z.string()) })),
    granted_at: timeSchema,
    expires_at: timeSchema,
  })
  .meta({ id: 'AppAccess' });

export const listOwnApps = defineOperation({
  id: 'listOwnApps',
  method: 'GET',
  path: '/apps',
  summary: 'Apps with access to the account',
  acceptsKeys: 'people',
  answer: {
    description: 'The last one that got access comes first.',
    schema: z.object({ apps: z.array(accessSchema) }),
  },
  handle: async ({ tenant: { apps, definition }, person }) => ({
    apps: (await apps.list(person.sub)).flatMap(({ clientId, scopes, resources, grantedAt, expiresAt }) =>
      appsOf(definition, [clientId]).map((app) => ({
        ...app,
        first_party: definition.clients.some(
          ({ metadata, firstParty }) => metadata.client_id === clientId && firstParty,
        ),
        scopes: [...scopes],
        resources: resources.map((one) => ({ identifier: one.identifier, scopes: [...one.scopes] })),
        granted_at: grantedAt,
        expires_at: expiresAt,
      })),
    ),
  }),
});

export const withdrawOwnApp = defineOperation({
  id: 'withdrawOwnApp',
  method: 'DELETE',
  path: '/apps/{client_id}',
  summary: 'Withdraw the access of an app',
  description:
    'Ends its tokens and its devices, and tells the app by its back-channel logout. An app of the tenant itself gets access again at the next sign-in; another one has to ask.',
  parameters: { path: z.object({ client_id: clientIdSchema }) },
  answer: { description: 'The app has no access any more.' },
  handle: async ({ tenant, person, path }) => {
    if (!(await tenant.apps.withdraw(person.sub, path.client_id, person.by)))
      throw new AppError('not_found', 'This app has no access to the account');
    return undefined;
  },
});
