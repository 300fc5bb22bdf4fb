import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../clock.ts';
import { isEqualConstantTime } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { clientAddress, createTrustedProxies, normalizeAddress } from '../../web/client-address.ts';
import { createCallerOf } from '../../web/request-checks.ts';
import { logAnswer, type RequestLine } from '../../web/request-log.ts';
import { certificateFingerprint, certificateHeader } from '../callers/client-certificate.ts';
import { withAllAuthorizations } from '../callers/credentials.ts';
import type { Decision, GatewayRequest } from '../gateway-types.ts';
import { type Answer, answerTo } from './answers.ts';
import { type DecisionFacts, type DoorParts, factsOf, introduce } from './introduction.ts';
import { type AuthzTarget, parseAuthzTarget, readOriginalRequest } from './original-request.ts';

export interface AuthzEndpointParts extends DoorParts {
  /** Addresses or CIDR blocks that may ask. */
  readonly trustedProxies: readonly string[];
  /** Whoever knows it may ask from any address. */
  readonly proxySecret?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Is this for `createAuthzEndpoint`? */
export const isAuthzUrl = (url: string): boolean => url.startsWith('/api/authz/');

const secretHeader = 'x-drawbridge-proxy-secret';
const retryAfterSeconds = 5;

/**
 * Answers proxies that ask about a request before they pass it on, and never rejects. Only those that are trusted: to anybody else it
 * would be an oracle, and would believe what they say of a client's address.
 */
export const createAuthzEndpoint = (
  parts: AuthzEndpointParts,
): ((req: IncomingMessage, res: ServerResponse) => Promise<void>) => {
  const { trustedProxies, proxySecret, log } = parts;
  const callerOf = createCallerOf(trustedProxies);
  const isTrusted = trustedProxies.length === 0 ? () => false : createTrustedProxies(trustedProxies);
  const warnOfStranger = oncePerMinute(parts.clock, (address: string) =>
    log.warn({ address }, `a request to /api/authz was refused: ${strangerAdvice}`),
  );

  const isProven = (req: IncomingMessage): boolean => {
    const shown = req.headers[secretHeader];
    return proxySecret !== undefined && typeof shown === 'string' && isEqualConstantTime(shown, proxySecret);
  };

  const readRequest = (req: IncomingMessage, target: AuthzTarget): GatewayRequest | Decision => {
    const { requestId } = callerOf(req);
    const peer = normalizeAddress(req.socket.remoteAddress ?? '');
    if (!isTrusted(peer) && !isProven(req)) {
      warnOfStranger(peer);
      return { outcome: 'forbidden', reason: 'untrusted_proxy' };
    }
    const original = readOriginalRequest(req, target);
    if ('fault' in original) return { outcome: 'invalid', description: original.fault };
    const {
      [secretHeader]: _secret,
      [certificateHeader]: certificate,
      ...headers
    } = withAllAuthorizations(req);
    const fingerprint = certificateFingerprint(certificate, proxySecret);
    return {
      ...original,
      headers,
      // the proxy that asks may have proven itself by the secret alone
      address: clientAddress(
        peer,
        [req.headers['x-forwarded-for']].flat().join(',') || undefined,
        (address) => address === peer || isTrusted(address),
      ),
      requestId,
      ...definedOnly({ tenant: target.tenant, certificateFingerprint: fingerprint }),
      isOwnProxy: false,
    };
  };

  const answerDecision = async (
    decision: Decision,
    { profile, request }: { readonly profile: AuthzTarget['profile']; readonly request: GatewayRequest },
  ): Promise<Answer> => {
    if (decision.outcome !== 'allowed')
      return answerTo(decision, {
        profile,
        request,
        signInUrl: (demand) => parts.signInUrl(request, demand),
      });
    const { serviceTokens } = parts;
    const introduction = await introduce(decision, { serviceTokens, requestId: request.requestId });
    return answerTo(decision, { profile, request, ...introduction });
  };

  /** What is thrown in here lets nobody through. */
  const settle = async (
    request: GatewayRequest,
    profile: AuthzTarget['profile'],
  ): Promise<{ readonly decision: Decision; readonly answer: Answer }> => {
    try {
      const decision = await parts.decide(request);
      return { decision, answer: await answerDecision(decision, { profile, request }) };
    } catch (cause) {
      const decision: Decision = { outcome: 'unavailable', retryAfterSeconds, cause };
      return { decision, answer: answerTo(decision, { profile, request }) };
    }
  };

  const respond = async (
    req: IncomingMessage,
    res: ServerResponse,
    target: AuthzTarget | undefined,
  ): Promise<void> => {
    const { requestId, address: peer } = callerOf(req);
    const line: AuthzLine = {
      requestId,
      method: req.method ?? '',
      route: target === undefined ? '/api/authz' : `/api/authz/${target.profile}`,
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
      return send(answerTo(decision, { profile: 'forward-auth', request: noRequest }), factsOf(decision));
    }
    const { profile } = target;
    const request = readRequest(req, target);
    if ('outcome' in request) {
      const answer = answerTo(request, { profile, request: noRequest });
      return send(request.outcome === 'forbidden' ? forOperator(answer) : answer, factsOf(request));
    }
    const { decision, answer } = await settle(request, profile);
    const facts = factsOf(decision);
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
      log.error({ err }, 'a question of a proxy could not be answered');
      if (res.headersSent) res.destroy();
      else res.writeHead(target?.profile === 'ext-authz' ? 403 : 503, { 'Content-Length': 0 }).end();
    }
  };
};

interface AuthzLine extends RequestLine, Partial<Omit<DecisionFacts, 'tenant'>> {
  /** Host and path that were asked about; never the query. */
  readonly target?: string;
}

const strangerAdvice =
  'add the address of the proxy to server.trustedProxies, or let it send gateway.proxySecret as X-Drawbridge-Proxy-Secret';

/** Whoever sets up a proxy reads the answer, not the log. */
const forOperator = (answer: Answer): Answer => {
  const description = `This address may not ask: ${strangerAdvice}`;
  return {
    ...answer,
    headers: { ...answer.headers, 'x-error': description },
    body: JSON.stringify({
      error: 'forbidden',
      error_description: description,
      error_id: answer.errorId,
    }),
  };
};

const oncePerMinute = <T>(clock: Clock, act: (value: T) => void): ((value: T) => void) => {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (value) => {
    const now = clock.now();
    if (now - lastMs >= 0 && now - lastMs < 60_000) return;
    lastMs = now;
    act(value);
  };
};
