import type { Context } from 'koa';
import { definedOnly } from '../defined-only.ts';
import type { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { accountClientId } from '../oidc/provider/clients.ts';
import { InteractionGone } from '../oidc/provider/interactions.ts';
import { logProblem } from '../web/error-boundary.ts';
import type { SignInOver } from '../web/page-problems.ts';
import type { Pages } from '../web/pages.ts';
import { problemHeaders, problemOf } from '../web/problem.ts';
import { requestFacts } from '../web/request-facts.ts';
import { sendPage } from '../web/send-page.ts';
import { type BegunAtServices, startAgainAt, startAgainOf } from './begun-sign-ins.ts';
import { FormOutOfDate, type InteractionVisit, interactionUrl } from './interaction-form.ts';
import { type LoginTenant, lookOf } from './login-tenant.ts';

export interface SignInOverParts {
  readonly pages: Pages;
  readonly log: Log;
  readonly services: BegunAtServices;
}

export interface OverPage {
  readonly reason: SignInOver;
  /** For the log and for programs. */
  readonly error: AppError;
  /** Shows the form anew. */
  readonly formUrl?: string;
  /** Of the interaction, where it is known. */
  readonly uid?: string;
  /** Of the interaction, where it is still stored. */
  readonly clientId?: string;
  /** Path of this page as a GET, for the language switch. */
  readonly url?: string;
}

/** Shows why the sign-in or form does not go on, and where to start again. Programs get the error. */
export const showOver = (
  { pages, log, services }: SignInOverParts,
  { ctx, tenant }: { readonly ctx: Context; readonly tenant: LoginTenant },
  { reason, error, formUrl, uid, clientId, url }: OverPage,
): void => {
  if (ctx.accepts('json', 'html') !== 'html') throw error;
  const problem = { ...problemOf(error), code: 'session_expired' };
  const { status } = problem;
  const { requestId } = requestFacts(ctx);
  logProblem(log.child({ requestId, tenant: tenant.definition.id }), problem, error);
  const known =
    clientId === undefined || clientId === accountClientId ? undefined : startAgainAt(tenant, clientId);
  const app = known ?? startAgainOf(services, { ctx, tenant, uid });
  sendPage(ctx, pages, {
    name: 'sign-in-over',
    status,
    look: lookOf(ctx, tenant, definedOnly({ url })),
    model: {
      reason,
      code: problem.code,
      errorId: problem.errorId,
      accountUrl: tenant.provider.issuer,
      ...definedOnly({ app, formUrl }),
    },
  });
  ctx.set(problemHeaders(problem));
};

/** A page or form of an interaction that is over, or whose form is out of date, gets the page that says so. */
export const orSayItIsOver =
  <P extends SignInOverParts>(answer: (parts: P, visit: InteractionVisit) => Promise<void>) =>
  async (parts: P, visit: InteractionVisit): Promise<void> => {
    try {
      await answer(parts, visit);
    } catch (error) {
      if (!(error instanceof FormOutOfDate) && !(error instanceof InteractionGone)) throw error;
      showOver(parts, visit, { ...(await whatIsOver(visit, error)), uid: visit.uid });
    }
  };

const whatIsOver = async (
  visit: InteractionVisit,
  error: FormOutOfDate | InteractionGone,
): Promise<OverPage> => {
  const { ctx, tenant } = visit;
  const gone = error instanceof InteractionGone ? error : await findGone(visit);
  const page = { error, url: new URL(interactionUrl(visit)).pathname };
  if (gone === undefined) return { ...page, reason: 'form_out_of_date', formUrl: interactionUrl(visit) };
  if (gone.clientId !== undefined) return { ...page, reason: 'other_browser', clientId: gone.clientId };
  const isSignedIn = (await tenant.provider.findSession(ctx)) !== undefined;
  return { ...page, reason: isSignedIn ? 'signed_in' : 'expired' };
};

/** Undefined when the interaction is still open in this browser. */
const findGone = async ({ ctx, tenant, uid }: InteractionVisit): Promise<InteractionGone | undefined> => {
  try {
    await tenant.interactions.open({ ctx, uid });
    return undefined;
  } catch (error) {
    if (error instanceof InteractionGone) return error;
    throw error;
  }
};

/** The same for a form of the account page. */
export const orAskAgain =
  <P extends SignInOverParts>(answer: (parts: P, ctx: Context, tenant: LoginTenant) => Promise<void>) =>
  async (parts: P, ctx: Context, tenant: LoginTenant): Promise<void> => {
    try {
      await answer(parts, ctx, tenant);
    } catch (error) {
      if (!(error instanceof FormOutOfDate)) throw error;
      const formUrl = `${tenant.provider.issuer}/account`;
      showOver(
        parts,
        { ctx, tenant },
        { reason: 'form_out_of_date', error, formUrl, url: new URL(formUrl).pathname },
      );
    }
  };
