import { showAccountChoice } from './account-choice.ts';
import { showConsent } from './consent-page.ts';
import { showFactorStep, showQuestionAsked } from './factors/factor-page.ts';
import type { InteractionVisit } from './interaction-form.ts';
import type { LoginPageParts } from './login-form.ts';
import { openLogin } from './login-page.ts';
import { openRegistration } from './registration-page.ts';

/** The page of the step that an authorization request still waits for. */
export const showInteraction = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  if (showQuestionAsked(parts, visit)) return;
  const interaction = await tenant.interactions.open({ ctx, uid });
  if (interaction.pending.prompt === 'consent') return showConsent(parts, visit, interaction);
  if (await showFactorStep(parts, visit, interaction)) return;
  if (await showAccountChoice(parts, visit, interaction)) return;
  if (openRegistration(visit, interaction)) return;
  return openLogin(parts, visit, interaction);
};
