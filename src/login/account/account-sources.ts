// Connecting a source to one's own account, by signing in at both, and disconnecting it. A source may stand in for a second factor,
// so whoever has one proves it first.
import type { Context } from 'koa';
import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { FinishedLogin } from '../../oidc/upstream/upstream-logins.ts';
import { readForm } from '../../web/body.ts';
import type { PageModels } from '../../web/pages.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { sendPage } from '../../web/send-page.ts';
import { readKnownBrowserCookie, setUpstreamCookie } from '../cookies.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import {
  announce,
  endOf,
  problemOfSource,
  restOf,
  type ShownProblem,
  type TimedNotice,
} from '../login-problems.ts';
import { findConnector, findRedirectConnector, type LoginTenant, lookOf } from '../login-tenant.ts';
import { showOver } from '../sign-in-over.ts';
import { goToAccount } from './account-pages.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  findAccountVisit,
  refuseForeignForm,
  submittedBy,
  visitOrSignIn,
  visitWithFactor,
  visitWithFactorRecently,
} from './account-visit.ts';

const passwordFields = z.object({
  csrf: csrfField,
  login: z.string().default(''),
  password: z.string().default(''),
});

interface Asked {
  readonly tenant: LoginTenant;
  readonly source: string;
}

type ConnectProblem = NonNullable<PageModels['connect-source']['problem']>;

/** The form for a source that accepts passwords here. */
export const askForSource = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, source }: Asked,
): Promise<void> => {
  const visit = await visitWithFactorRecently(parts, ctx, { tenant });
  if (visit === undefined) return;
  const last = parts.notices.last<ConnectNotice>({ ctx, url: formUrl(tenant, source) });
  const { until, login = '', problem, reason } = last?.isNew === true ? last.notice : {};
  showForm(parts, visit, {
    source,
    login,
    ...definedOnly({ problem, reason }),
    ...restOf(parts, definedOnly({ until })),
  });
};

interface ConnectNotice extends TimedNotice {
  readonly login: string;
  readonly problem?: ConnectProblem;
  readonly reason?: string;
}

const formUrl = (tenant: LoginTenant, source: string): string => `${accountUrl(tenant)}/sources/${source}`;

const showForm = (
  parts: LoginPageParts,
  visit: AccountVisit,
  form: { readonly source: string; readonly login: string } & ShownProblem<ConnectProblem>,
): void => {
  const { ctx, tenant } = visit;
  const { source, ...shown } = form;
  const connector = findConnector(tenant, source);
  if (connector?.passwords === undefined || connector.definition.type === 'local') throw notThere();
  sendPage(ctx, parts.pages, {
    name: 'connect-source',
    status: announce(parts.log, ctx, form),
    model: {
      ...shown,
      action: `${formUrl(tenant, source)}/connect`,
      csrf: accountCsrfToken(parts.csrf, visit),
      sourceName: connector.definition.displayName,
      cancelUrl: accountUrl(tenant),
    },
    look: lookOf(ctx, tenant),
  });
};

export const submitConnect = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, source }: Asked,
): Promise<void> => {
  const form = await readForm(ctx, passwordFields);
  const visit = await visitWithFactorRecently(parts, ctx, { tenant });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, form.csrf);
  const connector = findRedirectConnector(tenant, source);
  if (connector === undefined) return connectByPassword(parts, visit, { ...form, source });
  try {
    const begun = await tenant.upstreamLogins.begin({
      connector,
      purpose: { kind: 'link', sub: visit.session.sub },
      request: { uiLocales: lookOf(ctx, tenant).locale },
    });
    setUpstreamCookie(ctx, tenant.provider.issuer, begun);
    ctx.status = 303;
    ctx.redirect(begun.url);
  } catch (err) {
    logOutage(parts, visit, { err, source });
    goToAccount(ctx, tenant, { problem: 'unavailable' });
  }
};

/** Handles the return from the source: is it still the same person, in the same browser? */
export const connectUpstream = async (
  parts: LoginPageParts,
  { ctx, tenant, source }: Asked & { readonly ctx: Context },
  { sub, ask }: { readonly sub: string; readonly ask: FinishedLogin['ask'] },
): Promise<void> => {
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined || visit.session.sub !== sub) {
    const error = new AppError(
      'forbidden',
      'Another person is signed in here now. Sign in again and connect the source from your account.',
    );
    return showOver(parts, { ctx, tenant }, { reason: 'other_person', error });
  }
  // the person may have set up a factor since the browser left for the source
  if ((await visitWithFactor(ctx, { tenant })) === undefined) return;
  const { address, requestId } = requestFacts(ctx);
  try {
    const outcome = await ask();
    if (!outcome.ok) {
      const { reason, detail } = outcome;
      parts.log.info(
        { requestId, tenant: tenant.definition.id, source, reason, detail },
        'an upstream did not prove a person',
      );
      if (reason !== 'cancelled')
        await tenant.accounts.noteAttack({
          action: 'sign_in.upstream',
          reason: `${source}: ${reason}`,
          sub,
          address,
          requestId,
        });
      return goToAccount(ctx, tenant, { problem: reason });
    }
    const linked = await tenant.accounts.link(sub, outcome.person, { address, requestId, via: 'link' });
    if (!linked.ok) return goToAccount(ctx, tenant, { problem: linked.reason });
    await tenant.provider.keepUpstreamTokens(sub, source, outcome.tokens);
    return goToAccount(ctx, tenant, { outcome: 'connected' });
  } catch (err) {
    logOutage(parts, visit, { err, source });
    return goToAccount(ctx, tenant, { problem: 'unavailable' });
  }
};

const connectByPassword = async (
  parts: LoginPageParts,
  visit: AccountVisit,
  form: { readonly source: string; readonly login: string; readonly password: string },
): Promise<void> => {
  const { ctx, tenant, session } = visit;
  const { source, login, password } = form;
  const { passwords, definition } = findConnector(tenant, source) ?? {};
  if (passwords === undefined || definition?.type === 'local') throw notThere();
  const showAgain = ({ problem, reason, retryAfterSeconds }: ShownProblem<ConnectProblem>): void => {
    const notice: ConnectNotice = {
      login,
      ...definedOnly({ problem, reason }),
      ...endOf(parts, retryAfterSeconds),
    };
    parts.notices.show({ ctx, url: formUrl(tenant, source) }, notice);
  };
  if (login.trim() === '' || password === '') return showAgain({ problem: 'missing' });
  const { address, requestId } = requestFacts(ctx);
  try {
    const browser = readKnownBrowserCookie(ctx, tenant.provider.issuer);
    const person = { login, password, ...definedOnly({ browser }) };
    const attempt = { ...person, address, requestId, via: 'page' } as const;
    const outcome = await tenant.accounts.linkByPassword(session.sub, { ...attempt, source });
    if (outcome.ok) return goToAccount(ctx, tenant, { outcome: 'connected' });
    if (outcome.reason === 'not_found' || outcome.reason === 'last') throw notThere();
    return showAgain(
      outcome.reason === 'throttled'
        ? { problem: 'throttled', retryAfterSeconds: outcome.retryAfterSeconds }
        : { problem: outcome.reason },
    );
  } catch (err) {
    logOutage(parts, visit, { err, source });
    return showAgain(isAppError(err) ? problemOfSource(err) : { problem: 'unavailable' });
  }
};

export const submitDisconnect = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, source }: Asked,
): Promise<void> => {
  const visit = await submittedBy(parts, ctx, () => visitOrSignIn(ctx, tenant));
  if (visit === undefined) return;
  const { address, requestId } = requestFacts(ctx);
  const { sub, id } = visit.session;
  const outcome = await tenant.disconnectSource({ sub, source, keptIds: [id], address, requestId });
  goToAccount(ctx, tenant, outcome.ok ? { outcome: 'disconnected' } : { problem: outcome.reason });
};

/** Shows an outage on the page and logs it; any other error is thrown again. */
const logOutage = (
  { log }: LoginPageParts,
  { ctx, tenant }: AccountVisit,
  { err, source }: { readonly err: unknown; readonly source: string },
): void => {
  if (!isAppError(err, 'unavailable')) throw err;
  const { requestId } = requestFacts(ctx);
  log.error({ err, requestId, tenant: tenant.definition.id, source }, 'a source could not be connected');
};

const notThere = (): AppError => new AppError('not_found', 'There is no such source to connect');
