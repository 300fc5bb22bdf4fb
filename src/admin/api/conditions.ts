// Requests that are made of one version of a thing alone, and requests that may be sent again.
import type { Context } from 'koa';
import type { AtVersion } from '../../accounts/user-change.ts';
import { hashParts } from '../../crypto/ids.ts';
import { AppError } from '../../errors.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import type { AdminRequest } from './operation.ts';

/** RFC 9110 section 8.8.3: a strong tag, since the answer follows from the version. */
export const sendVersion = (ctx: Context, { version }: { readonly version: number }): void => {
  ctx.set('ETag', `"${version}"`);
};

/** The version that the request is for (RFC 9110 section 13.1.1). @throws OperationRefusal for a tag that was never sent */
export const versionWanted = (ctx: Context): AtVersion => {
  const { 'if-match': wanted } = ctx.req.headers;
  if (wanted === undefined || wanted === '*') return {};
  const [, version] = /^"(\d{1,15})"$/.exec(wanted) ?? [];
  if (version === undefined) throw changedMeanwhile(ctx);
  return { version: Number(version) };
};

/** 412 where the request was conditional (RFC 9110 section 15.5.13). */
export const changedMeanwhile = (ctx: Context): OperationRefusal =>
  ctx.req.headers['if-match'] === undefined
    ? new OperationRefusal(409, {
        code: 'changed',
        description: 'Somebody else changed this meanwhile; get it again, and repeat the request',
      })
    : new OperationRefusal(412, {
        code: 'precondition_failed',
        description: 'It is not as the ETag in If-Match says; get it again',
      });

/**
 * The id of what the request makes, where it has an `Idempotency-Key`: the same for a request that is sent again, so that the
 * store makes it once, whatever fails in between. It lasts as long as the thing.
 * @param length of the id
 * @throws AppError
 */
export const idOfRepeatable = (
  { ctx, tenant, operator }: AdminRequest,
  what: string,
  length: number,
): string | undefined => {
  const { 'idempotency-key': key } = ctx.req.headers;
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key))
    throw new AppError(
      'invalid_request',
      'Idempotency-Key must have 1 to 200 visible ASCII characters, such as a UUID',
    );
  return hashParts(what, tenant.definition.id, operator.actor, key).slice(0, length);
};

export const repeatedWithOtherParts = (): OperationRefusal =>
  new OperationRefusal(422, {
    code: 'idempotency_key_reused',
    description: 'This Idempotency-Key was sent with another request before; choose a new one',
  });
