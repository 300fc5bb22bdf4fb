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
    security: [{ accessToken: [accountScope] }],
    paths: pathsOf(operations, {
      problem: { mediaType: 'application/json', schema: problemSchema },
      refusalsOf: ({ isPublic }) => (isPublic ? {} : refusalsOfTokens),
      more: ({ isPublic }) => (isPublic ? { security: [] } : {}),
    }),
  });

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
    },
  },
});

const refusalsOfTokens = {
  401: 'There is no access token, it is no longer valid, or the sign-in was too long ago.',
  403: `The access token lacks the scope ${accountScope}, or is for another service.`,
};
