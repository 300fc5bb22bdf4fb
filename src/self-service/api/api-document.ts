import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { definedOnly } from '../../defined-only.ts';
import { accountScope } from '../../protocol/scopes.ts';
import { problemHeadersSchema, problemSchema } from './api-schemas.ts';
import { type ApiTenant, apiPath, type DescribedRefusal, type Operation } from './operation.ts';
import { operations } from './operations.ts';

type DescribedTenant = Pick<ApiTenant, 'provider' | 'definition'>;

/** The OpenAPI document of a tenant, for everybody. It is built at the first request; tenants differ in names only. */
export const createApiDocument = (): ((ctx: Context, tenant: DescribedTenant) => void) => {
  let shared: ReturnType<typeof describeOperations> | undefined;
  return (ctx, tenant) => {
    shared ??= describeOperations();
    const text = JSON.stringify(describeApi(shared, tenant));
    ctx.set('Access-Control-Allow-Origin', '*');
    ctx.set('Cache-Control', 'public, max-age=300');
    ctx.type = 'application/json';
    ctx.etag = createHash('sha256').update(text).digest('base64url').slice(0, 20);
    ctx.status = 200;
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = text;
  };
};

const describeOperations = () =>
  createDocument({
    openapi: '3.1.0',
    info: { title: '', version: '1' },
    security: [{ accessToken: [accountScope] }],
    paths: pathsOf(operations),
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

const pathsOf = (described: readonly Operation[]): ZodOpenApiPathsObject => {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const operation of described)
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: describeOperation(operation),
    };
  return paths;
};

const describeOperation = (operation: Operation): ZodOpenApiOperationObject => {
  const { id, summary, description, parameters, body, file, isPublic } = operation;
  return {
    operationId: id,
    summary,
    ...definedOnly({ description }),
    ...(isPublic ? { security: [] } : {}),
    requestParams: definedOnly({ path: parameters.path, query: parameters.query }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    ...(file === undefined ? {} : { requestBody: describeFile(file) }),
    responses: answersOf(operation),
  };
};

const describeFile = ({ types, longest }: NonNullable<Operation['file']>) => ({
  required: true,
  description: `At most ${longest} bytes.`,
  content: Object.fromEntries(types.map((type) => [type, {}])),
});

const answersOf = (operation: Operation): ZodOpenApiResponsesObject => {
  const { description, schema, status = 200 } = operation.answer;
  const success: ZodOpenApiResponsesObject =
    schema === undefined
      ? { '204': { description } }
      : { [`${status}`]: { description, content: { 'application/json': { schema } } } };
  return { ...success, ...refusalsOf(operation) };
};

const refusalsOf = ({
  parameters,
  body,
  file,
  isPublic,
  refusals = {},
}: Operation): ZodOpenApiResponsesObject => {
  const isChecked = body !== undefined || parameters.path !== undefined || parameters.query !== undefined;
  const described: Readonly<Record<string, DescribedRefusal>> = {
    ...(isChecked ? { 400: 'The request is not as described.' } : {}),
    ...(isPublic ? {} : refusalsOfTokens),
    ...(parameters.path === undefined
      ? {}
      : { 404: 'There is no such thing, or it belongs to somebody else.' }),
    ...(body === undefined ? {} : { 413: 'The body is too large.', 415: 'The body is not JSON in UTF-8.' }),
    ...(file === undefined ? {} : { 413: 'The file is too large.', 415: 'The file is of another kind.' }),
    503: 'The store or a source cannot be reached; try again after Retry-After seconds.',
    ...refusals,
  };
  return Object.fromEntries(
    Object.entries(described).map(([status, refusal]) => [
      status,
      {
        description: typeof refusal === 'string' ? refusal : refusal.description,
        headers: problemHeadersSchema,
        content: {
          'application/json': { schema: typeof refusal === 'string' ? problemSchema : refusal.schema },
        },
      },
    ]),
  );
};

const refusalsOfTokens = {
  401: 'There is no access token, it is no longer valid, or the sign-in was too long ago.',
  403: `The access token lacks the scope ${accountScope}, or is for another service.`,
};
