import type { Context } from 'koa';
import type { Clock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import type { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { logProblem } from '../web/error-boundary.ts';
import type {
  EmailProblem,
  FactorProblem,
  KeyProblem,
  LoginProblem,
  ProfileProblem,
  RegistrationProblem,
} from '../web/page-problems.ts';
import type { PageModels } from '../web/pages.ts';
import { newErrorId, problemHeaders } from '../web/problem.ts';
import { requestFacts } from '../web/request-facts.ts';

type Problem =
  | LoginProblem
  | EmailProblem
  | FactorProblem
  | RegistrationProblem
  | ProfileProblem
  | KeyProblem
  | NonNullable<PageModels['change-password' | 'connect-source' | 'recover' | 'account-delete']['problem']>;

interface ProblemAnswer {
  readonly status: number;
  /** In the log. */
  readonly code: string;
  /** In `x-error`, for support; the page has words of its own. */
  readonly description: string;
}

const missing = { status: 400, code: 'invalid_request', description: 'A field of the form is empty' };
const down = {
  status: 503,
  code: 'temporarily_unavailable',
  description: 'The source of this account does not answer now',
};

const answers: Readonly<Record<Problem, ProblemAnswer>> = {
  account_disabled: { status: 403, code: 'account_disabled', description: 'The account is disabled' },
  account_locked: { status: 403, code: 'account_locked', description: 'The account is locked' },
  address: {
    status: 400,
    code: 'invalid_request',
    description: 'This is not one plain e-mail address',
  },
  cancelled: { status: 400, code: 'cancelled', description: 'The sign-in was cancelled at the source' },
  code: { status: 400, code: 'invalid_code', description: 'The code is wrong, or was used already' },
  confirm: { status: 200, code: 'login_required', description: 'The password has to be entered once more' },
  credentials: {
    status: 400,
    code: 'invalid_credentials',
    description: 'The user name or the password is wrong',
  },
  different: { status: 400, code: 'invalid_request', description: 'The two new passwords differ' },
  domain: {
    status: 403,
    code: 'registration_refused',
    description: 'Nobody registers with an address of this domain',
  },
  elsewhere: {
    status: 403,
    code: 'registration_refused',
    description: 'People of this domain sign in at a source',
  },
  email_code: {
    status: 400,
    code: 'invalid_code',
    description: 'The code is wrong, too old or used already',
  },
  email_taken: { status: 409, code: 'email_taken', description: 'Another account has the e-mail address' },
  hours_restricted: {
    status: 403,
    code: 'hours_restricted',
    description: 'The account may not be used at this time',
  },
  invalid: { status: 400, code: 'invalid', description: 'The answer of the source is not valid' },
  known: {
    status: 409,
    code: 'account_exists',
    description: 'There is an account with this e-mail address',
  },
  missing,
  limit: { status: 400, code: 'limit', description: 'There are too many second factors already' },
  missing_code: missing,
  missing_name: missing,
  name: { status: 400, code: 'invalid_request', description: 'The name is no plain text, or too long' },
  key_address: {
    status: 400,
    code: 'invalid_request',
    description: 'The person has no verified e-mail address',
  },
  key_mails: { status: 429, code: 'throttled', description: 'Too many mails with codes for this account' },
  key_limit: { status: 400, code: 'invalid_request', description: 'The person has too many keys' },
  key_note: { status: 400, code: 'invalid_request', description: 'The note is no plain text, or too long' },
  key_services: { status: 400, code: 'invalid_request', description: 'The key is for no allowed service' },
  no_source: {
    status: 400,
    code: 'invalid_request',
    description: 'No source takes a password for this name',
  },
  not_checked: {
    status: 503,
    code: 'temporarily_unavailable',
    description: 'The service that allows registrations does not answer now',
  },
  not_offered: { status: 403, code: 'not_offered', description: 'The password cannot be changed here' },
  passkey: { status: 400, code: 'invalid_passkey', description: 'The passkey was not accepted' },
  password_change_required: {
    status: 403,
    code: 'password_change_required',
    description: 'The password must be changed before the sign-in',
  },
  password_expired: { status: 403, code: 'password_expired', description: 'The password has expired' },
  person_name: { status: 400, code: 'invalid_request', description: 'The name is no plain text' },
  policy: { status: 400, code: 'password_policy', description: 'The rules refuse the new password' },
  link: { status: 400, code: 'invalid_link', description: 'The link is too old, or was used already' },
  refused: {
    status: 403,
    code: 'registration_refused',
    description: 'The operator refuses this registration',
  },
  same: { status: 400, code: 'invalid_request', description: 'The account has this e-mail address already' },
  set_up_expired: { status: 400, code: 'expired', description: 'The page was open for too long' },
  source_settings: {
    status: 500,
    code: 'misconfigured',
    description: 'A setting keeps this account from signing in',
  },
  taken: { status: 403, code: 'taken', description: 'Another account is connected with this sign-in' },
  too_many_mails: {
    status: 429,
    code: 'throttled',
    description: 'Too many mails with codes for this account',
  },
  throttled: { status: 429, code: 'too_many_requests', description: 'There were too many attempts' },
  unavailable: down,
  upstream_unavailable: down,
  other_username: { status: 400, code: 'invalid_request', description: 'This is not the user name' },
  username: {
    status: 400,
    code: 'invalid_request',
    description: 'The user name cannot be used',
  },
  username_address: {
    status: 400,
    code: 'invalid_request',
    description: 'The user name is an address of others',
  },
  username_taken: { status: 409, code: 'username_taken', description: 'The user name is taken' },
  workstation_restricted: {
    status: 403,
    code: 'workstation_restricted',
    description: 'The account may be used at certain computers only',
  },
};

export interface ShownProblem<P extends Problem> {
  readonly problem?: P;
  /** For the administrator; of `source_settings`. */
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

/** What a page says of a source that gave no verdict. */
export const problemOfSource = (error: AppError): ShownProblem<'source_settings' | 'unavailable'> =>
  error.isLasting
    ? { problem: 'source_settings', reason: error.message }
    : { problem: 'unavailable', retryAfterSeconds: error.retryAfterSeconds ?? 5 };

/** A waiting time that goes on while the browser is redirected. */
export interface TimedNotice {
  /** Epoch seconds. */
  readonly until?: number;
}

export const endOf = (
  { clock }: { readonly clock: Clock },
  retryAfterSeconds: number | undefined,
): TimedNotice => (retryAfterSeconds === undefined ? {} : { until: clock.now() / 1000 + retryAfterSeconds });

/** Seconds that are left of the waiting time. */
export const restOf = (
  { clock }: { readonly clock: Clock },
  { until }: TimedNotice,
): { readonly retryAfterSeconds?: number } =>
  until === undefined ? {} : { retryAfterSeconds: Math.max(1, Math.ceil(until - clock.now() / 1000)) };

/** Puts the problem of a page into its headers and the log; gives its status. */
export const announce = <P extends Problem>(log: Log, ctx: Context, shown: ShownProblem<P>): number => {
  if (shown.problem === undefined) return 200;
  const { retryAfterSeconds, reason } = shown;
  const problem = {
    ...answers[shown.problem],
    errorId: newErrorId(),
    ...definedOnly({ retryAfterSeconds, description: reason }),
  };
  const { requestId, tenant } = requestFacts(ctx);
  logProblem(log.child({ requestId, ...definedOnly({ tenant }) }), problem, undefined);
  ctx.set(problemHeaders(problem));
  return problem.status;
};
