// Numbers for Prometheus. They are kept only where a management listener shows them (`management.port`).
//   metrics.ts           what is counted as it happens
//   state-metrics.ts     what is looked at when the numbers are asked for
//   measured-storage.ts  times each call to the store

import { METHODS } from 'node:http';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { PasswordCheck } from '../../connectors/measured-connector.ts';
import { isAppError } from '../../errors.ts';
import { grantTypes } from '../../protocol/grant-types.ts';
import type { TenantParts } from '../../tenants/tenant.ts';
import type { AnsweredRequest } from '../../web/request-log.ts';
import { routes } from '../routes.ts';

export interface Metrics {
  readonly registry: Registry;
  readonly requestAnswered: (answered: AnsweredRequest) => void;
  /** @param part of the storage port, such as `accounts` */
  storeAnswered(part: string, call: { readonly seconds: number; readonly error?: unknown }): void;
  readonly grantAnswered: NonNullable<TenantParts['onGrant']>;
  auditNoted(event: { readonly tenant: string; readonly action: string; readonly outcome: string }): void;
  readonly passwordChecked: (check: PasswordCheck) => void;
  /** @param queue `logout` or `mail` */
  attemptMade(queue: string, outcome: string): void;
}

export interface MetricsOptions {
  /** The value of the label `tenant`: empty where there are more tenants than the operator wants to tell apart. */
  readonly tenantLabel: (tenant: string) => string;
}

/** Paths and methods that nobody has foreseen share one label: a stranger must not make labels. */
const other = 'other';
const knownGrants: ReadonlySet<string> = new Set([...grantTypes, '']);
const knownRoutes: ReadonlySet<string> = new Set(
  routes.flatMap(({ path }) => [path, path.replace(/\{.*$/, '')]),
);

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export const createMetrics = ({ tenantLabel }: MetricsOptions): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'drawbridge_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['route', 'method', 'status', 'tenant'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'drawbridge_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['route'],
    buckets: seconds,
    registers,
  });
  const decisions = new Counter({
    name: 'drawbridge_gateway_decisions_total',
    help: 'Decisions of the gateway.',
    labelNames: ['service', 'outcome', 'tenant'],
    registers,
  });
  const storeSeconds = new Histogram({
    name: 'drawbridge_store_seconds',
    help: 'Time of a call to the store.',
    labelNames: ['part'],
    buckets: seconds,
    registers,
  });
  const storeErrors = new Counter({
    name: 'drawbridge_store_errors_total',
    help: 'Calls to the store that failed.',
    labelNames: ['part', 'code'],
    registers,
  });
  const grants = new Counter({
    name: 'drawbridge_grants_total',
    help: 'Answers of the token endpoint, by grant type; the outcome is `success` or the error code.',
    labelNames: ['grant_type', 'outcome', 'tenant'],
    registers,
  });
  const auditRecords = new Counter({
    name: 'drawbridge_audit_events_total',
    help: 'Events of the audit record, sign-ins and factors among them, by action and outcome.',
    labelNames: ['action', 'outcome', 'tenant'],
    registers,
  });
  const sourceSeconds = new Histogram({
    name: 'drawbridge_source_seconds',
    help: 'Time in which a source of people checked a password.',
    labelNames: ['source', 'outcome', 'tenant'],
    buckets: seconds,
    registers,
  });
  const attempts = new Counter({
    name: 'drawbridge_outbox_attempts_total',
    help: 'Attempts to deliver a logout token or a mail.',
    labelNames: ['queue', 'outcome'],
    registers,
  });
  // a series that begins with its first failure shows no increase
  for (const queue of ['logout', 'mail'])
    for (const outcome of ['delivered', 'pending', 'failed']) attempts.inc({ queue, outcome }, 0);

  return {
    registry,
    requestAnswered: ({ method, route, status, ms, tenant = '', service, outcome }) => {
      const labels = { route: knownRoutes.has(route) ? route : other, tenant: tenantLabel(tenant) };
      requests.inc({ ...labels, method: METHODS.includes(method) ? method : other, status });
      requestSeconds.observe({ route: labels.route }, ms / 1000);
      if (outcome !== undefined) decisions.inc({ service: service ?? '', outcome, tenant: labels.tenant });
    },
    storeAnswered: (part, call) => {
      storeSeconds.observe({ part }, call.seconds);
      if (call.error !== undefined)
        storeErrors.inc({ part, code: isAppError(call.error) ? call.error.code : 'fault' });
    },
    grantAnswered: ({ tenant, grantType, outcome }) =>
      grants.inc({
        grant_type: knownGrants.has(grantType) ? grantType : other,
        outcome,
        tenant: tenantLabel(tenant),
      }),
    auditNoted: ({ tenant, action, outcome }) =>
      auditRecords.inc({ action, outcome, tenant: tenantLabel(tenant) }),
    passwordChecked: ({ tenant, source, outcome, seconds: spent }) =>
      sourceSeconds.observe({ source, outcome, tenant: tenantLabel(tenant) }, spent),
    attemptMade: (queue, outcome) => attempts.inc({ queue, outcome }),
  };
};
