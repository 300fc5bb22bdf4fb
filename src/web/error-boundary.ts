import type { Context, Middleware } from 'koa';
import { definedOnly } from '../defined-only.ts';

import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Look, Pages } from './pages.ts';
import {
  newErrorId,
  nothingHere,
  type Problem,
  problemBody,
  problemDetails,
  problemHeaders,
  problemOf,
} from './problem.ts';
import { requestFacts } from './request-facts.ts';
import { sendPage } from './send-page.ts';

export interface ErrorPageOptions {
  readonly pages: Pages;
  readonly look: Look;
  readonly homeUrl?: string;
}

/** The error as a page, with its status and headers; also for the provider's `renderError`. */
export const renderErrorPage = (ctx: Context, problem: Problem, options: ErrorPageOptions): void => {
  const { pages, look, homeUrl } = options;
  sendPage(ctx, pages, {
    name: 'error',
    model: { ...problem, ...definedOnly({ homeUrl }) },
    look,
    status: problem.status,
  });
  ctx.set(problemHeaders(problem));
};

const renderErrorJson = (ctx: Context, problem: Problem): void => {
  ctx.status = problem.status;
  ctx.set({ ...problemHeaders(problem), 'Cache-Control': 'no-store' });
  if (requestFacts(ctx).hasProblemDetails !== true) {
    ctx.body = problemBody(problem);
    return;
  }
  ctx.body = problemDetails(problem);
  ctx.type = 'application/problem+json';
};

/** The one log line that connects an error id with its cause. */
export const logProblem = (log: Log, problem: Problem, error: unknown): void => {
  const { errorId, code, status, description = code } = problem;
  const facts = { errorId, code, status };
  if (status >= 500) log.error({ ...facts, err: error }, description);
  else log.info({ ...facts, ...causeOf(error) }, description);
};

/** What the answer does not say. A refusal has no stack: nothing is wrong here, and strangers can cause it at will. */
const causeOf = (error: unknown): { readonly cause?: string; readonly detail?: string } => {
  if (!isAppError(error)) return {};
  const { cause, detail } = error;
  return definedOnly({ cause: cause === undefined ? undefined : String(cause), detail });
};

/** Refuses a request of a program with an error code of its protocol, which no AppError has. */
export const refuseAsJson = (ctx: Context, log: Log, refusal: Omit<Problem, 'errorId'>): void => {
  const problem = { ...refusal, errorId: newErrorId() };
  logProblem(logOf(ctx, log), problem, undefined);
  renderErrorJson(ctx, problem);
};

const logOf = (ctx: Context, log: Log): Log => {
  const { requestId, tenant } = requestFacts(ctx);
  return log.child({ requestId, ...definedOnly({ tenant }) });
};

export interface ErrorBoundaryOptions {
  readonly pages: Pages;
  readonly log: Log;
  /** How the error page of this request looks; must not throw. */
  readonly look: (ctx: Context) => Look;
  /** Where its button leads. */
  readonly homeUrl: (ctx: Context) => string;
}

/** Turns an error that a later handler throws into one answer and one log line. */
export const createErrorBoundary = ({ pages, log, look, homeUrl }: ErrorBoundaryOptions): Middleware => {
  return async (ctx, next) => {
    try {
      await next();
      // A request that no handler answered gets a page as well; koa would send "Not Found" as plain text.
      if (ctx.status === 404 && ctx.body === undefined && ctx.respond !== false && !ctx.headerSent)
        throw nothingHere();
    } catch (error) {
      const problem = problemOf(error);
      logProblem(logOf(ctx, log), problem, error);
      if (ctx.headerSent) {
        ctx.res.destroy();
        return;
      }
      if (ctx.accepts('json', 'html') === 'html') {
        renderErrorPage(ctx, problem, { pages, look: look(ctx), homeUrl: homeUrl(ctx) });
      } else renderErrorJson(ctx, problem);
    }
  };
};
