import { z } from 'zod';
import type { SignedIn } from '../accounts/account-types.ts';
import type { PasswordSource } from '../connectors/connector.ts';
import { definedOnly } from '../defined-only.ts';
import { isAppError } from '../errors.ts';
import type { OpenInteraction } from '../oidc/provider/interactions.ts';
import { readForm } from '../web/body.ts';
import { requestFacts } from '../web/request-facts.ts';
import { readKnownBrowserCookie } from './cookies.ts';
import { completeSignIn } from './factors/complete-sign-in.ts';
import {
  csrfField,
  type InteractionVisit,
  interactionUrl,
  redirectTo,
  refuseForgery,
} from './interaction-form.ts';
import { rememberBrowser } from './known-browser.ts';
import {
  type LoginForm,
  type LoginNotice,
  type LoginPageParts,
  showLogin,
  showLoginAgain,
} from './login-form.ts';
import { problemOfSource, restOf } from './login-problems.ts';
import { findConnector } from './login-tenant.ts';
import { demandPasswordChange, showDemandedPasswordChange } from './password-demand.ts';
import type { PasswordNews } from './password-form.ts';
import { keepPasswordSession } from './upstream/password-session.ts';
import { askAgainToConfirm, openProven } from './upstream/upstream-return.ts';
import { beginUpstream } from './upstream/upstream-start.ts';

const fields = z.object({
  csrf: csrfField,
  login: z.string().default(''),
  /** Absent where the name alone was asked. */
  password: z.string().optional(),
  proven: z.string().optional(),
});

/**
 * With only one possible source, or one that the app or the domain of the name has chosen, there is no page. After a
 * form was sent, the page shows what became of it.
 */
export const openLogin = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  interaction: OpenInteraction,
): Promise<void> => {
  const source = visit.ctx.query.choose === undefined ? chosenSource(visit, interaction) : undefined;
  if (source !== undefined) return beginUpstream(parts, visit, { interaction, source });
  const last = parts.notices.last<LoginNotice>({ ctx: visit.ctx, url: interactionUrl(visit) });
  const login = last?.notice.login ?? interaction.pending.loginHint ?? '';
  if (last?.isNew !== true) return showLogin(parts, visit, { interaction, form: { login } });
  const { page, until, ...shown } = last.notice;
  const form = { ...shown, login, ...restOf(parts, definedOnly({ until })) };
  return page === 'change-password'
    ? showDemandedPasswordChange(parts, visit, { interaction, form: form as PasswordNews & typeof form }) // sealed there
    : showLogin(parts, visit, { interaction, form: form as LoginForm }); // sealed here
};

const chosenSource = ({ tenant }: InteractionVisit, { pending }: OpenInteraction): string | undefined => {
  const { clientId, idpHint, loginHint } = pending;
  const { passwords, redirects } = tenant.accounts.choose({ clientId });
  if (redirects.some(({ id }) => id === idpHint)) return idpHint;
  if (!passwords && redirects.length === 1) return redirects[0]?.id;
  return loginHint === undefined ? undefined : tenant.accounts.choose({ clientId, login: loginHint }).home;
};

/** A wrong password and an unknown name have the same notice; an outage has its own. */
export const submitLogin = async (parts: LoginPageParts, visit: InteractionVisit): Promise<void> => {
  const { ctx, tenant, uid } = visit;
  const { csrf, login, password, proven } = await readForm(ctx, fields);
  refuseForgery(parts.csrf, visit, csrf);
  const interaction = await tenant.interactions.open({ ctx, uid });
  const { clientId, prompt } = interaction.pending;
  if (prompt !== 'login') return redirectTo(visit, interactionUrl(visit));
  const { asksNameFirst } = tenant.accounts.choose({ clientId });
  if (password === undefined && asksNameFirst)
    return submitName(parts, visit, { interaction, login: login.trim() });

  const showAgain = (form: Omit<LoginForm, 'login' | 'proven'>): Promise<void> | void => {
    const shown = { login, step: 'password', ...form } as const;
    return proven === undefined
      ? showLoginAgain(parts, visit, shown)
      : askAgainToConfirm(parts, visit, { proven, form: shown });
  };
  if (login.trim() === '' || password === undefined || password === '')
    return showAgain({ problem: 'missing' });
  const { address, requestId } = requestFacts(ctx);
  try {
    const browser = readKnownBrowserCookie(ctx, tenant.provider.issuer);
    const person = { login, password, ...definedOnly({ browser }) };
    const attempt = { ...person, address, requestId, clientId, via: 'page' } as const;
    const outcome = await tenant.accounts.signIn(attempt);
    if (outcome.ok) {
      const url = await finish(parts, visit, { interaction, signedIn: outcome, proven });
      rememberBrowser(visit, outcome, login);
      return url === undefined ? showAgain({ problem: 'credentials' }) : redirectTo(visit, url);
    }
    if (outcome.reason === 'credentials') return showAgain({ problem: 'credentials' });
    if (outcome.reason === 'throttled')
      return showAgain({ problem: 'throttled', retryAfterSeconds: outcome.retryAfterSeconds });
    const { reason, source } = outcome;
    const isOld = reason === 'password_change_required' || reason === 'password_expired';
    const { passwords } = findConnector(tenant, source) ?? {};
    if (isOld && (await canChangePassword(passwords, { reason, login })))
      return demandPasswordChange(parts, visit, { login, problem: reason });
    return showAgain({ problem: reason });
  } catch (err) {
    if (!isAppError(err, 'unavailable')) throw err;
    parts.log.error({ err, requestId, tenant: tenant.definition.id }, 'a sign-in could not be checked');
    return showAgain(problemOfSource(err));
  }
};

/** A form that must fail is not shown. */
const canChangePassword = async (
  passwords: PasswordSource | undefined,
  {
    reason,
    login,
  }: { readonly reason: 'password_change_required' | 'password_expired'; readonly login: string },
): Promise<boolean> => {
  if (passwords?.change === undefined) return false;
  return reason !== 'password_expired' || (await passwords.isExpiredChangeable?.(login)) !== false;
};

/** The domain alone decides, so the answer reveals nothing about accounts. */
const submitName = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, login }: { readonly interaction: OpenInteraction; readonly login: string },
): Promise<void> => {
  const show = (form: Omit<LoginForm, 'login' | 'proven'>): void =>
    showLoginAgain(parts, visit, { login, ...form });
  if (login === '') return show({ problem: 'missing_name' });
  const { clientId } = interaction.pending;
  const { home, passwords } = visit.tenant.accounts.choose({ clientId, login });
  if (home !== undefined) return beginUpstream(parts, visit, { interaction, source: home, loginHint: login });
  return show(passwords ? { step: 'password' } : { problem: 'no_source' });
};

interface FinishedPassword {
  readonly interaction: OpenInteraction;
  readonly signedIn: SignedIn;
  readonly proven: string | undefined;
}

/**
 * The next URL of the flow. A password that confirms the proof of an upstream must belong to the same person: undefined
 * if it does not.
 */
const finish = async (
  parts: LoginPageParts,
  visit: InteractionVisit,
  { interaction, signedIn, proven }: FinishedPassword,
): Promise<string | undefined> => {
  const { account, amr, acr, source, signedInAt } = signedIn;
  const upstream = await keepPasswordSession(visit.tenant, signedIn, {
    findSession: () => visit.tenant.provider.findSession(visit.ctx),
    isProof: proven !== undefined,
  });
  const { sub, deleteAt } = account;
  const own = { sub, amr, source, signedInAt, ...definedOnly({ acr, upstream, deleteAt }) };
  if (proven === undefined) return completeSignIn(parts, visit, interaction, own);
  const earlier = openProven(visit, proven);
  return earlier?.sub === sub
    ? completeSignIn(parts, visit, interaction, {
        ...earlier,
        ...own,
        amr: [...new Set([...earlier.amr, ...amr])],
      })
    : undefined;
};
