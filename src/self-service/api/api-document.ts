import type { Context } from 'koa';
import { createDocument } from 'zod-openapi';
import { accountScope } from '../../protocol/scopes.ts';
import { pathsOf, sendDocument } from '../../web/api/api-document.ts';
import { problemSchema } from '../../web/api/api-schemas.ts';
import { type ApiTenant, apiPath } from './operation.ts';
import { operations } from './operations.ts';

type DescribedTenant = Pick<ApiTenant, 'provider' | 'definition'>;

/** The OpenAPI document of a tenant, for everybody. It is built at the first request; tenants differ in names only. */
export const createApiDocument = (): ((ctx: Context, tenant: DescribedTenant) => void) => {
  let shared: ReturnType<typeof describeOperations> | undefined;
  return (ctx, tenant) => {
    shared ??= describeOperations();
    sendDocument(ctx, describeApi(shared, tenant));
  };
};

const describeOperations = () =>
  createDocument({
    openapi: '3.1.0',
    info: { title: '', version: '1' },
    security: [byToken],
    paths: pathsOf(operations, {
      problem: { mediaType: 'application/json', schema: problemSchema },
      refusalsOf: ({ isPublic }) => (isPublic ? {} : refusalsOfTokens),
      more: ({ isPublic, acceptsKeys }) =>
        isPublic ? { security: [] } : acceptsKeys ? { security: withKeys } : {},
    }),
  });

const byToken = { accessToken: [accountScope] };

/** In each form of the gateway. */
const withKeys = [byToken, { apiKey: [] }, { apiKeyAsUser: [] }, { apiKeyHalf: [], apiSecretHalf: [] }];

const describeApi = (
  shared: ReturnType<typeof describeOperations>,
  { provider: { issuer }, definition }: DescribedTenant,
) => ({
  ...shared,
  info: {
    ...shared.info,
    title: `${definition.displayName}: your account`,
    description: `What people do with their own account, for first-party apps: with an access token that has the scope ${accountScope}.`,
  },
  servers: [{ url: `${issuer}${apiPath}` }],
  components: {
    ...shared.components,
    securitySchemes: {
      accessToken: {
        type: 'openIdConnect',
        openIdConnectUrl: `${issuer}/.well-known/openid-configuration`,
        description: `Authorization: Bearer, with an access token that has the scope ${accountScope} and is for no resource.`,
      },
      apiKey: {
        type: 'http',
        scheme: 'bearer',
        description: `Authorization: Bearer, with an API key that has the scope ${accountScope} and is for no service or resource. An API key reads, and changes nothing.`,
      },
      apiKeyAsUser: {
        type: 'http',
        scheme: 'basic',
        description: 'The same API key as the password of its owner, or as the user name without a password.',
      },
      apiKeyHalf: {
        type: 'apiKey',
        in: 'header',
        name: 'X-API-Key',
        description: 'The first half of the same API key, or the whole of it.',
      },
      apiSecretHalf: {
        type: 'apiKey',
        in: 'header',
        name: 'X-API-Secret',
        description: 'The second half.',
      },
    },
  },
});

const refusalsOfTokens = {
  401: 'There is no access token or API key, it is no longer valid, or the sign-in was too long ago.',
  403: `The access token or API key lacks the scope ${accountScope}, is for another service, or is a key where a person must sign in.`,
};
