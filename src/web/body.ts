import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import type { z } from 'zod';
import { AppError } from '../errors.ts';

/** For our own routes only: nothing may read a body before the provider does. */
export const createFormParser = (): Middleware => bodyParser({ enableTypes: ['form'], formLimit: '56kb' });

/** For our own routes only, for the same reason. */
export const createJsonParser = (): Middleware => bodyParser({ enableTypes: ['json'], jsonLimit: '16kb' });

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
