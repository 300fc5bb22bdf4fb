// What the pages of a registration share.
import type { Context } from 'koa';
import { newAccountUrl, registerUrl } from '../accounts/registration-link.ts';
import type { Locale } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import type { OpenInteraction } from '../oidc/provider/interactions.ts';
import { localeAskedFor, localeOf, localeOfQuery } from '../web/locale.ts';
import type { PageModels } from '../web/pages.ts';
import { nothingHere } from '../web/problem.ts';
import { sendPage } from '../web/send-page.ts';
import { isBegunHere } from './begun-sign-ins.ts';
import { choiceUrl, type InteractionVisit, redirectTo } from './interaction-form.ts';
import type { LoginNotice, LoginPageParts } from './login-form.ts';
import { announce } from './login-problems.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';
import { openRegistrationUrl, registrationQuery, registrationUrlIn } from './registration-url.ts';
import { startSignIn } from './start-sign-in.ts';

export type RegistrationModel = PageModels['register'];

export interface RegistrationVisit {
  readonly ctx: Context;
  readonly tenant: LoginTenant;
  /** The sign-in that the person came from, unchecked. */
  readonly interaction?: string;
  /** Of the app; left out once the person has chosen another. */
  readonly language?: Locale;
}

/** @throws AppError `not_found` where nobody can make an account */
export const placesOf = ({ tenant, interaction, language }: RegistrationVisit) => {
  const { definition, provider } = tenant;
  if (definition.registration === undefined) throw nothingHere();
  const start = openRegistrationUrl(tenant);
  const from = registrationQuery({ interaction, language });
  return {
    start: start === undefined ? undefined : `${start}${from}`,
    code: `${registerUrl(provider.issuer)}/code${from}`,
    signIn:
      interaction === undefined
        ? provider.issuer
        : `${provider.issuer}/interaction/${interaction}?choose=yes`,
  };
};

/** The same, where everybody may begin. */
export const openPlacesOf = (visit: RegistrationVisit) => {
  const { start, ...places } = placesOf(visit);
  if (start === undefined) throw nothingHere();
  return { start, ...places };
};

/** @param token of the mail, or for its code */
export const accountFormUrl = ({ tenant, language }: RegistrationVisit, token: string): string => {
  const url = newAccountUrl(tenant.provider.issuer, token);
  return language === undefined ? url : `${url}&language=${language}`;
};

/** A visit, with the sign-in that the address of the page names. */
export const visitOf = (ctx: Context, tenant: LoginTenant): RegistrationVisit => {
  const { interaction } = ctx.query;
  const isOne = typeof interaction === 'string' && /^[A-Za-z0-9_-]{10,64}$/.test(interaction);
  return { ctx, tenant, ...languageIn(ctx), ...(isOne ? { interaction } : {}) };
};

export const languageIn = ({ query }: Context): Pick<RegistrationVisit, 'language'> => {
  const isChosen = localeOfQuery(query) !== undefined;
  const asked = typeof query.language === 'string' ? localeAskedFor(query.language) : undefined;
  return asked === undefined || isChosen ? {} : { language: asked };
};

export const localeIn = ({ ctx, tenant, language }: RegistrationVisit): Locale =>
  localeOf(ctx, tenant.definition.locale, language);

/**
 * `prompt=create`: the form of a new account instead of the sign-in, unless the person has chosen to sign in. False where
 * the app does not ask for it, or is not for local users.
 */
export const openRegistration = (visit: InteractionVisit, { pending }: OpenInteraction): boolean => {
  const { ctx, tenant } = visit;
  if (!pending.isRegistrationAsked || ctx.query.choose !== undefined) return false;
  const url = registrationUrlIn(tenant, pending);
  if (url === undefined) return false;
  redirectTo(visit, url);
  return true;
};

export const showRegistration = (
  { pages, log }: Pick<LoginPageParts, 'pages' | 'log'>,
  visit: RegistrationVisit,
  model: Omit<RegistrationModel, 'startUrl' | 'signInUrl'>,
): void => {
  const { ctx, tenant, language } = visit;
  const { start: startUrl, signIn: signInUrl } = placesOf(visit);
  sendPage(ctx, pages, {
    name: 'register',
    status: announce(log, ctx, definedOnly(model)),
    model: { ...model, signInUrl, ...definedOnly({ startUrl }) },
    look: lookOf(ctx, tenant, { uiLocales: language }),
  });
};

/** To the sign-in page with the name filled in: of the sign-in that the person came from, in the same browser. */
export const goToSignIn = (
  { notices }: Pick<LoginPageParts, 'notices'>,
  { ctx, tenant, interaction: uid }: RegistrationVisit,
  shown: Pick<LoginNotice, 'login' | 'step'>,
): void => {
  if (uid === undefined || !isBegunHere({ ctx, tenant }, uid)) {
    startSignIn(ctx, tenant, { loginHint: shown.login });
    return;
  }
  notices.show({ ctx, url: choiceUrl({ ctx, tenant, uid }) }, shown satisfies LoginNotice);
};
