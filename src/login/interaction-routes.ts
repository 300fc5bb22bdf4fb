import type { Context } from 'koa';
import { cancelInteraction, showConsent, submitConsent } from './consent-page.ts';
import type { InteractionVisit } from './interaction-form.ts';
import type { LoginPageParts } from './login-form.ts';
import { openLogin, submitLogin } from './login-page.ts';
import type { LoginTenant } from './login-tenant.ts';
import { submitDemandedPasswordChange } from './password-demand.ts';
import { returnFromUpstream } from './upstream/upstream-return.ts';
import { submitUpstream } from './upstream/upstream-start.ts';

const interactionPath = /^\/interaction\/([A-Za-z0-9_-]{10,64})(?:\/([a-z]+)(?:\/([a-z0-9-]{1,31}))?)?$/;

/** The steps of one interaction. Undefined where there is none; a form has been parsed when its step is called. */
export const routeInteraction = (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, rest }: { readonly tenant: LoginTenant; readonly rest: string },
): (() => Promise<void>) | undefined => {
  const [, uid, step, source] = interactionPath.exec(rest) ?? [];
  if (uid === undefined) return undefined;
  const visit: InteractionVisit = { ctx, tenant, uid };
  if (step === 'upstream' && source !== undefined && ctx.method === 'POST')
    return () => submitUpstream(parts, visit, source);
  if (source !== undefined) return undefined;
  if (ctx.method !== 'POST') {
    if (step === undefined) return () => showInteraction(parts, visit);
    return step === 'return' ? () => returnFromUpstream(parts, visit) : undefined;
  }
  switch (step) {
    case 'login':
      return () => submitLogin(parts, visit);
    case 'password':
      return () => submitDemandedPasswordChange(parts, visit);
    case 'consent':
      return () => submitConsent(parts, visit);
    case 'cancel':
      return () => cancelInteraction(parts, visit);
    default:
      return undefined;
  }
};

const showInteraction = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const interaction = await tenant.interactions.open({ req: ctx.req, res: ctx.res, uid });
  if (interaction.pending.prompt === 'consent') return showConsent(parts, visit, interaction);
  return openLogin(parts, visit, interaction);
};
