import type { IncomingMessage } from 'node:http';
import type { ServiceDefinition, ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { normalOrigin } from '../../protocol/authority.ts';
import type { ClientCertificates } from '../../web/client-certificates.ts';
import type { RequestOrigin } from '../../web/request-checks.ts';
import { type Answer, answerTo, problemAnswer } from '../answer/answers.ts';
import { type DecisionFacts, factsOf } from '../answer/decision-facts.ts';
import { introduce } from '../answer/introduction.ts';
import type { ServiceTokens } from '../answer/service-token.ts';
import {
  certificateFingerprint,
  certificateHeader,
  presentedCertificate,
} from '../callers/client-certificate.ts';
import type { Decide } from '../decision/decide.ts';
import type { Services } from '../decision/services.ts';
import type { Caller, Decision, GatewayRequest, GatewayTenant, SignInDemand } from '../gateway-types.ts';
import { type OutgoingRequest, outgoingRequest } from './outgoing-request.ts';
import type { TargetConnection } from './target-connection.ts';

export interface AdmissionParts {
  readonly decide: Decide;
  /** Absolute URL at which a browser signs in for this request. */
  readonly signInUrl: (request: GatewayRequest, decision: SignInDemand) => string;
  readonly serviceTokens: ServiceTokens;
  readonly services: Pick<Services, 'originOf'>;
  /** By the service's name. */
  readonly connections: ReadonlyMap<string, TargetConnection>;
  readonly isUp: (service: string) => boolean;
  /** The secret by which a proxy in front proves that it has set the header with the client certificate. */
  readonly proxySecret?: string | undefined;
  readonly certificates: ClientCertificates;
  /** Headers for each forwarded request, beside the identity. */
  readonly gatewayHeaders: Readonly<Record<string, string>>;
}

/** A request that is forwarded to its service. */
export interface Admitted {
  readonly request: GatewayRequest;
  readonly service: ServiceDefinition;
  readonly target: ServiceTarget;
  readonly connection: TargetConnection;
  readonly caller?: Caller | undefined;
  readonly tenant?: GatewayTenant | undefined;
  readonly outgoing: OutgoingRequest;
}

export type Admission =
  | { readonly isAdmitted: true; readonly admitted: Admitted; readonly facts: DecisionFacts }
  | {
      readonly isAdmitted: false;
      readonly answer: Answer;
      readonly facts: DecisionFacts;
      /** The cause of a failure that is not a fault of the request. */
      readonly cause?: unknown;
    };

export interface Asked {
  readonly req: IncomingMessage;
  readonly client: RequestOrigin;
  readonly isUpgrade: boolean;
}

/** Decides about the request, and makes the request for the service. */
export type Admit = (asked: Asked) => Promise<Admission>;

export const createAdmit =
  (parts: AdmissionParts): Admit =>
  async (asked) => {
    const request = gatewayRequestOf(asked, parts);
    if ('outcome' in request) return refused(request, asked.req);
    const decision = await parts.decide(request);
    if (decision.outcome !== 'allowed')
      return refused(decision, request, (demand) => parts.signInUrl(request, demand));
    const { service, caller, tenant, forwardPath } = decision;
    const origin = parts.services.originOf(service);
    if (asked.isUpgrade && isForeignPage(request, { caller, origin }))
      return refused({ outcome: 'forbidden', reason: 'foreign_origin' }, request);
    const { target } = service;
    const connection = parts.connections.get(service.name);
    const facts = factsOf(decision);
    if (target === undefined || connection === undefined)
      return { isAdmitted: false, answer: problemAnswer(notHere), facts };
    if (!parts.isUp(service.name)) return { isAdmitted: false, answer: problemAnswer(isDown), facts };
    const { req, client, isUpgrade } = asked;
    const { identity, token, withheld, cut } = await introduce(decision, {
      serviceTokens: parts.serviceTokens,
      requestId: client.requestId,
    });
    const outgoing = outgoingRequest({
      ...client,
      req,
      service,
      target,
      targetHost: connection.url.host,
      basePath: connection.basePath,
      forwardPath,
      identity: { ...identity, ...parts.gatewayHeaders },
      token,
      withheld: [...withheld, ...definedHeaders(parts.certificates)],
      isSecure: origin.startsWith('https:'),
      isUpgrade,
    });
    return {
      isAdmitted: true,
      admitted: { request, service, target, connection, caller, tenant, outgoing },
      facts: { ...facts, ...definedOnly({ cut }) },
    };
  };

const definedHeaders = ({ header }: ClientCertificates): readonly string[] =>
  header === undefined ? [] : [header];

type Invalid = Extract<Decision, { readonly outcome: 'invalid' }>;

const gatewayRequestOf = (
  { req, client }: Asked,
  { proxySecret, certificates }: Pick<AdmissionParts, 'proxySecret' | 'certificates'>,
): GatewayRequest | Invalid => {
  const { method = '', url = '', headers } = req;
  const { host, address, requestId } = client;
  if (host === '') return { outcome: 'invalid', description: 'The request must name one host' };
  if (!/^\/[^\s#]*$/.test(url))
    return { outcome: 'invalid', description: 'The request target must be a path' };
  // a TRACE would send the headers about the caller back
  if (method === 'TRACE') return { outcome: 'invalid', description: 'TRACE is not passed on' };
  const query = url.indexOf('?');
  const fingerprint = certificateFingerprint(headers[certificateHeader], proxySecret);
  return {
    method,
    host,
    path: query < 0 ? url : url.slice(0, query),
    search: query < 0 ? '' : url.slice(query),
    headers,
    address,
    requestId,
    ...definedOnly({
      certificateFingerprint: fingerprint,
      certificate: presentedCertificate(certificates, req),
    }),
    isOwnProxy: true,
  };
};

/**
 * Browsers let any page open a WebSocket to any host, with cookies, remembered passwords and certificates: only the service's own
 * pages may use them (RFC 6455 section 10.2).
 */
const isForeignPage = (
  { headers }: GatewayRequest,
  { caller, origin }: { readonly caller: Caller | undefined; readonly origin: string },
): boolean =>
  (caller?.method === 'session' ||
    caller?.method === 'basic' ||
    caller?.method === 'certificate' ||
    isRememberedKey(headers, caller)) &&
  headers.origin !== undefined &&
  normalOrigin(headers.origin) !== origin;

/** Browsers remember a key that was typed as a password. */
const isRememberedKey = (
  { authorization = '' }: GatewayRequest['headers'],
  caller: Caller | undefined,
): boolean => caller?.method === 'apikey' && /^basic /i.test(authorization);

const refused = (
  decision: Exclude<Decision, { readonly outcome: 'allowed' }>,
  {
    method = '',
    headers,
  }: { readonly method?: string | undefined; readonly headers: GatewayRequest['headers'] },
  signInUrl?: (demand: SignInDemand) => string,
): Admission => ({
  isAdmitted: false,
  answer: answerTo(decision, {
    dialect: {},
    request: { method, headers },
    ...definedOnly({ signInUrl }),
  }),
  facts: factsOf(decision),
  ...(decision.outcome === 'unavailable' ? { cause: decision.cause } : {}),
});

const notHere = {
  status: 404,
  code: 'not_found',
  description: 'There is nothing at this address',
} as const;

const isDown = {
  status: 502,
  code: 'service_down',
  description: 'The service is down; it is looked at again and again',
  retryAfterSeconds: 5,
} as const;
