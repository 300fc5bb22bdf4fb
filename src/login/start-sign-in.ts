import { createHash, randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import { AppError } from '../errors.ts';
import { accountClientId } from '../oidc/provider/clients.ts';
import { localeOfQuery } from '../web/locale.ts';
import { setTenantCookie } from './cookies.ts';
import type { LoginTenant } from './login-tenant.ts';
import { isOwnTarget } from './own-target.ts';
import { type SignInOverParts, showOver } from './sign-in-over.ts';

export interface SignInOptions {
  /** Id of a source. */
  readonly idpHint?: string;
  readonly loginHint?: string;
  /** Seconds: the person signs in again if the last sign-in was longer ago. */
  readonly maxAge?: number;
  /** One of them must be satisfied. */
  readonly acrValues?: readonly string[];
  /** The person signs in again, even after a recent sign-in. */
  readonly isLoginDemanded?: boolean;
  /** The next URL, if it belongs to the tenant; default: the account page. */
  readonly target?: string;
}

/**
 * The sign-in that no app asked for: an authorization request of the built-in client, so that the session it
 * makes serves all apps. Its code is never redeemed; the verifier is forgotten at once.
 */
export const startSignIn = (ctx: Context, { provider }: LoginTenant, options: SignInOptions = {}): void => {
  const { issuer } = provider;
  const request = new URLSearchParams({
    client_id: accountClientId,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: `${issuer}/account/callback`,
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const { ui_locales: uiLocales } = ctx.query;
  const optional = {
    ui_locales: typeof uiLocales === 'string' ? uiLocales : localeOfQuery(ctx.query),
    idp_hint: options.idpHint,
    login_hint: options.loginHint,
    max_age: options.maxAge?.toString(),
    acr_values: options.acrValues?.join(' '),
    prompt: options.isLoginDemanded === true ? 'login' : undefined,
    state: options.target,
  };
  for (const [name, value] of Object.entries(optional)) if (value !== undefined) request.set(name, value);
  ctx.status = 303;
  ctx.redirect(`${issuer}/auth?${request}`);
};

export interface SignInEndParts extends SignInOverParts {
  /** Begins the session at the services of this host. */
  readonly startSessionHere: (ctx: Context, tenant: LoginTenant) => Promise<void>;
}

/**
 * The redirect URI of that request. A sign-in that goes on to the account page also holds at the services of this host,
 * and its tenant is the one that this browser has chosen.
 */
export const finishSignIn = async (
  parts: SignInEndParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { error, state } = ctx.query;
  if (error !== undefined) {
    const refusal = new AppError('forbidden', 'The sign-in was not finished. Start again to sign in.');
    return showOver(parts, { ctx, tenant }, { reason: 'not_finished', error: refusal });
  }
  ctx.status = 303;
  // an attacker may have written the state
  if (typeof state === 'string' && isOwnTarget(tenant, state)) return ctx.redirect(state);
  await parts.startSessionHere(ctx, tenant);
  setTenantCookie(ctx, tenant.definition.id, tenant.provider.isSecure);
  ctx.redirect(`${tenant.provider.issuer}/account`);
};
