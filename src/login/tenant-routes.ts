import type { Context, Middleware } from 'koa';
import { AppError } from '../errors.ts';
import { requestFacts } from '../web/request-facts.ts';
import type { TenantPath } from '../web/tenant-path.ts';
import { finishSignIn, showAccount, startSignIn } from './account-pages.ts';
import { cancelInteraction, showConsent, submitConsent } from './consent-page.ts';
import { showDeviceQr } from './device-qr.ts';
import type { InteractionVisit } from './interaction-form.ts';
import { type LoginPageParts, showLogin, submitLogin } from './login-page.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';

export interface TenantRoutesParts extends LoginPageParts {
  readonly parseForm: Middleware;
}

/** Any of these on the issuer itself makes it an authorization request (requirement Y1). */
const authorizationParameters = ['client_id', 'response_type', 'request_uri', 'redirect_uri'];

const interactionPath = /^\/interaction\/([A-Za-z0-9_-]{10,64})(?:\/(login|consent|cancel))?$/;

/** Everything below `/oauth/<tenant>`: our pages here, the protocol's endpoints at the provider. */
export const createTenantRoutes =
  (parts: TenantRoutesParts) =>
  async (ctx: Context, tenant: LoginTenant, { rest, search }: TenantPath): Promise<void> => {
    const { provider } = tenant;
    const facts = requestFacts(ctx);
    const isGet = ctx.method === 'GET' || ctx.method === 'HEAD';
    const askProvider = async (path: string): Promise<void> => {
      const { locale } = lookOf(ctx, tenant);
      ctx.respond = false; // the provider answers by itself
      await provider.handle(ctx.req, ctx.res, {
        path,
        facts: { address: facts.address, requestId: facts.requestId, locale },
      });
    };

    facts.route = `/oauth/:tenant${rest.replace(/\/[A-Za-z0-9_-]{20,}/, '/:uid')}`;
    if (isGet && provider.prepared.answer(ctx.req, ctx.res, rest)) {
      ctx.respond = false;
      return;
    }
    if (rest === '') {
      if (!isGet) throw nothingHere();
      if (authorizationParameters.some((name) => ctx.query[name] !== undefined))
        return askProvider(`/auth${search}`);
      return startSignIn(ctx, tenant);
    }
    if (isGet && (rest === '/' || rest.endsWith('configuration/') || rest.endsWith('server/'))) {
      ctx.status = 301; // the issuer has no trailing slash, and neither has what hangs on it
      return ctx.redirect(`${provider.issuer}${rest.slice(0, -1)}${search}`);
    }
    if (isGet && rest === '/account') return showAccount(ctx, tenant, parts.pages);
    if (isGet && rest === '/account/callback') return finishSignIn(ctx, tenant);
    if (isGet && rest === '/device/qr') return showDeviceQr(ctx, provider.issuer);

    const [, uid, step] = interactionPath.exec(rest) ?? [];
    if (uid === undefined) return askProvider(`${rest}${search}`);
    const visit: InteractionVisit = { ctx, tenant, uid };
    if (isGet && step === undefined) return showInteraction(parts, visit);
    if (ctx.method !== 'POST' || step === undefined) throw nothingHere();
    await parts.parseForm(ctx, async () => {
      if (step === 'login') await submitLogin(parts, visit);
      else if (step === 'consent') await submitConsent(parts, visit);
      else await cancelInteraction(parts, visit);
    });
  };

const nothingHere = (): AppError => new AppError('not_found', 'There is nothing here');

const showInteraction = async (parts: TenantRoutesParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const interaction = await tenant.interactions.open({ req: ctx.req, res: ctx.res, uid });
  if (interaction.pending.prompt === 'consent') return showConsent(parts, visit, interaction);
  return showLogin(parts, visit, { interaction, form: { login: interaction.pending.loginHint ?? '' } });
};
