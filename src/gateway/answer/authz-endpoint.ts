// `/api/authz/…`: proxies ask here about a request before they pass it on, each in its own dialect.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { definedOnly } from '../../defined-only.ts';
import { tenantIdPattern } from '../../protocol/tenant-id.ts';
import { createRequestOriginOf } from '../../web/request-checks.ts';
import { logAnswer, type RequestLine, type RequestLogOptions } from '../../web/request-log.ts';
import type { Decide } from '../decision/decide.ts';
import type { Decision, GatewayRequest, SignInDemand } from '../gateway-types.ts';
import { type Answer, answerTo, problemAnswer } from './answers.ts';
import {
  type AskedRequestParts,
  type AuthzTarget,
  adviceFor,
  createReadAskedRequest,
} from './asked-request.ts';
import { authRequest } from './auth-request.ts';
import { type DecisionFacts, factsOf } from './decision-facts.ts';
import { extAuthz } from './ext-authz.ts';
import { forwardAuth } from './forward-auth.ts';
import { introduce } from './introduction.ts';
import type { IdentityCut } from './presented-caller.ts';
import type { ProxyDialect } from './proxy-dialect.ts';
import type { ServiceTokens } from './service-token.ts';

export interface AuthzEndpointParts extends AskedRequestParts, RequestLogOptions {
  readonly decide: Decide;
  /** Absolute URL at which a browser signs in for this request. */
  readonly signInUrl: (request: GatewayRequest, decision: SignInDemand) => string;
  readonly serviceTokens: ServiceTokens;
}

/** Is this path one of `createAuthzEndpoint`? */
export const isAuthzUrl = (url: string): boolean => url.startsWith('/api/authz/');

const dialects: readonly ProxyDialect[] = [authRequest, forwardAuth, extAuthz];

// the form without a tenant comes first, so a tenant with the name of a dialect cannot be named here
const endpoint = new RegExp(
  `^/api/authz(?:/(${tenantIdPattern}))??/(${dialects.map(({ name }) => name).join('|')})(?=[/?]|$)(.*)$`,
  's',
);

/** Undefined when the path is no endpoint of ours. */
export const parseAuthzTarget = (url: string): AuthzTarget | undefined => {
  const [, tenant, named, rest = ''] = endpoint.exec(url) ?? [];
  const dialect = dialects.find(({ name }) => name === named);
  if (dialect === undefined) return undefined;
  if (dialect.appendsPath) return { dialect, appended: rest, ...definedOnly({ tenant }) };
  return rest === '' || rest.startsWith('?')
    ? { dialect, appended: '', ...definedOnly({ tenant }) }
    : undefined;
};

const retryAfterSeconds = 5;

/** Never rejects: a question that cannot be answered is refused. */
export const createAuthzEndpoint = (
  parts: AuthzEndpointParts,
): ((req: IncomingMessage, res: ServerResponse) => Promise<void>) => {
  const { log } = parts;
  const originOf = createRequestOriginOf(parts);
  const readRequest = createReadAskedRequest(parts);
  const ownHeaders = parts.certificates.header === undefined ? [] : [parts.certificates.header];

  const answerDecision = async (
    decision: Decision,
    { dialect, request }: { readonly dialect: ProxyDialect; readonly request: GatewayRequest },
  ): Promise<{ readonly answer: Answer; readonly cut?: IdentityCut }> => {
    const context = { dialect: dialect.answers, request };
    if (decision.outcome !== 'allowed')
      return {
        answer: answerTo(decision, { ...context, signInUrl: (demand) => parts.signInUrl(request, demand) }),
      };
    const { serviceTokens } = parts;
    const introduction = await introduce(decision, { serviceTokens, requestId: request.requestId });
    const { cut } = introduction;
    const withheld = [...introduction.withheld, ...ownHeaders];
    return { answer: answerTo(decision, { ...context, ...introduction, withheld }), ...definedOnly({ cut }) };
  };

  /** An error in here refuses the request. */
  const settle = async (
    request: GatewayRequest,
    dialect: ProxyDialect,
  ): Promise<{ readonly decision: Decision; readonly answer: Answer; readonly cut?: IdentityCut }> => {
    try {
      const decision = await parts.decide(request);
      return { decision, ...(await answerDecision(decision, { dialect, request })) };
    } catch (cause) {
      const decision: Decision = { outcome: 'unavailable', retryAfterSeconds, cause };
      return { decision, answer: answerTo(decision, { dialect: dialect.answers, request }) };
    }
  };

  const respond = async (
    req: IncomingMessage,
    res: ServerResponse,
    target: AuthzTarget | undefined,
  ): Promise<void> => {
    const { requestId, address: peer } = originOf(req);
    const line: AuthzLine = {
      requestId,
      method: req.method ?? '',
      route: target === undefined ? '/api/authz' : `/api/authz/${target.dialect.name}`,
      address: peer,
    };
    const noRequest = { method: req.method ?? '', headers: req.headers };
    const send = (answer: Answer, facts: Partial<AuthzLine>): void => {
      const { errorId } = answer;
      const full = { ...line, ...facts, ...definedOnly({ errorId }) };
      logAnswer(parts, res, () => full);
      res.writeHead(answer.status, {
        ...answer.headers,
        'X-Request-Id': requestId,
        'Content-Length': Buffer.byteLength(answer.body),
      });
      res.end(answer.body);
    };

    if (target === undefined) {
      const decision: Decision = { outcome: 'invalid', description: 'There is no such endpoint' };
      return send(answerTo(decision, { dialect: {}, request: noRequest }), factsOf(decision));
    }
    const { dialect } = target;
    const request = readRequest({ req, target, requestId });
    if ('outcome' in request) {
      const answer = answerTo(request, { dialect: dialect.answers, request: noRequest });
      return send(
        request.outcome === 'forbidden' ? withAdvice(answer, adviceFor(request.reason)) : answer,
        factsOf(request),
      );
    }
    const { decision, answer, cut } = await settle(request, dialect);
    const facts = { ...factsOf(decision), ...definedOnly({ cut }) };
    if (decision.outcome === 'unavailable')
      log.error({ requestId, errorId: answer.errorId, ...facts, err: decision.cause }, 'no decision');
    const { method, host, path, address } = request;
    send(answer, { ...facts, method, target: host + path.slice(0, 200), address });
  };

  return async (req, res) => {
    const target = parseAuthzTarget(req.url ?? '');
    try {
      await respond(req, res, target);
    } catch (err) {
      const status = target?.dialect.answers.unavailableStatus ?? 503;
      const description = 'The gateway could not decide';
      const { headers, body, errorId } = problemAnswer({ status, code: 'unavailable', description });
      log.error({ err, errorId }, 'a question of a proxy could not be answered');
      if (res.headersSent) res.destroy();
      else res.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
    }
  };
};

interface AuthzLine extends RequestLine, Partial<Pick<DecisionFacts, 'reason' | 'cut'>> {
  /** Host and path that were asked about; never the query. */
  readonly target?: string;
}

/** The answer has the advice too, because the person who sets up a proxy reads the answer, not the log. */
const withAdvice = (answer: Answer, description: string): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'x-error': description },
  body: JSON.stringify({
    error: 'forbidden',
    error_description: description,
    error_id: answer.errorId,
  }),
});
