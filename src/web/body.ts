import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import type { z } from 'zod';
import { AppError } from '../errors.ts';

/** For our own routes only: nothing may read a body before the provider does. */
export const createFormParser = (formLimit = '56kb'): Middleware =>
  inUtf8(bodyParser({ enableTypes: ['form'], formLimit, onError: refuseBody(formLimit) }));

/** For our own routes only, for the same reason. */
export const createJsonParser = (jsonLimit = '16kb'): Middleware =>
  inUtf8(bodyParser({ enableTypes: ['json'], jsonLimit, onError: refuseBody(jsonLimit) }));

/** The parser reads UTF-8 whatever the request says, so another charset would change what was sent. */
const inUtf8 =
  (parse: Middleware): Middleware =>
  async (ctx, next) => {
    const { charset } = ctx.request;
    if (charset !== '' && !/^(?:utf-?8|us-ascii)$/i.test(charset))
      ctx.throw(415, 'The body must be in UTF-8');
    await parse(ctx, next);
  };

/** Each error of the parser is one of the body. */
const refuseBody =
  (limit: string) =>
  (error: Error, ctx: Context): never => {
    if ('status' in error && error.status === 413) ctx.throw(413, `The body is larger than ${limit}`);
    if ('expose' in error && error.expose === true) throw error;
    if ('status' in error && error.status === 415) ctx.throw(415, 'The Content-Encoding is not supported');
    throw new AppError('invalid_request', 'The body cannot be read: it is malformed', {
      cause: bareCause(error),
    });
  };

/** co-body puts the whole body into its errors, and their messages quote it. */
const bareCause = ({ name }: Error): Error => new Error(name);

/**
 * The members of a JSON object, unchecked.
 * @throws AppError `invalid_request`, also for members that are there twice: parsers differ in which one counts (RFC
 *   8259 section 4)
 */
export const readJson = (ctx: Context): Readonly<Record<string, unknown>> => {
  const { body, rawBody = '' } = ctx.request; // no text: nothing was sent, or no JSON
  if (rawBody === '' || typeof body !== 'object' || body === null || Array.isArray(body))
    throw new AppError('invalid_request', 'A JSON object is expected (Content-Type: application/json)');
  if (hasRepeatedMember(rawBody))
    throw new AppError('invalid_request', 'A member of the JSON object is there twice');
  return { ...body };
};

/** @param text valid JSON */
const hasRepeatedMember = (text: string): boolean => {
  const open: Set<string>[] = [];
  for (const [token, quoted] of text.matchAll(/("(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (quoted !== undefined) {
      const members = open.at(-1);
      const name = JSON.parse(quoted) as string; // a string of valid JSON
      if (members?.has(name)) return true;
      members?.add(name);
    }
  }
  return false;
};

/**
 * The fields of a form, checked by the schema; unknown fields are dropped.
 * @throws AppError `invalid_request`, also where the parser made an object or a list of `a[b]=` or `a=&a=`
 */
export const readForm = <S extends z.ZodType>(ctx: Context, schema: S): z.output<S> => {
  const body: unknown = ctx.request.body;
  if (typeof body !== 'object' || body === null) {
    throw new AppError('invalid_request', 'A form is expected');
  }
  const entries = Object.entries(body);
  if (entries.some(([, value]) => typeof value !== 'string')) {
    throw new AppError('invalid_request', 'Each field of the form may be given once, as plain text');
  }
  const outcome = schema.safeParse(Object.fromEntries(entries));
  if (outcome.success) return outcome.data;
  const fields = outcome.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new AppError('invalid_request', `The form is incomplete or malformed: ${fields}`);
};
