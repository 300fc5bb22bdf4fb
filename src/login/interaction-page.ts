import { showAccountChoice } from './account-choice.ts';
import { showConsent } from './consent-page.ts';
import type { InteractionVisit } from './interaction-form.ts';
import type { LoginPageParts } from './login-form.ts';
import { openLogin } from './login-page.ts';

/** The page of the step that an authorization request still waits for. */
export const showInteraction = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const interaction = await tenant.interactions.open({ req: ctx.req, res: ctx.res, uid });
  if (interaction.pending.prompt === 'consent') return showConsent(parts, visit, interaction);
  if (await showAccountChoice(parts, visit, interaction)) return;
  return openLogin(parts, visit, interaction);
};
