// Operations of a JSON API: each is one method at one path and is described once. The description validates requests, makes
// the rows of the table of addresses and the OpenAPI document. What the APIs of this server share:
//   described-operation.ts   the description, and the check of a request
//   read-body.ts             the body of a request
//   api-schemas.ts           forms of ids, times and refusals; api-document.ts: the OpenAPI document
import type { z } from 'zod';
import { AppError } from '../../errors.ts';

export type ApiMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A refusal with a code of its own, where programs must tell reasons apart. Its status is among the operation's `refusals`. */
export class OperationRefusal extends Error {
  override readonly name = 'OperationRefusal';
  readonly status: number;
  readonly code: string;
  /** Further members of the answer, as `refusals` of the operation describes them. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    {
      code,
      description,
      ...members
    }: { readonly code: string; readonly description: string } & Readonly<Record<string, unknown>>,
  ) {
    super(description);
    this.status = status;
    this.code = code;
    this.members = members;
  }
}

/** One sentence, or with the members that the answer has beside the usual ones. */
export type DescribedRefusal = string | { readonly description: string; readonly schema: z.ZodObject };

/** Without a schema and types it is 204. Members that the schema does not name are not sent. */
export interface DescribedAnswer<Answer extends z.ZodType> {
  readonly description: string;
  readonly schema?: Answer;
  /** Of an answer with a schema; default 200. */
  readonly status?: 201 | 202;
  /** The answer 200 to a request that was made before, with the same schema. */
  readonly repeated?: string;
  /** Media types of an answer that is a stream, and has no schema. */
  readonly types?: readonly string[];
}

export interface OperationFacts {
  /** Unique; the name of the constant that holds the operation. */
  readonly id: string;
  readonly method: ApiMethod;
  /** After the path of the API; `{id}` is a parameter that `parameters` of the table of addresses knows. */
  readonly path: `/${string}`;
  /** One line for the reader of the document. */
  readonly summary: string;
  readonly description?: string;
  /** A file as the body, in place of JSON. */
  readonly file?: { readonly types: readonly string[]; readonly longest: number };
  /** Refusals beside those that every operation has. */
  readonly refusals?: Readonly<Record<number, DescribedRefusal>>;
}

/** What a request has to look like. */
export interface OperationParts<
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
> {
  readonly parameters?: { readonly path?: Path; readonly query?: Query };
  readonly body?: Body;
}

export interface DescribedOperation extends OperationFacts {
  readonly parameters: { readonly path?: z.ZodObject; readonly query?: z.ZodObject };
  readonly body?: z.ZodObject;
  readonly answer: DescribedAnswer<z.ZodType>;
}

/** What was sent, unchecked. */
export interface GivenParts {
  readonly path: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

/** @throws AppError `invalid_request` when a part of the request is not as described */
export const readParts = <Path extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodObject>(
  { parameters = {}, body }: OperationParts<Path, Query, Body>,
  given: GivenParts,
) => ({
  path: read('path parameter', parameters.path, given.path),
  query: read('query parameter', parameters.query, given.query),
  body: read('body', body, given.body),
});

/** Names the members that are not as described, and says what zod says of each. @throws AppError */
const read = <Schema extends z.ZodObject>(
  place: string,
  schema: Schema | undefined,
  given: unknown,
): z.output<Schema> => {
  const result = schema?.safeParse(given);
  // an operation without a schema does not read what there is none for
  if (result === undefined) return undefined as unknown as z.output<Schema>;
  if (result.success) return result.data;
  const words = result.error.issues.map(
    ({ path, message }) => `${[place, ...path.map(String)].join(' ')}: ${message}`,
  );
  throw new AppError('invalid_request', `The request is not as described. ${words.join('; ')}`);
};

/** The paths of operations, in the form of the table of addresses, with the operations at each. */
export const byPath = <One extends OperationFacts>(
  operations: readonly One[],
  apiPath: string,
): ReadonlyMap<string, readonly One[]> => {
  const found = new Map<string, readonly One[]>();
  for (const operation of operations) {
    const path = apiPath + operation.path.replaceAll(/\{(\w+)\}/g, ':$1');
    found.set(path, [...(found.get(path) ?? []), operation]);
  }
  return found;
};
