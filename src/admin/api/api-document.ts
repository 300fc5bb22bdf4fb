import type { Context } from 'koa';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi';
import { definedOnly } from '../../defined-only.ts';
import { adminScope } from '../../protocol/scopes.ts';
import { pathsOf, sendDocument } from '../../web/api/api-document.ts';
import type { DescribedRefusal } from '../../web/api/described-operation.ts';
import type { AdminParts } from '../admin-parts.ts';
import { type AdminOperation, adminApiPath } from './operation.ts';
import { adminOperations } from './operations.ts';

const problemDetailsSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional().meta({ description: 'A sentence for developers.' }),
    code: z.string().meta({ description: 'A code for programs, such as `invalid_request`.' }),
    error_id: z.string().meta({ description: 'Also in the log of the server.' }),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' });

/** The OpenAPI document, for everybody. It is built at the first request. */
export const createAdminDocument = ({
  publicUrl,
  version,
}: Pick<AdminParts, 'publicUrl' | 'version'>): ((ctx: Context) => void) => {
  let document: ReturnType<typeof createDocument> | undefined;
  return (ctx) => {
    document ??= createDocument({
      openapi: '3.1.0',
      info: {
        title: 'Drawbridge: administration',
        version,
        description: `For people and programs with administrative roles: with an access token that has the scope ${adminScope}, or an API key that has it.`,
      },
      servers: [{ url: `${publicUrl}${adminApiPath}` }],
      security: [{ bearer: [] }],
      paths: pathsOf(adminOperations, {
        problem: { mediaType: 'application/problem+json', schema: problemDetailsSchema },
        refusalsOf,
        more: describeHeaders,
      }),
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: `An access token with the scope ${adminScope} that is for no resource, or an API key with this scope. A key may also be sent as Basic or in X-API-Key.`,
          },
        },
      },
    });
    sendDocument(ctx, document);
  };
};

const refusalsOf = ({
  isVersioned,
  isRepeatable,
}: AdminOperation): Readonly<Record<number, DescribedRefusal>> => ({
  401: 'There is no credential, it is not valid, or the sign-in was too long ago or without a second factor.',
  403: `The credential lacks the scope ${adminScope}, or the caller the right.`,
  404: 'There is no such thing, no such tenant, or the caller has no right there.',
  409: 'Somebody else changed it meanwhile.',
  ...(isVersioned ? { 412: '`precondition_failed`: it is not as `If-Match` says.' } : {}),
  ...(isRepeatable ? { 422: '`idempotency_key_reused`: it was sent with another request before.' } : {}),
  429: 'There were too many wrong credentials; try again after Retry-After seconds.',
});

const describeHeaders = ({
  isVersioned,
  isRepeatable,
  parameters: { path, query },
}: AdminOperation): Partial<ZodOpenApiOperationObject> => {
  const header = z.object({
    ...(isVersioned
      ? {
          'If-Match': z
            .string()
            .regex(/^("\d{1,15}"|\*)$/)
            .optional()
            .meta({ description: '`ETag` of the thing as the caller knows it.' }),
        }
      : {}),
    ...(isRepeatable
      ? {
          'Idempotency-Key': z
            .string()
            .regex(/^[\x21-\x7e]{1,200}$/)
            .optional()
            .meta({ description: 'Such as a UUID. The request may then be sent again.' }),
        }
      : {}),
  });
  return isVersioned || isRepeatable ? { requestParams: { ...definedOnly({ path, query }), header } } : {};
};
