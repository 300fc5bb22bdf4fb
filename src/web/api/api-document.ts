import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import type { z } from 'zod';
import type {
  ZodOpenApiOperationObject,
  ZodOpenApiPathsObject,
  ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { definedOnly } from '../../defined-only.ts';
import { problemHeadersSchema } from './api-schemas.ts';
import type { DescribedOperation, DescribedRefusal } from './described-operation.ts';

/** How the operations of one API are described. */
export interface ApiDescription<One extends DescribedOperation> {
  /** Of refusals. */
  readonly problem: { readonly mediaType: string; readonly schema: z.ZodObject };
  /** Refusals that follow from what all operations share, beside those of the forms of a request. */
  readonly refusalsOf: (operation: One) => Readonly<Record<number, DescribedRefusal>>;
  /** Members that only this API has. */
  readonly more?: (operation: One) => ZodOpenApiOperationObject | Partial<ZodOpenApiOperationObject>;
}

export const pathsOf = <One extends DescribedOperation>(
  described: readonly One[],
  description: ApiDescription<One>,
): ZodOpenApiPathsObject => {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const operation of described)
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: describeOperation(operation, description),
    };
  return paths;
};

const describeOperation = <One extends DescribedOperation>(
  operation: One,
  description: ApiDescription<One>,
): ZodOpenApiOperationObject => {
  const { id, summary, description: words, parameters, body, file } = operation;
  return {
    operationId: id,
    summary,
    ...definedOnly({ description: words }),
    requestParams: definedOnly({ path: parameters.path, query: parameters.query }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    ...(file === undefined ? {} : { requestBody: describeFile(file) }),
    ...description.more?.(operation),
    responses: { ...successOf(operation), ...refusalsOf(operation, description) },
  };
};

const describeFile = ({ types, longest }: NonNullable<DescribedOperation['file']>) => ({
  required: true,
  description: `At most ${longest} bytes.`,
  content: Object.fromEntries(types.map((type) => [type, {}])),
});

const successOf = ({ answer }: DescribedOperation): ZodOpenApiResponsesObject => {
  const { description, schema, status = 200, repeated, types } = answer;
  if (types !== undefined)
    return { '200': { description, content: Object.fromEntries(types.map((type) => [type, {}])) } };
  if (schema === undefined) return { '204': { description } };
  const content = { 'application/json': { schema } };
  return {
    [`${status}`]: { description, content },
    ...(repeated === undefined ? {} : { '200': { description: repeated, content } }),
  };
};

const refusalsOf = <One extends DescribedOperation>(
  operation: One,
  { problem, refusalsOf: shared }: ApiDescription<One>,
): ZodOpenApiResponsesObject => {
  const { parameters, body, file, refusals = {} } = operation;
  const isChecked = body !== undefined || parameters.path !== undefined || parameters.query !== undefined;
  const described: Readonly<Record<string, DescribedRefusal>> = {
    ...(isChecked ? { 400: 'The request is not as described.' } : {}),
    ...(parameters.path === undefined
      ? {}
      : { 404: 'There is no such thing, or it belongs to somebody else.' }),
    ...(body === undefined ? {} : { 413: 'The body is too large.', 415: 'The body is not JSON in UTF-8.' }),
    ...(file === undefined ? {} : { 413: 'The file is too large.', 415: 'The file is of another kind.' }),
    503: 'The store or a source cannot be reached; try again after Retry-After seconds.',
    ...shared(operation),
    ...refusals,
  };
  return Object.fromEntries(
    Object.entries(described).map(([status, refusal]) => [
      status,
      {
        description: typeof refusal === 'string' ? refusal : refusal.description,
        headers: problemHeadersSchema,
        content: {
          [problem.mediaType]: { schema: typeof refusal === 'string' ? problem.schema : refusal.schema },
        },
      },
    ]),
  );
};

/** Sends an OpenAPI document, for everybody. */
export const sendDocument = (ctx: Context, document: object): void => {
  const text = JSON.stringify(document);
  ctx.set('Access-Control-Allow-Origin', '*');
  ctx.set('Cache-Control', 'public, max-age=300');
  ctx.type = 'application/json';
  ctx.etag = createHash('sha256').update(text).digest('base64url').slice(0, 20);
  ctx.status = 200;
  if (ctx.fresh) ctx.status = 304;
  else ctx.body = text;
};
