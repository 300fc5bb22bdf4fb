import type { Context } from 'koa';
import type { SignedIn } from '../../accounts/account-types.ts';
import { isSessionCurrent } from '../../accounts/standing.ts';
import type { UpstreamOutcome } from '../../connectors/connector.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { ProvenLogin } from '../../oidc/provider/first-factor.ts';
import type {
  FinishedLogin,
  RedirectConnector,
  UpstreamPurpose,
} from '../../oidc/upstream/upstream-logins.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { connectUpstream } from '../account/account-sources.ts';
import { clearUpstreamCookie, readUpstreamCookie } from '../cookies.ts';
import type { LoginPageParts } from '../login-form.ts';
import { findRedirectConnector, type LoginTenant } from '../login-tenant.ts';
import { showOver } from '../sign-in-over.ts';
import type { UpstreamReturn } from './upstream-return.ts';

/** The return of one person from one upstream. */
interface Arrival {
  readonly ctx: Context;
  readonly tenant: LoginTenant;
  readonly connector: RedirectConnector;
}

type SignInPurpose = Extract<UpstreamPurpose, { kind: 'sign-in' }>;
type Proof = Extract<UpstreamOutcome, { ok: true }>;

/** Seconds by which the clocks of two servers may differ. */
const toleratedSkew = 60;

/** The redirect URI at which the upstream returns the browser (OpenID Connect Core section 3.1.2.5). */
export const receiveUpstream = async (
  parts: LoginPageParts,
  ctx: Context,
  {
    tenant,
    source,
    search,
  }: { readonly tenant: LoginTenant; readonly source: string; readonly search: string },
): Promise<void> => {
  const { issuer } = tenant.provider;
  const connector = findRedirectConnector(tenant, source);
  const { state } = ctx.query;
  if (connector === undefined || typeof state !== 'string') return refuse(parts, ctx, tenant);
  const browser = readUpstreamCookie(ctx, { issuer, state });
  const finished = await tenant.upstreamLogins.finish({ connector, search, state, browser });
  if (finished === undefined) {
    await noteFailure({ ctx, tenant, connector }, { reason: 'not_begun_here' });
    return refuse(parts, ctx, tenant);
  }
  clearUpstreamCookie(ctx, { issuer, state });
  const arrival: Arrival = { ctx, tenant, connector };
  const { purpose } = finished;
  ctx.status = 303;
  if (purpose.kind === 'link')
    return connectUpstream(parts, { ctx, tenant, source }, { sub: purpose.sub, ask: finished.ask });
  const { uid } = purpose;
  const back: UpstreamReturn = await signIn(parts, arrival, { purpose, ask: finished.ask });
  const ticket = await tenant.upstreamLogins.issueTicket(uid, back);
  ctx.redirect(`${issuer}/interaction/${uid}/return?ticket=${ticket}`);
};

const signIn = async (
  parts: LoginPageParts,
  arrival: Arrival,
  { purpose, ask }: { readonly purpose: SignInPurpose; readonly ask: FinishedLogin['ask'] },
): Promise<UpstreamReturn> => {
  const { ctx, tenant, connector } = arrival;
  const { address, requestId } = requestFacts(ctx);
  const { id: source } = connector.definition;
  const facts = { requestId, tenant: tenant.definition.id, source };
  try {
    const outcome = await ask();
    if (!outcome.ok) {
      const { reason, detail } = outcome;
      parts.log[reason === 'cancelled' ? 'info' : 'warn'](
        { ...facts, reason, detail },
        'an upstream did not prove a person',
      );
      if (reason !== 'cancelled') await noteFailure(arrival, { reason, clientId: purpose.clientId });
      return { ok: false, problem: reason };
    }
    const { clientId } = purpose;
    const admitted = await tenant.accounts.admit(outcome.person, {
      address,
      requestId,
      clientId,
      via: 'upstream',
    });
    if (!admitted.ok) return { ok: false, problem: admitted.reason };
    await tenant.provider.keepUpstreamTokens(admitted.account.sub, source, outcome.tokens);
    const { authTime } = outcome.person;
    const isFresh =
      purpose.maxAge === undefined ||
      (authTime !== undefined && parts.clock.now() / 1000 - authTime <= purpose.maxAge + toleratedSkew);
    return { ok: true, source, isFresh, login: toLogin(tenant, admitted, outcome) };
  } catch (err) {
    if (!isAppError(err, 'unavailable')) throw err;
    parts.log.error({ ...facts, err }, 'a sign-in at an upstream could not be finished');
    return { ok: false, problem: 'upstream_unavailable' };
  }
};

const toLogin = (tenant: LoginTenant, admitted: SignedIn, { person, tokens, sid }: Proof): ProvenLogin => {
  const { account, amr, acr, signedInAt, source } = admitted;
  const { issuer, authTime = signedInAt } = person;
  // older than the last forced sign-out of this account: they have proven now that they are still the same person
  const isOld = !isSessionCurrent(account, authTime);
  return {
    sub: account.sub,
    amr,
    source,
    signedInAt: isOld ? signedInAt : Math.min(authTime, signedInAt),
    ...definedOnly({ acr, deleteAt: account.deleteAt }),
    upstream: tenant.upstreamSessions.seal({
      source,
      ...definedOnly({ issuer, sid, idToken: tokens.idToken, grant: grantOf(account.sub, tokens) }),
    }),
  };
};

const grantOf = (sub: string, { refreshToken }: Proof['tokens']) =>
  refreshToken === undefined ? undefined : { sub, refreshToken, isByPassword: false };

/** A cancelled sign-in is no failure, and an outage is no attack. */
const noteFailure = (
  { ctx, tenant, connector }: Arrival,
  { reason, clientId }: { readonly reason: string; readonly clientId?: string },
): Promise<void> => {
  const { address, requestId } = requestFacts(ctx);
  return tenant.accounts.noteAttack({
    action: 'sign_in.upstream',
    reason: `${connector.definition.id}: ${reason}`,
    address,
    requestId,
    ...definedOnly({ clientId }),
  });
};

/** Another browser, another source, a second time, or too late: the answer does not distinguish them. */
const refuse = async (parts: LoginPageParts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const error = new AppError(
    'forbidden',
    'This sign-in was begun in another browser, has come back before, or took too long',
  );
  const isSignedIn = (await tenant.provider.findSession(ctx)) !== undefined;
  showOver(parts, { ctx, tenant }, { reason: isSignedIn ? 'signed_in' : 'returned', error });
};
