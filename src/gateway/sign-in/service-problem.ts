import type { Context } from 'koa';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { logProblem } from '../../web/error-boundary.ts';
import type { ServiceProblem } from '../../web/page-problems.ts';
import type { Look, Pages } from '../../web/pages.ts';
import { newErrorId, type Problem, problemHeaders } from '../../web/problem.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { sendPage } from '../../web/send-page.ts';

const answers: Readonly<Record<ServiceProblem, Omit<Problem, 'errorId'> & { readonly description: string }>> =
  {
    expired: { status: 400, code: 'expired', description: 'The sign-in for the service took too long' },
    invalid: { status: 400, code: 'invalid_request', description: 'The link into the sign-in is malformed' },
    not_served: { status: 403, code: 'forbidden', description: 'The service does not admit this tenant' },
    not_signed_in: {
      status: 403,
      code: 'login_required',
      description: 'The sign-in for the service gave no session',
    },
    // RFC 9470 section 3
    too_weak: {
      status: 403,
      code: 'insufficient_user_authentication',
      description: 'The service demands a stronger or newer sign-in',
    },
    unknown_ticket: {
      status: 400,
      code: 'invalid_ticket',
      description: 'The ticket of the sign-in is unknown, used, or of another browser',
    },
  };

export interface ServiceProblemPage {
  readonly problem: ServiceProblem;
  readonly look: Look;
  /** A checked URL of the service. */
  readonly retryUrl?: string | undefined;
  readonly homeUrl?: string | undefined;
}

/** Shows why the sign-in for a service failed, and the next step; it repeats nothing of the request. */
export const showServiceProblem = (
  { pages, log }: { readonly pages: Pages; readonly log: Log },
  ctx: Context,
  { problem, look, retryUrl, homeUrl }: ServiceProblemPage,
): void => {
  const { status, code, description } = answers[problem];
  const errorId = newErrorId();
  const { requestId, tenant } = requestFacts(ctx);
  logProblem(
    log.child({ requestId, ...definedOnly({ tenant }) }),
    { status, code, errorId, description },
    undefined,
  );
  ctx.set(problemHeaders({ status, code, errorId, description }));
  sendPage(ctx, pages, {
    name: 'service-problem',
    status,
    look,
    model: {
      problem,
      code,
      errorId,
      ...definedOnly({ retryUrl, homeUrl }),
    },
  });
};
