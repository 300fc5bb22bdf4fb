// A sign-in with a passkey alone, from the login page.
import { definedOnly } from '../defined-only.ts';
import { isAppError } from '../errors.ts';
import { readForm } from '../web/body.ts';
import { requestFacts } from '../web/request-facts.ts';
import { completeSignIn } from './factors/complete-sign-in.ts';
import { passkeyFields, readPasskeyAnswer } from './factors/passkey-form.ts';
import {
  browserOf,
  type InteractionVisit,
  interactionUrl,
  redirectTo,
  refuseForgery,
} from './interaction-form.ts';
import { type LoginPageParts, showLoginAgain } from './login-form.ts';
import { problemOfSource } from './login-problems.ts';

export const submitPasskeyLogin = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const { csrf, credential } = await readForm(ctx, passkeyFields);
  refuseForgery(parts.csrf, visit, csrf);
  const interaction = await tenant.interactions.open({ ctx, uid });
  const { clientId, prompt } = interaction.pending;
  if (prompt !== 'login') return redirectTo(visit, interactionUrl(visit));
  const answer = readPasskeyAnswer(credential);
  if (answer === undefined) return showLoginAgain(parts, visit, { login: '', problem: 'passkey' });
  const { address, requestId } = requestFacts(ctx);
  try {
    const outcome = await tenant.accounts.signInWithPasskey({
      answer,
      browser: browserOf(visit),
      address,
      requestId,
      clientId,
    });
    if (!outcome.ok) {
      const { reason: problem } = outcome;
      return showLoginAgain(parts, visit, {
        login: '',
        problem,
        ...(problem === 'throttled' ? { retryAfterSeconds: outcome.retryAfterSeconds } : {}),
      });
    }
    const { account, amr, acr, signedInAt } = outcome;
    const login = { sub: account.sub, amr, signedInAt, ...definedOnly({ acr, deleteAt: account.deleteAt }) };
    redirectTo(visit, await completeSignIn(parts, visit, interaction, login));
  } catch (err) {
    if (!isAppError(err, 'unavailable')) throw err;
    parts.log.error({ err, requestId, tenant: tenant.definition.id }, 'a sign-in could not be checked');
    showLoginAgain(parts, visit, { login: '', ...problemOfSource(err) });
  }
};
