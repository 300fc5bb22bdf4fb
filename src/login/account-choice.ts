// `prompt=select_account`: a person who is signed in continues with that account, or signs in with another one.
import { z } from 'zod';
import { mayHoldTokens } from '../accounts/standing.ts';
import { clientNameOf } from '../oidc/provider/clients.ts';
import type { OpenInteraction } from '../oidc/provider/interactions.ts';
import { readForm } from '../web/body.ts';
import { sendPage } from '../web/send-page.ts';
import {
  choiceUrl,
  csrfField,
  csrfToken,
  formAction,
  type InteractionVisit,
  interactionUrl,
  redirectTo,
  refuseForgery,
} from './interaction-form.ts';
import type { LoginPageParts } from './login-form.ts';
import { lookOf } from './login-tenant.ts';

/** False when there is no account to choose: then the login page is shown. */
export const showAccountChoice = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { pending }: OpenInteraction,
): Promise<boolean> => {
  const { ctx, tenant } = visit;
  if (!pending.isAccountAsked || pending.sub === undefined || ctx.query.choose !== undefined) return false;
  const account = await tenant.accounts.findBySub(pending.sub);
  if (account === undefined || !mayHoldTokens(account)) return false;
  const { name } = account.claims;
  sendPage(ctx, parts.pages, {
    name: 'select-account',
    model: {
      action: formAction(visit, 'account'),
      csrf: csrfToken(parts.csrf, visit),
      clientName: clientNameOf(tenant.definition, pending.clientId),
      username: account.username,
      ...(typeof name === 'string' ? { name } : {}),
      otherUrl: choiceUrl(visit),
      cancelAction: formAction(visit, 'cancel'),
    },
    look: lookOf(ctx, tenant, { uiLocales: pending.uiLocales }),
  });
  return true;
};

const fields = z.object({ csrf: csrfField });

/** Continues with the account of the session; the other demands of the app are checked afterwards. */
export const submitAccountChoice = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const { csrf } = await readForm(ctx, fields);
  refuseForgery(parts.csrf, visit, csrf);
  const interaction = await tenant.interactions.open({ ctx, uid });
  if (!interaction.pending.isAccountAsked) return redirectTo(visit, interactionUrl(visit));
  redirectTo(visit, await interaction.keepAccount());
};
