import { isPasswordless } from '../accounts/passkey-sign-in.ts';
import type { Clock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import type { Log } from '../log.ts';
import { accountClientId, clientNameOf } from '../oidc/provider/clients.ts';
import type { OpenInteraction } from '../oidc/provider/interactions.ts';
import type { Csrf } from '../web/csrf.ts';
import type { FormNotices } from '../web/form-notice.ts';
import type { LoginProblem, PasswordProblem } from '../web/page-problems.ts';
import type { PageModels, Pages } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';
import type { BegunAtServices } from './begun-sign-ins.ts';
import {
  browserOf,
  choiceUrl,
  csrfToken,
  formAction,
  type InteractionVisit,
  withLanguage,
} from './interaction-form.ts';
import { announce, endOf, type TimedNotice } from './login-problems.ts';
import { findConnector, type LoginTenant, lookOf } from './login-tenant.ts';
import { recoverUrl } from './recovery-url.ts';
import { registrationUrlIn } from './registration-url.ts';

export interface LoginPageParts {
  readonly pages: Pages;
  readonly csrf: Csrf;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * The URL at which another tenant can be chosen; undefined when there is only one.
   * @param target the next URL of a sign-in that no app asked for, unchecked
   */
  readonly switchTenantUrl: (target: string | undefined) => string | undefined;
  readonly notices: FormNotices;
  readonly services: BegunAtServices;
}

/** The state of the page. */
export interface LoginForm {
  readonly login: string;
  /** Default: the first step of this tenant. */
  readonly step?: PageModels['login']['step'];
  readonly problem?: LoginProblem;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
  /** Sealed; the proof of an upstream, which a password must confirm. */
  readonly proven?: string;
}

/** What the page shows after its form was sent. */
export interface LoginNotice
  extends Omit<LoginForm, 'proven' | 'retryAfterSeconds' | 'problem'>,
    TimedNotice {
  readonly problem?: LoginProblem | PasswordProblem;
  /** The rules for passwords, in the words of the source. */
  readonly rule?: string;
  /** Default: the login page. */
  readonly page?: 'change-password';
}

/** Redirects to the page, which then shows this. */
export const showLoginAgain = (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { retryAfterSeconds, ...form }: Omit<LoginForm, 'proven'>,
): void =>
  parts.notices.show({ ctx: visit.ctx, url: withLanguage(visit, choiceUrl(visit)) }, {
    ...form,
    ...endOf(parts, retryAfterSeconds),
  } satisfies LoginNotice);

/** Nothing is stored for the offer, and it depends on no name. */
const offerPasskey = async (visit: InteractionVisit): Promise<Pick<PageModels['login'], 'passkey'>> => {
  const { definition, accounts } = visit.tenant;
  if (!isPasswordless(definition.secondFactor)) return {};
  const options = await accounts.factors.passkeys.ask(browserOf(visit));
  return { passkey: { action: formAction(visit, 'passkey'), options } };
};

export const showLogin = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, form }: { readonly interaction: OpenInteraction; readonly form: LoginForm },
): Promise<void> => {
  const { ctx, tenant } = visit;
  const { clientId, uiLocales, target } = interaction.pending;
  const choice = tenant.accounts.choose({ clientId });
  const firstStep = choice.asksNameFirst ? 'name' : choice.passwords ? 'password' : 'choice';
  const { step = firstStep, ...shown } = form;
  const switchTenantUrl = parts.switchTenantUrl(target);
  sendPage(ctx, parts.pages, {
    name: 'login',
    status: announce(parts.log, ctx, form),
    model: {
      ...shown,
      step,
      action: formAction(visit, 'login'),
      csrf: csrfToken(parts.csrf, visit),
      upstreams: upstreamsFor(tenant, choice, form).map(({ id, displayName }) => {
        const { logo, preset } = findConnector(tenant, id)?.definition ?? {};
        return { displayName, action: formAction(visit, `upstream/${id}`), ...definedOnly({ logo, preset }) };
      }),
      // the proof of an upstream is confirmed by a password
      ...(form.proven === undefined ? await offerPasskey(visit) : {}),
      ...(step === 'password' && choice.asksNameFirst ? { otherNameUrl: choiceUrl(visit) } : {}),
      // a sign-in that no app asked for cannot return to an app
      ...(clientId === accountClientId
        ? {}
        : {
            clientName: clientNameOf(tenant.definition, clientId),
            cancelAction: formAction(visit, 'cancel'),
          }),
      ...definedOnly({
        switchTenantUrl,
        recoverUrl: recoverUrl(tenant),
        registerUrl: form.proven === undefined ? registrationUrlIn(tenant, interaction.pending) : undefined,
      }),
      ...(tenant.definition.demo
        ? { demoUsers: tenant.definition.users.map(({ username, password }) => ({ username, password })) }
        : {}),
    },
    look: lookOf(ctx, tenant, {
      uiLocales,
      // the ticket of a return is used
      ...(ctx.path.endsWith('/return') ? { url: pathOf(choiceUrl(visit)) } : {}),
    }),
  });
};

/** When the domain of a name decides, a source with domains needs no button: it is found by the name. */
const upstreamsFor = (
  { connectors }: LoginTenant,
  { asksNameFirst, redirects }: ReturnType<LoginTenant['accounts']['choose']>,
  { problem, proven }: LoginForm,
): typeof redirects => {
  if (proven !== undefined) return [];
  if (!asksNameFirst || problem === 'no_source') return redirects;
  const hasDomains = (id: string): boolean =>
    connectors.some(({ definition }) => definition.id === id && definition.domains.length > 0);
  return redirects.filter(({ id }) => !hasDomains(id));
};

const pathOf = (url: string): string => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};
