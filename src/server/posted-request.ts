import type { Context } from 'koa';
import { AppError } from '../errors.ts';
import { createFormParser } from '../web/body.ts';

/** Node takes 16 KiB of headers, and the cookies of the host come with it. */
const longestQuery = 12_000;

/** A form may carry the parameters here: OpenID Connect Core section 3.1.2.1, RP-Initiated Logout 1.0 section 2. */
export const takesForm = ({ method }: Context, path: string): boolean =>
  method === 'POST' && /^\/(?:auth|session\/end)\/?$/i.test(path);

/**
 * Sends the browser on with a GET of the same request. A form of another site comes without the session cookie, which is
 * `SameSite=Lax`; the GET has it. It says no more than a link on that site could.
 * @param target where the GET goes
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
