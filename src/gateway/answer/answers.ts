// Only this file makes an answer of a decision. The other files of this folder:
//   authz-endpoint.ts    `/api/authz/…`, where proxies ask; asked-request.ts says which of them may, and about what
//   auth-request.ts      nginx; forward-auth.ts: Traefik and Caddy; ext-authz.ts: Envoy. Each is a `ProxyDialect`.
//   original-request.ts  what the dialects share when they read the request that is asked about
//   introduction.ts      the caller's identity for a service: presented-caller.ts, identity-headers.ts,
//                        service-token.ts, identity-tokens.ts
//   decision-facts.ts    the fields of a decision in the log

import { keyHeadersIn } from '../../accounts/presented-credential.ts';
import { isAppError } from '../../errors.ts';
import { newErrorId, type Problem, problemHeaders } from '../../web/problem.ts';
import type { Decision, Demand, GatewayRequest, GatewayTenant, SignInDemand } from '../gateway-types.ts';
import { cutHeaders, foreignIdentityHeaders, identityHeaderNames } from './identity-headers.ts';

/** The differences from HTTP that the dialect of a proxy needs. The built-in proxy needs none. */
export interface AnswerDialect {
  /** In place of 302, for a browser that has to sign in. */
  readonly redirectStatus?: 401;
  /** In place of 429; `X-Auth-Reason` says why. */
  readonly throttledStatus?: 403;
  /** In place of 503; `X-Auth-Reason` says why. */
  readonly unavailableStatus?: 403;
  /** In small letters. It names the headers that the proxy has to take out of a request before it passes it on. */
  readonly removalHeader?: string;
}

export interface AnswerContext {
  readonly dialect: AnswerDialect;
  readonly request: Pick<GatewayRequest, 'method' | 'headers'>;
  /** Absolute URL at which a browser signs in. */
  readonly signInUrl?: (decision: SignInDemand) => string;
  /** The whole set of identity headers, for the answer to an allowed request. */
  readonly identity?: Readonly<Record<string, string>>;
  /** Headers of the request that are for Drawbridge alone, in small letters. */
  readonly withheld?: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The `x-error-id` of the answer, for the log. */
  readonly errorId?: string;
}

/** A browser that opens a page, and can be redirected to a sign-in; any other client is a program. */
export const isNavigation = ({ method, headers }: AnswerContext['request']): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  /\btext\/html\b/i.test(headers.accept ?? '') &&
  headers.authorization === undefined &&
  keyHeadersIn(headers).length === 0 &&
  !isScripted(headers);

/** XHR and fetch: a Basic challenge would open the browser's own box over the page. */
const isScripted = (headers: GatewayRequest['headers']): boolean => {
  const mode = headers['sec-fetch-mode'];
  return (
    /^XMLHttpRequest$/i.test([headers['x-requested-with']].flat().join()) ||
    (mode !== undefined && mode !== 'navigate')
  );
};

export const answerTo = (decision: Decision, context: AnswerContext): Answer => {
  switch (decision.outcome) {
    case 'allowed':
      return allowed(context);
    case 'sign_in':
    case 'step_up':
      return isNavigation(context.request) && context.signInUrl !== undefined
        ? redirect(decision, context, context.signInUrl(decision))
        : challenge(decision, context);
    case 'bad_credential':
      return challenge(decision, context);
    case 'forbidden':
      return problemAnswer({ status: 403, code: 'forbidden', description: 'This is not allowed for you' });
    case 'refused':
      return problemAnswer(
        { status: 403, code: 'refused', description: 'This account cannot sign in' },
        { 'X-Auth-Reason': asciiToken(decision.reason) },
      );
    case 'throttled': {
      const { retryAfterSeconds } = decision;
      const words = {
        code: 'throttled',
        description: 'Too many attempts; try again later',
        retryAfterSeconds,
      };
      const { throttledStatus } = context.dialect;
      return throttledStatus === undefined
        ? problemAnswer({ status: 429, ...words })
        : problemAnswer({ status: throttledStatus, ...words }, { 'X-Auth-Reason': 'throttled' });
    }
    case 'unavailable': {
      const { cause } = decision;
      if (isAppError(cause) && cause.isLasting) return misconfigured(cause.message, context);
      const { retryAfterSeconds, description = 'This cannot be decided at the moment; try again later' } =
        decision;
      const words = {
        code: 'unavailable',
        description,
        retryAfterSeconds,
      };
      const { unavailableStatus } = context.dialect;
      return unavailableStatus === undefined
        ? problemAnswer({ status: 503, ...words })
        : problemAnswer({ status: unavailableStatus, ...words }, { 'X-Auth-Reason': 'upstream_unavailable' });
    }
    case 'invalid':
      return problemAnswer({ status: 400, code: 'invalid_request', description: decision.description });
  }
};

/** Trying again does not help. */
const misconfigured = (description: string, { dialect }: AnswerContext): Answer =>
  problemAnswer(
    { status: dialect.unavailableStatus ?? 500, code: 'misconfigured', description },
    dialect.unavailableStatus === undefined ? {} : { 'X-Auth-Reason': 'misconfigured' },
  );

const allowed = ({ dialect, request, identity = {}, withheld = [] }: AnswerContext): Answer => {
  const { removalHeader } = dialect;
  const removed = [
    'Authorization',
    'X-OTP',
    ...keyHeadersIn(request.headers),
    ...withheld,
    ...[...identityHeaderNames, ...cutHeaders].filter((name) => !identity[name]),
    ...foreignIdentityHeaders,
  ];
  return {
    status: 200,
    headers: {
      ...identity,
      'Cache-Control': 'no-store',
      ...(removalHeader === undefined ? {} : { [removalHeader]: removed.join(',').toLowerCase() }),
    },
    body: '',
  };
};

type Unidentified = Extract<Decision, { readonly outcome: 'sign_in' | 'step_up' | 'bad_credential' }>;

const redirect = (decision: Unidentified, { dialect }: AnswerContext, location: string): Answer =>
  dialect.redirectStatus === 401
    ? problemAnswer(
        { status: 401, ...wordsOf(decision) },
        {
          Location: location,
          'WWW-Authenticate': bearerChallenge(decision),
        },
      )
    : problemAnswer({ status: 302, ...wordsOf(decision) }, { Location: location });

const challenge = (decision: Unidentified, { request }: AnswerContext): Answer => {
  const isBearer = decision.outcome === 'bad_credential' && decision.scheme === 'Bearer';
  const asksForPassword = decision.service.basic && decision.outcome !== 'step_up' && !isBearer;
  return problemAnswer(
    { status: 401, ...wordsOf(decision) },
    {
      'WWW-Authenticate':
        asksForPassword && !isScripted(request.headers)
          ? `Basic realm="${realmOf(decision.tenant)}", charset="UTF-8"`
          : bearerChallenge(decision),
    },
  );
};

/** RFC 6750 section 3, RFC 9470 section 3. Without an error when no token was presented. */
const bearerChallenge = (decision: Unidentified): string => {
  const realm = `Bearer realm="${realmOf(decision.tenant)}"`;
  if (decision.outcome === 'step_up') {
    const { code, description } = wordsOf(decision);
    return `${realm}, error="${code}", error_description="${description}"${demanded(decision.demand)}`;
  }
  if (decision.outcome === 'sign_in' || decision.scheme === 'Basic') return realm;
  const error = decision.error === 'credentials' ? 'invalid_token' : decision.error;
  return `${realm}, error="${error}", error_description="${quotable(decision.description)}"`;
};

const demanded = ({ acrValues = [], maxAge }: Demand): string =>
  (acrValues.length === 0 ? '' : `, acr_values="${quotable(acrValues.join(' '))}"`) +
  (maxAge === undefined ? '' : `, max_age="${maxAge}"`);

const wordsOf = (decision: Unidentified): { readonly code: string; readonly description: string } => {
  switch (decision.outcome) {
    case 'sign_in':
      return { code: 'login_required', description: 'Sign in first' };
    case 'step_up':
      return {
        code: 'insufficient_user_authentication',
        description: 'A newer or stronger sign-in is needed',
      };
    case 'bad_credential':
      return {
        code: decision.error === 'credentials' ? 'invalid_credentials' : decision.error,
        description: decision.description,
      };
  }
};

/** Also for errors without a decision: of the request itself, or of the service. */
export const problemAnswer = (
  words: Omit<Problem, 'errorId'>,
  headers: Readonly<Record<string, string>> = {},
): Answer => {
  const { code, description } = words;
  const errorId = newErrorId();
  return {
    status: words.status,
    headers: {
      ...problemHeaders({ ...words, errorId }),
      ...headers,
      'Cache-Control': 'no-store',
      'Content-Type': 'application/json; charset=utf-8',
    },
    body: JSON.stringify({ error: code, error_description: description, error_id: errorId }),
    errorId,
  };
};

/** For a quoted-string (RFC 9110 section 5.6.4); RFC 6750 allows no quotes and backslashes at all. */
const quotable = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]+/g, '')
    .replace(/["\\]/g, "'")
    .trim()
    .slice(0, 200);

const realmOf = (tenant: GatewayTenant | undefined): string =>
  quotable(tenant?.definition.displayName ?? '') || 'Drawbridge';

const asciiToken = (text: string): string => text.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 64);
