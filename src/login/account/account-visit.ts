import type { Context } from 'koa';
import { z } from 'zod';
import type { SignedIn } from '../../accounts/account-types.ts';
import { canProveFactor, isMultiFactor, mfaAcr } from '../../accounts/factors/factor-demand.ts';
import { isRecentSignIn, mayHoldTokensSince, recentSignInSeconds } from '../../accounts/standing.ts';
import { definedOnly } from '../../defined-only.ts';
import type { CurrentSession } from '../../oidc/provider/current-session.ts';
import { readForm } from '../../web/body.ts';
import { type Csrf, type CsrfBinding, isCrossSite } from '../../web/csrf.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { csrfField, FormOutOfDate } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import type { LoginTenant } from '../login-tenant.ts';
import { startSignIn } from '../start-sign-in.ts';

/** A person who is signed in, at their own account. */
export interface AccountVisit {
  readonly ctx: Context;
  readonly tenant: LoginTenant;
  readonly session: CurrentSession;
  readonly account: SignedIn['account'];
}

/**
 * Undefined when no person is signed in in this browser, or the person no longer may be.
 * @throws AppError `unavailable`
 */
export const findAccountVisit = async (
  ctx: Context,
  tenant: LoginTenant,
): Promise<AccountVisit | undefined> => {
  const session = await tenant.provider.findSession(ctx);
  const account = session === undefined ? undefined : await tenant.accounts.findBySub(session.sub);
  if (session === undefined || !mayHoldTokensSince(account, session.signedInAt)) return undefined;
  return { ctx, tenant, session, account };
};

/**
 * The same; whoever is not signed in is redirected to a sign-in that returns to `target`, by default the account page.
 * @throws AppError `unavailable`
 */
export const visitOrSignIn = async (
  ctx: Context,
  tenant: LoginTenant,
  target?: string,
): Promise<AccountVisit | undefined> => {
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) startSignIn(ctx, tenant, definedOnly({ target }));
  return visit;
};

export interface AccountPlace {
  readonly tenant: LoginTenant;
  /** The page to which a sign-in returns; default: the account page. */
  readonly url?: string;
}

/**
 * The visit of a person who has just signed in; any other is redirected to a sign-in and returns to `target`, by
 * default to the account page.
 * @throws AppError `unavailable`
 */
export const visitRecently = async (
  { clock }: Pick<LoginPageParts, 'clock'>,
  ctx: Context,
  { tenant, url }: AccountPlace,
): Promise<AccountVisit | undefined> => {
  const visit = await findAccountVisit(ctx, tenant);
  if (visit !== undefined && isRecentSignIn(visit.session.signedInAt, clock.now())) return visit;
  startSignIn(ctx, tenant, { maxAge: recentSignInSeconds, ...definedOnly({ target: url }) });
  return undefined;
};

/**
 * The visit of a person who has just signed in, with a second factor if there is one; any other is redirected to such a
 * sign-in, which returns to the page.
 * @throws AppError `unavailable`
 */
export const visitWithFactorRecently = async (
  { clock }: Pick<LoginPageParts, 'clock'>,
  ctx: Context,
  { tenant, url }: AccountPlace,
): Promise<AccountVisit | undefined> => {
  const visit = await findAccountVisit(ctx, tenant);
  const isRecent = visit !== undefined && isRecentSignIn(visit.session.signedInAt, clock.now());
  if (isRecent && !lacksFactor(visit)) return visit;
  startSignIn(ctx, tenant, {
    maxAge: recentSignInSeconds,
    ...definedOnly({ target: url }),
    ...factorAskedOf(visit),
  });
  return undefined;
};

/**
 * The same, whenever the person has signed in.
 * @throws AppError `unavailable`
 */
export const visitWithFactor = async (
  ctx: Context,
  { tenant, url }: AccountPlace,
): Promise<AccountVisit | undefined> => {
  const visit = await findAccountVisit(ctx, tenant);
  if (visit !== undefined && !lacksFactor(visit)) return visit;
  startSignIn(ctx, tenant, { ...definedOnly({ target: url }), ...factorAskedOf(visit) });
  return undefined;
};

/** Has the person a second factor that was not proven in this session? */
const lacksFactor = ({ tenant, session, account }: AccountVisit): boolean =>
  !isMultiFactor(session.acr) && canProveFactor(tenant.definition.secondFactor, account);

const factorAskedOf = (visit: AccountVisit | undefined) =>
  visit !== undefined && lacksFactor(visit) ? { acrValues: [mfaAcr] } : {};

/** The person, as the actor of a change of their own. */
export const personOf = ({ ctx, session }: AccountVisit) => {
  const { address, requestId } = requestFacts(ctx);
  return { actor: session.sub, address, requestId };
};

const bindingOf = ({ ctx, tenant }: AccountVisit): CsrfBinding => ({
  tenant: tenant.definition.id,
  uid: 'account',
  cookie: tenant.provider.readCookie(ctx, 'session'),
});

export const accountCsrfToken = (csrf: Csrf, visit: AccountVisit): string => csrf.token(bindingOf(visit));

/** The account page in this browser, for the challenge of a passkey. */
export const browserAtAccount = (visit: AccountVisit): string => {
  const { uid, cookie = '' } = bindingOf(visit);
  return `${uid} ${cookie}`;
};

/** @throws FormOutOfDate unless the form is ours, from this site, tenant and session */
export const refuseForeignForm = (csrf: Csrf, visit: AccountVisit, token: string): void => {
  if (isCrossSite(visit.ctx.headers) || !csrf.verify(bindingOf(visit), token)) throw new FormOutOfDate(token);
};

const fields = z.object({ csrf: csrfField });

/**
 * The visit in which a form without other fields was sent.
 * @param find as for the page of the form; undefined after a redirect
 * @throws FormOutOfDate
 */
export const submittedBy = async (
  { csrf }: Pick<LoginPageParts, 'csrf'>,
  ctx: Context,
  find: () => Promise<AccountVisit | undefined>,
): Promise<AccountVisit | undefined> => {
  const { csrf: token } = await readForm(ctx, fields);
  const visit = await find();
  if (visit !== undefined) refuseForeignForm(csrf, visit, token);
  return visit;
};

export const accountUrl = ({ provider }: LoginTenant): string => `${provider.issuer}/account`;
export const profileUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/profile`;
export const emailUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/email`;
export const keysUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/keys`;
export const usernameUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/username`;

/** To a page with a notice. An attacker can write it into the address, so it names a fixed text. */
export const goTo = (ctx: Context, url: string, news: Readonly<Record<string, string>> = {}): void => {
  const query = new URLSearchParams(news).toString();
  ctx.status = 303;
  ctx.redirect(url + (query === '' ? '' : `?${query}`));
};

/** The notice of a page, if it is one of those that the page has. */
export const newsOf = <Outcome extends string, Problem extends string>(
  { query }: Context,
  known: { readonly outcome: readonly Outcome[]; readonly problem: readonly Problem[] },
) =>
  definedOnly({
    outcome: known.outcome.find((one) => one === query.outcome),
    problem: known.problem.find((one) => one === query.problem),
  });
