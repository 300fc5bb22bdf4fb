import type { Context, Middleware } from 'koa';
import { readJson } from '../body.ts';
import { readBytes } from '../file-form.ts';
import type { OperationFacts } from './described-operation.ts';

/**
 * The members of the JSON body of an operation.
 * @throws errors with status 400, 413 and 415
 */
export const readJsonBody = async (
  parseJson: Middleware,
  ctx: Context,
): Promise<Readonly<Record<string, unknown>>> => {
  const { type } = ctx.request;
  if (type !== '' && type !== 'application/json') {
    ctx.set('Accept', 'application/json'); // RFC 9110 section 15.5.16
    ctx.throw(415, 'The body must be JSON (Content-Type: application/json)');
  }
  await parseJson(ctx, async () => {});
  return readJson(ctx);
};

/** @throws errors with status 413 and 415 */
export const readFileBody = async (
  { types, longest }: NonNullable<OperationFacts['file']>,
  ctx: Context,
): Promise<Buffer> => {
  if (!types.includes(ctx.request.type)) {
    ctx.set('Accept', types.join(', ')); // RFC 9110 section 15.5.16
    ctx.throw(415, `The body must be one of ${types.join(', ')}`);
  }
  const file = await readBytes(ctx, longest);
  return file ?? ctx.throw(413, `The file is larger than ${longest} bytes`);
};
