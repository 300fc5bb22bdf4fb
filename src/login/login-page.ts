import { z } from 'zod';
import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { accountClientId } from '../oidc/clients.ts';
import type { OpenInteraction } from '../oidc/interactions.ts';
import { readForm } from '../web/body.ts';
import type { Csrf } from '../web/csrf.ts';
import type { PageModels, Pages } from '../web/pages.ts';
import { requestFacts } from '../web/request-facts.ts';
import { sendPage } from '../web/send-page.ts';
import {
  csrfToken,
  formAction,
  goOn,
  type InteractionVisit,
  interactionUrl,
  refuseForgery,
} from './interaction-form.ts';
import { lookOf } from './login-tenant.ts';

export interface LoginPageParts {
  readonly pages: Pages;
  readonly csrf: Csrf;
  readonly log: Log;
  /** Where another tenant can be chosen; undefined when there is only one. */
  readonly switchTenantUrl: () => string | undefined;
}

/** The form as it is shown now. */
interface LoginForm {
  readonly login: string;
  readonly status?: number;
  readonly problem?: NonNullable<PageModels['login']['problem']>;
  readonly retryAfterSeconds?: number;
}

const fields = z.object({
  csrf: z.string(),
  login: z.string().default(''),
  password: z.string().default(''),
});

export const showLogin = (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, form }: { readonly interaction: OpenInteraction; readonly form: LoginForm },
): void => {
  const { ctx, tenant } = visit;
  const { status = 200, ...shown } = form;
  const switchTenantUrl = parts.switchTenantUrl();
  if (form.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(form.retryAfterSeconds));
  sendPage(ctx, parts.pages, {
    name: 'login',
    status,
    model: {
      ...shown,
      action: formAction(visit, 'login'),
      csrf: csrfToken(parts.csrf, visit),
      // a sign-in that no app asked for has no app to go back to
      ...(interaction.pending.clientId === accountClientId
        ? {}
        : { clientName: interaction.pending.clientName, cancelAction: formAction(visit, 'cancel') }),
      ...(switchTenantUrl === undefined ? {} : { switchTenantUrl }),
      ...(tenant.definition.demo
        ? { demoUsers: tenant.definition.users.map(({ username, password }) => ({ username, password })) }
        : {}),
    },
    look: lookOf(ctx, tenant, {
      uiLocales: interaction.pending.uiLocales,
      url: new URL(interactionUrl(visit)).pathname,
    }),
  });
};

/** A wrong password and an unknown name look alike; an outage says that it is one. */
export const submitLogin = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const { csrf, login, password } = await readForm(ctx, fields);
  refuseForgery(parts.csrf, visit, csrf);
  const interaction = await tenant.interactions.open({ req: ctx.req, res: ctx.res, uid });
  if (interaction.pending.prompt !== 'login') return goOn(visit, interactionUrl(visit));
  const showAgain = (form: Omit<LoginForm, 'login'>): void =>
    showLogin(parts, visit, { interaction, form: { login, ...form } });

  if (login.trim() === '' || password === '') return showAgain({ status: 400, problem: 'missing' });
  const { address, requestId } = requestFacts(ctx);
  const { clientId } = interaction.pending;
  try {
    const outcome = await tenant.accounts.signIn({
      login,
      password,
      address,
      requestId,
      clientId,
      via: 'page',
    });
    if (outcome.ok) {
      return goOn(
        visit,
        await interaction.finishLogin({
          sub: outcome.account.sub,
          amr: ['pwd'],
          signedInAt: outcome.signedInAt,
        }),
      );
    }
    if (outcome.reason === 'credentials') return showAgain({ status: 400, problem: 'credentials' });
    return showAgain({ status: 429, problem: 'throttled', retryAfterSeconds: outcome.retryAfterSeconds });
  } catch (err) {
    if (!isAppError(err, 'unavailable')) throw err;
    parts.log.error({ err, requestId, tenant: tenant.definition.id }, 'a sign-in could not be checked');
    return showAgain({ status: 503, problem: 'unavailable', retryAfterSeconds: err.retryAfterSeconds ?? 5 });
  }
};
