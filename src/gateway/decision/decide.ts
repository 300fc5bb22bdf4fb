// Decides about one request: the service that it is for (services.ts, path-readings.ts: every path that a service may
// read in it), who calls (`callers/identify.ts`) at which tenant (choose-tenant.ts), and whether the rules allow it
// (rules.ts).
import { type Clock, epochSeconds } from '../../clock.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { isAppError } from '../../errors.ts';
import type { Caller, Decision, GatewayRequest, GatewayTenant, Identification } from '../gateway-types.ts';
import { judge, stricter, type Verdict } from './rules.ts';
import { forwardPath, type Placed, type Services } from './services.ts';

export interface DecideParts {
  readonly services: Services;
  readonly identify: (request: GatewayRequest, service: ServiceDefinition) => Promise<Identification>;
  /** The tenant at which a caller without a credential would sign in; undefined when several are possible. */
  readonly homeOf: (
    request: GatewayRequest,
    service: ServiceDefinition,
  ) => Promise<GatewayTenant | undefined>;
  readonly clock: Clock;
}

/** Decides about one request. Never rejects: a request that cannot be decided is refused as `unavailable`. */
export type Decide = (request: GatewayRequest) => Promise<Decision>;

/** Seconds, when the error names no time. */
const retryAfterSeconds = 5;

export const createDecide = (parts: DecideParts): Decide => {
  const decide = async (request: GatewayRequest): Promise<Decision> => {
    const placed = parts.services.place(request.host, request.path);
    if (placed === undefined) return { outcome: 'forbidden', reason: 'no_service' };
    if (placed.service === undefined) return { outcome: 'invalid', description: placed.description };
    const { service } = placed;
    const allowed = (who: { readonly caller?: Caller; readonly tenant?: GatewayTenant }): Decision => ({
      outcome: 'allowed',
      service,
      ...who,
      forwardPath: forwardPath(service, placed.asSent, request.search),
    });
    if (service.corsPreflight && isPreflight(request)) return allowed({});

    const found = await parts.identify(request, service);
    switch (found.status) {
      case 'known': {
        const { caller, tenant } = found;
        const verdict = judgeRequest(parts.clock, { request, placed, tenant, caller });
        if (verdict.verdict === 'deny') return { outcome: 'forbidden', reason: verdict.reason };
        if (verdict.verdict === 'step_up')
          return { outcome: 'step_up', service, tenant, demand: verdict.demand, caller };
        return verdict.verdict === 'sign_in'
          ? { outcome: 'forbidden', reason: 'no_rule' }
          : allowed({ caller, tenant });
      }
      case 'nothing': {
        const tenant = await parts.homeOf(request, service);
        const verdict = judgeRequest(parts.clock, { request, placed, tenant });
        if (verdict.verdict === 'deny') return { outcome: 'forbidden', reason: verdict.reason };
        return verdict.verdict === 'anyone'
          ? allowed(tenant === undefined ? {} : { tenant })
          : { outcome: 'sign_in', service, ...definedOnly({ tenant }) };
      }
      case 'bad': {
        const { scheme, error, description } = found;
        const tenant = await parts.homeOf(request, service);
        return {
          outcome: 'bad_credential',
          service,
          ...definedOnly({ tenant }),
          scheme,
          error,
          description,
        };
      }
      case 'throttled':
        return { outcome: 'throttled', retryAfterSeconds: found.retryAfterSeconds };
      case 'refused':
      case 'forbidden':
        return { outcome: found.status, reason: found.reason };
    }
  };

  return async (request) => {
    try {
      return await decide(request);
    } catch (cause) {
      if (isAppError(cause, 'forbidden')) return { outcome: 'forbidden', reason: cause.message };
      return {
        outcome: 'unavailable',
        retryAfterSeconds: (isAppError(cause) ? cause.retryAfterSeconds : undefined) ?? retryAfterSeconds,
        ...definedOnly({ description: isAppError(cause) ? cause.message : undefined }),
        cause,
      };
    }
  };
};

/** Fetch standard, section 3.2.2: a browser sends it without credentials, of its own accord. */
const isPreflight = ({ method, headers }: GatewayRequest): boolean =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined;

interface Judged {
  readonly request: GatewayRequest;
  readonly placed: Extract<Placed, { readonly service: ServiceDefinition }>;
  readonly tenant: GatewayTenant | undefined;
  readonly caller?: Caller;
}

/** The server's rules, and those with which the tenant narrows them. */
const judgeRequest = (clock: Clock, { request, placed, tenant, caller }: Judged): Verdict => {
  const { service, readings } = placed;
  const asked = {
    readings,
    method: request.method,
    letterCase: service,
    tenant: tenant?.definition.id,
    caller,
    nowSeconds: epochSeconds(clock),
  };
  const verdict = judge({ ...asked, rules: service.rules, resources: service.resources });
  const limits = tenant?.definition.gateway.services[service.name];
  if (limits === undefined) return verdict;
  if (!limits.enabled) return stricter(verdict, { verdict: 'deny', reason: 'tenant' });
  return limits.rules.length === 0
    ? verdict
    : stricter(verdict, judge({ ...asked, rules: limits.rules, resources: 'any' }));
};
