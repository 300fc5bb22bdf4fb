import type { Context } from 'koa';
import { AppError } from '../errors.ts';
import { unverifiedClaim } from '../protocol/unverified-claim.ts';
import { createFormParser } from '../web/body.ts';

/** Without an ID token. 16 KiB of headers are accepted, and these include the cookies of the host. */
const longestQuery = 12_000;
/** Proxies in front accept a line of 8 KiB. */
const longestSignOut = 6_000;

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
  const form = new URLSearchParams(ctx.request.rawBody);
  if (isSignOut(ctx) && form.toString().length > longestSignOut) nameClientInstead(form);
  const query = form.toString();
  if (query.length - (form.get('id_token_hint')?.length ?? 0) > longestQuery)
    throw new AppError(
      'invalid_request',
      'The form is too long. Send the parameters in a pushed authorization request',
    );
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(query === '' ? target : `${target}?${query}`);
  ctx.status = 303;
};

const parse = createFormParser('160kb');

const isSignOut = ({ path }: Context): boolean => /\/session\/end\/?$/i.test(path);

/**
 * Of a long ID token a sign-out needs the client alone: whom the session belongs to says its cookie, and the person is
 * asked. So it does not matter either that the token is not verified here, as `client_id` is no proof (RP-Initiated
 * Logout 1.0 section 2).
 */
const nameClientInstead = (form: URLSearchParams): void => {
  const [hint, ...more] = form.getAll('id_token_hint');
  const client = hint === undefined || more.length > 0 ? undefined : unverifiedClaim(hint, 'aud');
  if (client === undefined || !form.getAll('client_id').every((id) => id === client)) return;
  form.delete('id_token_hint');
  form.set('client_id', client);
};
