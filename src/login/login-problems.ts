import type { Context } from 'koa';
import type { LoginProblem, PageModels } from '../web/pages.ts';

type Problem = LoginProblem | NonNullable<PageModels['change-password' | 'connect-source']['problem']>;

interface ProblemAnswer {
  readonly status: number;
  /** For programs and support, in `x-error`; stable. */
  readonly code: string;
}

const answers: Readonly<Record<Problem, ProblemAnswer>> = {
  account_disabled: { status: 403, code: 'account_disabled' },
  account_locked: { status: 403, code: 'account_locked' },
  cancelled: { status: 400, code: 'cancelled' },
  confirm: { status: 200, code: 'login_required' },
  credentials: { status: 400, code: 'invalid_credentials' },
  different: { status: 400, code: 'invalid_request' },
  invalid: { status: 400, code: 'invalid' },
  missing: { status: 400, code: 'invalid_request' },
  missing_name: { status: 400, code: 'invalid_request' },
  no_source: { status: 400, code: 'invalid_request' },
  not_offered: { status: 403, code: 'not_offered' },
  password_change_required: { status: 403, code: 'password_change_required' },
  password_expired: { status: 403, code: 'password_expired' },
  policy: { status: 400, code: 'password_policy' },
  taken: { status: 403, code: 'taken' },
  throttled: { status: 429, code: 'too_many_requests' },
  unavailable: { status: 503, code: 'temporarily_unavailable' },
  upstream_unavailable: { status: 503, code: 'temporarily_unavailable' },
};

export interface ShownProblem<P extends Problem> {
  readonly problem?: P;
  readonly retryAfterSeconds?: number;
}

/** Puts the problem of a page into its headers; gives its status. */
export const announce = <P extends Problem>(ctx: Context, shown: ShownProblem<P>): number => {
  const { problem, retryAfterSeconds } = shown;
  if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(retryAfterSeconds));
  if (problem === undefined) return 200;
  const { status, code } = answers[problem];
  ctx.set('x-error', code);
  return status;
};
