import { z } from 'zod';
import { localeClaimOf } from '../../accounts/claims.ts';
import { managedElsewhere } from '../../accounts/managed-elsewhere.ts';
import { pictureUrl } from '../../accounts/pictures.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { type ApiTenant, defineOperation } from './operation.ts';

const text = z.string().optional();

const sourceSchema = z.object({
  id: z.string(),
  name: z.string().meta({ description: 'As the sign-in page shows it.' }),
  connected_at: timeSchema,
});

export const accountSchema = z
  .object({
    sub: idSchema,
    username: z.string(),
    name: text,
    email: text,
    email_verified: z.boolean().optional(),
    locale: text,
    picture: text.meta({ description: 'The address of a picture.' }),
    created_at: timeSchema,
    changed_at_sources: z
      .object({ profile: z.array(z.string()).optional(), password: z.array(z.string()).optional() })
      .meta({ description: 'Names of the sources at which these are changed, and not here.' }),
    sources: z
      .array(sourceSchema)
      .meta({ description: 'Where the person signs in, besides a password here.' }),
  })
  .meta({ id: 'Account' });

export const showOwnAccount = defineOperation({
  id: 'showOwnAccount',
  method: 'GET',
  path: '/account',
  summary: 'The person of the access token',
  acceptsKeys: 'everybody',
  answer: { description: 'Their account.', schema: accountSchema },
  handle: async ({ tenant, person: { account } }) => toPublicAccount(tenant, account),
});

export const toPublicAccount = (
  { definition, connectors, provider }: ApiTenant,
  account: AccountRecord,
): z.input<typeof accountSchema> => {
  const { name } = account.claims;
  const picture = pictureUrl(provider.issuer, account) ?? account.claims.picture;
  const elsewhere = managedElsewhere(account, { sources: definition.sources, connectors });
  return {
    sub: account.sub,
    username: account.username,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof picture === 'string' ? { picture } : {}),
    ...definedOnly({
      locale: localeClaimOf(account),
      email: account.email,
      email_verified: account.emailVerified,
    }),
    created_at: toSeconds(account.createdAt),
    changed_at_sources: {
      ...(elsewhere.profile === undefined ? {} : { profile: [...elsewhere.profile] }),
      ...(elsewhere.password === undefined ? {} : { password: [...elsewhere.password] }),
    },
    sources: (account.identities ?? []).map(({ source, linkedAt }) => ({
      id: source,
      name: definition.sources.find(({ id }) => id === source)?.displayName ?? source,
      connected_at: toSeconds(linkedAt),
    })),
  };
};
