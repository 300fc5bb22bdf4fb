// Sign-in at a redirect source:
//   upstream-start.ts       to the source; upstream-callback.ts: back from it, with the proof or a refusal
//   upstream-return.ts      with the result of the callback back into the interaction
//   password-session.ts     a session of ours that a password at the source began
//   upstream-logout.ts      logout notices from the source, and back from a sign-out there
import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { OpenInteraction } from '../../oidc/provider/interactions.ts';
import { readForm } from '../../web/body.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { setUpstreamCookie } from '../cookies.ts';
import {
  csrfField,
  type InteractionVisit,
  interactionUrl,
  redirectTo,
  refuseForgery,
} from '../interaction-form.ts';
import { type LoginPageParts, showLoginAgain } from '../login-form.ts';
import { findRedirectConnector, lookOf } from '../login-tenant.ts';

export interface UpstreamStart {
  readonly interaction: OpenInteraction;
  readonly source: string;
  /** The name that was entered; default: the app's `login_hint`. */
  readonly loginHint?: string;
}

/** Redirects the browser to the source, with the parameters of the app's request. */
export const beginUpstream = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, source, ...start }: UpstreamStart,
): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const { pending } = interaction;
  const { clientId, maxAge, acrValues, sub } = pending;
  const { address, requestId } = requestFacts(ctx);
  const loginHint = start.loginHint ?? pending.loginHint;
  const connector = findRedirectConnector(tenant, source);
  const isOffered = tenant.accounts.choose({ clientId }).redirects.some(({ id }) => id === source);
  if (connector === undefined || !isOffered)
    throw new AppError('not_found', 'This source is no longer offered. Go back to the app and start again.');
  try {
    const begun = await tenant.upstreamLogins.begin({
      connector,
      ...(sub === undefined ? { stranger: address } : {}),
      purpose: { kind: 'sign-in', uid, clientId, ...definedOnly({ maxAge }) },
      request: {
        uiLocales: pending.uiLocales ?? lookOf(ctx, tenant).locale,
        ...definedOnly({ loginHint }),
        ...(pending.isLoginDemanded
          ? { prompt: 'login' as const }
          : pending.isAccountAsked
            ? { prompt: 'select_account' as const }
            : {}),
        ...definedOnly({ maxAge, acrValues }),
      },
    });
    setUpstreamCookie(ctx, tenant.provider.issuer, begun);
    return redirectTo(visit, begun.url);
  } catch (err) {
    if (isAppError(err, 'throttled'))
      return showLoginAgain(parts, visit, {
        login: loginHint ?? '',
        problem: 'throttled',
        ...definedOnly({ retryAfterSeconds: err.retryAfterSeconds }),
      });
    if (!isAppError(err, 'unavailable')) throw err;
    parts.log.error(
      { err, requestId, tenant: tenant.definition.id, source },
      'an upstream cannot be reached',
    );
    return showLoginAgain(parts, visit, {
      login: loginHint ?? '',
      problem: 'upstream_unavailable',
      retryAfterSeconds: err.retryAfterSeconds ?? 5,
    });
  }
};

const fields = z.object({ csrf: csrfField });

/** The button of a source on the login page. */
export const submitUpstream = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  source: string,
): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const { csrf } = await readForm(ctx, fields);
  refuseForgery(parts.csrf, visit, csrf);
  const interaction = await tenant.interactions.open({ ctx, uid });
  if (interaction.pending.prompt !== 'login') return redirectTo(visit, interactionUrl(visit));
  return beginUpstream(parts, visit, { interaction, source });
};
