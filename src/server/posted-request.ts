import type { Context } from 'koa';
import { AppError } from '../errors.ts';
import { createFormParser } from '../web/body.ts';

/** Node accepts 16 KiB of headers, and these include the cookies of the host. */
const longestQuery = 12_000;

/** A form may carry the parameters here: OpenID Connect Core section 3.1.2.1, RP-Initiated Logout 1.0 section 2. */
export const takesForm = ({ method }: Context, path: string): boolean =>
  method === 'POST' && /^\/(?:auth|session\/end)\/?$/i.test(path);

/**
 * Redirects the browser to a GET of the same request. A form of another site is sent without the session cookie,
 * which is `SameSite=Lax`; the GET has it. It can do no more than a link on that site.
 * @param target URL of the GET
 * @throws AppError `invalid_request`
 */
export const redirectPosted = async (ctx: Context, target: string): Promise<void> => {
  if (!ctx.is('application/x-www-form-urlencoded'))
    throw new AppError('invalid_request', 'A form is expected (application/x-www-form-urlencoded)');
  await parse(ctx, async () => {});
  // not the parsed body: a parameter that is given twice is for the provider to refuse
  const query = new URLSearchParams(ctx.request.rawBody).toString();
  if (query.length > longestQuery)
    throw new AppError(
      'invalid_request',
      'The form is too long. Send the parameters in a pushed authorization request, or sign out with client_id in place of id_token_hint',
    );
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(query === '' ? target : `${target}?${query}`);
  ctx.status = 303;
};

const parse = createFormParser();
