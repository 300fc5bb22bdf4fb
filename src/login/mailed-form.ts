// What the forms share that a link or code of a mail leads to.
import type { Context } from 'koa';
import { AppError } from '../errors.ts';
import { isCrossSite } from '../web/csrf.ts';
import { requestFacts } from '../web/request-facts.ts';

/** The secret in a form or its address is the proof; a form that another site sends is refused all the same. */
export const refuseOtherSites = (ctx: Context): void => {
  if (isCrossSite(ctx.headers))
    throw new AppError('forbidden', 'This form is out of date. Go back, reload the page and try again.');
};

/** RFC 9700 section 4.12: with 303 the browser does not send the form on. */
export const redirect = (ctx: Context, url: string): void => {
  ctx.status = 303;
  ctx.redirect(url);
};

/** Of the link; empty when it has none of the right form. */
export const tokenOf = ({ query: { token } }: Context): string =>
  typeof token === 'string' && /^[\w-]{43}$/.test(token) ? token : '';

export const factsOf = (ctx: Context): { readonly address: string; readonly requestId: string } => {
  const { address, requestId } = requestFacts(ctx);
  return { address, requestId };
};
