import type { Context } from 'koa';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { logProblem } from '../../web/error-boundary.ts';
import type { Look, Pages, ServiceProblem } from '../../web/pages.ts';
import { newErrorId, problemHeaders } from '../../web/problem.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { sendPage } from '../../web/send-page.ts';

const answers: Readonly<Record<ServiceProblem, { readonly status: number; readonly code: string }>> = {
  expired: { status: 400, code: 'expired' },
  invalid: { status: 400, code: 'invalid_request' },
  not_served: { status: 403, code: 'forbidden' },
  not_signed_in: { status: 403, code: 'login_required' },
  // RFC 9470 section 3
  too_weak: { status: 403, code: 'insufficient_user_authentication' },
  unknown_ticket: { status: 400, code: 'invalid_ticket' },
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
  const { status, code } = answers[problem];
  const errorId = newErrorId();
  const { requestId, tenant } = requestFacts(ctx);
  logProblem(
    log.child({ requestId, ...definedOnly({ tenant }) }),
    { status, code, errorId, description: `the sign-in for a service broke off: ${problem}` },
    undefined,
  );
  ctx.set(problemHeaders({ status, code, errorId }));
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
