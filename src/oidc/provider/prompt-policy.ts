import { interactionPolicy } from 'oidc-provider';
import { hasClientLimits, isAdmittedByClient } from '../../accounts/client-admission.ts';
import { isFactorMissing } from '../../accounts/factors/factor-demand.ts';
import { isRegistrationOpen } from '../../accounts/registration-rules.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { readRememberedBrowser } from '../cookies.ts';
import { isConsentSkipped, mustAskAgain } from './consent-policy.ts';
import { accountPrompt, factorReason, registrationPrompt } from './interactions.ts';
import { readProvenBy } from './proven-by.ts';
import type { TenantAccounts } from './tenant-accounts.ts';

/**
 * When a person is asked what. The library's policy, with our rules: an app may ask which account is meant
 * (`prompt=select_account`, OpenID Connect Core section 3.1.2.1), or ask for a new one where everybody may make one (`prompt=create`); a person who may not hold tokens, or whose session is older than the last
 * password change, or from a source that is not for the client, signs in
 * again, and so does one who needs a second factor; consent is asked as
 * `consent-policy.ts` says.
 */
export const createPromptPolicy = (
  definition: TenantDefinition,
  { findActive, factorDemandOf }: Pick<TenantAccounts, 'findActive' | 'factorDemandOf'>,
): interactionPolicy.DefaultPolicy => {
  const policy = interactionPolicy.base();
  const { Check, Prompt } = interactionPolicy;
  // first, so that an account that is chosen is one that the other rules then judge
  if (isRegistrationOpen(definition))
    policy.add(new Prompt({ name: registrationPrompt, requestable: true }), 0);
  policy.add(new Prompt({ name: accountPrompt, requestable: true }), 0);
  const login = policy.get('login');
  const consent = policy.get('consent');
  if (login === undefined || consent === undefined)
    throw new Error('the provider has lost a prompt that we build on');
  login.checks.add(
    new Check('standing', 'the account may not be used now; sign in again', 'login_required', async (ctx) => {
      const { session, result } = ctx.oidc;
      if (session?.accountId === undefined || result?.login !== undefined) return Check.NO_NEED_TO_PROMPT;
      const account = await findActive(ctx, session.accountId, session.loginTs ?? 0);
      return account !== undefined ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
    }),
  );
  login.checks.add(
    new Check(
      'source_clients',
      'where the person has signed in is not for this client; sign in again',
      'login_required',
      async (ctx) => {
        const { session, client } = ctx.oidc;
        if (session?.accountId === undefined || !hasClientLimits(definition.sources))
          return Check.NO_NEED_TO_PROMPT;
        const account = await findActive(ctx, session.accountId, session.loginTs ?? 0);
        const provenBy = readProvenBy(session);
        return account === undefined ||
          isAdmittedByClient(definition.sources, client?.clientId, { account, provenBy })
          ? Check.NO_NEED_TO_PROMPT
          : Check.REQUEST_PROMPT;
      },
    ),
  );
  login.checks.add(
    new Check(factorReason, 'a second factor is needed; sign in with one', 'login_required', async (ctx) => {
      const { session, client, params } = ctx.oidc;
      if (session?.accountId === undefined || definition.secondFactor.methods.length === 0)
        return Check.NO_NEED_TO_PROMPT;
      const account = await findActive(ctx, session.accountId, session.loginTs ?? 0);
      if (account === undefined) return Check.NO_NEED_TO_PROMPT; // `standing` asks
      const asked = params?.acr_values;
      const demand = factorDemandOf({
        account,
        clientId: client?.clientId,
        acr: session.acr,
        browser: readRememberedBrowser(ctx.oidc.issuer, ctx),
        ...(typeof asked === 'string' ? { acrValues: asked.split(' ') } : {}),
      });
      return isFactorMissing(demand) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
    }),
  );
  consent.checks.remove('native_client_prompt');
  consent.checks.add(
    new Check(
      'unbound_redirect',
      'this app cannot be recognised by its redirect',
      'interaction_required',
      (ctx) =>
        mustAskAgain(ctx) && !isConsentSkipped(definition, ctx)
          ? Check.REQUEST_PROMPT
          : Check.NO_NEED_TO_PROMPT,
    ),
  );
  return policy;
};
