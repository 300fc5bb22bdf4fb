// The administration API, below `/admin/api/v1`. One operation is one method at one path below a tenant, and is described once
// (`web/api/described-operation.ts`).
//   operations.ts         all operations; person-api.ts, key-api.ts … define them, by subject
//   answer-operation.ts   one request: caller, tenant, right, parameters, body, answer
//   api-document.ts       the OpenAPI document
import type { Context } from 'koa';
import { z } from 'zod';
import { tenantIdPattern } from '../../protocol/tenant-id.ts';
import type { Tenant } from '../../tenants/tenant.ts';
import {
  type DescribedAnswer,
  type DescribedOperation,
  type GivenParts,
  type OperationFacts,
  type OperationParts,
  readParts,
} from '../../web/api/described-operation.ts';
import type { AdminParts } from '../admin-parts.ts';
import type { AdministrativeRole, Permission } from '../permissions.ts';

/** Where the API begins. */
export const adminApiPath = '/admin/api/v1';

/** Where the operations for one tenant begin, after that. */
const tenantPath = '/tenants/{tenant}';

/** The caller, who may do what the operation does. */
export interface Operator {
  /** For the audit record: a sub, behind the id of the tenant where that is another one. */
  readonly actor: string;
  /** At this tenant. */
  readonly roles: readonly AdministrativeRole[];
}

/** What all operations get. */
export interface AdminRequest {
  readonly ctx: Context;
  readonly parts: AdminParts;
  readonly tenant: Tenant;
  readonly operator: Operator;
}

export interface AdminCall<Path, Query, Body> extends AdminRequest {
  readonly path: Path;
  readonly query: Query;
  readonly body: Body;
}

interface AdminFacts extends OperationFacts {
  /** The right that is needed. */
  readonly permission: Permission;
  /** Does `If-Match` with an `ETag` of the thing make it conditional? */
  readonly isVersioned?: true;
  /** Does an `Idempotency-Key` make it repeatable? */
  readonly isRepeatable?: true;
}

interface AdminSpec<
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  Answer extends z.ZodType,
> extends AdminFacts,
    OperationParts<Path, Query, Body> {
  readonly answer: DescribedAnswer<Answer>;
  /** Resolves to the answer by its schema, a stream by its types, or nothing. */
  readonly handle: (
    call: AdminCall<z.output<Path>, z.output<Query>, z.output<Body>>,
  ) => Promise<z.input<Answer> | Repeated<z.input<Answer>> | AsyncIterable<string> | undefined>;
}

/** The answer to a request that was made before: status 200. */
export class Repeated<Answer> {
  readonly answer: Answer;

  constructor(answer: Answer) {
    this.answer = answer;
  }
}

export interface AdminOperation extends AdminFacts, DescribedOperation {
  /** @throws AppError, OperationRefusal */
  run(request: AdminRequest & GivenParts): Promise<AdminAnswer>;
}

/** `text`: a stream of it. */
export type AdminAnswer =
  | { readonly status: number; readonly body: unknown }
  | { readonly status: 200; readonly text: AsyncIterable<string> };

const tenantParameter = z.object({
  tenant: z
    .string()
    .regex(new RegExp(`^${tenantIdPattern}$`))
    .meta({ description: 'Id of a tenant.' }),
});

export const defineAdminOperation = <
  Answer extends z.ZodType = z.ZodNever,
  Path extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodObject = z.ZodObject,
>({
  handle,
  ...spec
}: AdminSpec<Path, Query, Body, Answer>): AdminOperation => {
  const { answer, parameters = {} } = spec;
  return {
    ...spec,
    path: `${tenantPath}${spec.path}`,
    parameters: {
      ...parameters,
      path: parameters.path === undefined ? tenantParameter : tenantParameter.extend(parameters.path.shape),
    },
    run: async ({ path, query, body, ...request }) => {
      const found = await handle({ ...request, ...readParts(spec, { path, query, body }) });
      if (isText(found)) return { status: 200, text: found };
      const given = found instanceof Repeated ? found.answer : found;
      const status = found instanceof Repeated ? 200 : (answer.status ?? 200);
      return { status: answer.schema === undefined ? 204 : status, body: answer.schema?.parse(given) };
    },
  };
};

const isText = (found: unknown): found is AsyncIterable<string> =>
  typeof found === 'object' && found !== null && Symbol.asyncIterator in found;
