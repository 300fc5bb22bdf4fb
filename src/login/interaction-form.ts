import type { Context } from 'koa';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { type Csrf, type CsrfBinding, isCrossSite } from '../web/csrf.ts';
import { localeOfQuery } from '../web/locale.ts';
import type { LoginTenant } from './login-tenant.ts';

/** One interaction in one browser. */
export interface InteractionVisit {
  readonly ctx: Context;
  readonly tenant: LoginTenant;
  readonly uid: string;
}

const bindingOf = ({ ctx, tenant, uid }: InteractionVisit): CsrfBinding => ({
  tenant: tenant.definition.id,
  uid,
  cookie: tenant.provider.readCookie(ctx, 'interaction'),
});

export const csrfToken = (csrf: Csrf, visit: InteractionVisit): string => csrf.token(bindingOf(visit));

/** The page in this browser, for the challenge of a passkey. */
export const browserOf = (visit: InteractionVisit): string => {
  const { uid, cookie = '' } = bindingOf(visit);
  return `${uid} ${cookie}`;
};

/** A form that another site has sent, or whose session or interaction has ended since it was shown. */
export class FormOutOfDate extends AppError {
  /** @param token as it was sent */
  constructor(token: string) {
    super(
      token === '' ? 'invalid_request' : 'forbidden',
      'This form is out of date. Go back, reload the page and try again.',
    );
  }
}

/** @throws FormOutOfDate unless the form is ours, from this site, tenant, browser and interaction */
export const refuseForgery = (csrf: Csrf, visit: InteractionVisit, token: string): void => {
  if (isCrossSite(visit.ctx.headers) || !csrf.verify(bindingOf(visit), token)) throw new FormOutOfDate(token);
};

/** The field of each form; one that lost it is out of date. */
export const csrfField = z.string().default('');

export const interactionUrl = ({ tenant, uid }: InteractionVisit): string =>
  `${tenant.provider.issuer}/interaction/${uid}`;

/** The page of all sources, even where one alone would do or the app has chosen. */
export const choiceUrl = (visit: InteractionVisit): string => `${interactionUrl(visit)}?choose=yes`;

export type InteractionStep =
  | 'login'
  | 'account'
  | 'consent'
  | 'cancel'
  | 'password'
  | 'factor'
  | 'passkey'
  | `factor/${'passkey' | 'email' | 'mail' | 'set-up' | 'set-up-passkey' | 'later' | 'done'}`
  | `upstream/${string}`;

/** The action of a form of the page; a language chosen on the page is kept. */
export const formAction = (visit: InteractionVisit, step: InteractionStep): string =>
  withLanguage(visit, `${interactionUrl(visit)}/${step}`);

/** The same URL in the language that was chosen on the page. */
export const withLanguage = ({ ctx }: InteractionVisit, url: string): string => {
  const chosen = localeOfQuery(ctx.query);
  if (chosen === undefined) return url;
  return `${url}${url.includes('?') ? '&' : '?'}ui_locales=${chosen}`;
};

/** RFC 9700 section 4.12: with 303 the browser does not send the form on. */
export const redirectTo = ({ ctx }: InteractionVisit, url: string): void => {
  ctx.status = 303;
  ctx.redirect(url);
};
