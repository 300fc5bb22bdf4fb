import type { IncomingMessage, RequestListener } from 'node:http';
import { tenantIdPattern } from '../protocol/tenant-id.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';
import { createRequestOriginOf, type RequestOriginOptions } from '../web/request-checks.ts';
import { logAnswer, type RequestLogOptions } from '../web/request-log.ts';
import { createHeaderSetter } from '../web/security-headers.ts';
import { routes } from './routes.ts';

export interface ProtocolFastPathParts extends RequestOriginOptions, RequestLogOptions {
  readonly tenants: TenantRegistry<Tenant>;
  /** Of Strict-Transport-Security. */
  readonly includeSubDomains: boolean;
  /** Answers every request that is not for the fast path. */
  readonly otherwise: RequestListener;
}

/**
 * Passes the requests that programs make many times a second directly to the provider of a tenant that is built. It
 * checks client and host as `createRequestChecks` does, and takes a request only when every check succeeds: all others,
 * also those of clients that read HTML, pass through all of `app.ts`, which can refuse them.
 */
export const createProtocolFastPath = (parts: ProtocolFastPathParts): RequestListener => {
  const { tenants, log } = parts;
  const originOf = createRequestOriginOf(parts);
  const setHeaders = createHeaderSetter('programs', parts);
  const fastTarget = createFastTarget();

  return (req, res) => {
    const [, id, path] = fastTarget.exec(req.url ?? '') ?? [];
    const isUsual = id !== undefined && path !== undefined && (req.method === 'POST' || req.method === 'GET');
    const tenant = isUsual && !readsHtml(req) ? tenants.findWarm(id) : undefined;
    const origin = tenant === undefined ? undefined : originOf(req);
    if (tenant === undefined || path === undefined || origin?.host !== tenant.provider.host) {
      parts.otherwise(req, res);
      return;
    }
    const { requestId, address } = origin;
    const line = { requestId, method: req.method ?? '', route: `/oauth/:tenant${path}`, address, tenant: id };
    logAnswer(parts, res, () => line);
    res.setHeader('X-Request-Id', requestId);
    setHeaders(res, tenant.provider.isSecure);
    if (req.method === 'GET' && tenant.provider.prepared.answer(req, res, path)) return;
    const facts = { address, requestId, locale: tenant.definition.locale };
    tenant.provider.handle(req, res, { path, facts }).catch((err: unknown) => {
      log.error({ err, requestId, tenant: id }, 'a protocol request broke off');
      res.destroy();
    });
  };
};

/** Exactly the fast rows of the table, without a query, as one expression. */
const createFastTarget = (): RegExp => {
  const below = routes
    .filter(({ isFast }) => isFast)
    .map(({ path }) => path.replace(/^\/oauth\/:tenant/, '').replaceAll('.', '\\.'));
  return new RegExp(`^/oauth/(${tenantIdPattern})(${below.join('|')})$`);
};

const readsHtml = ({ headers }: IncomingMessage): boolean => /text\/(?:html|\*)/i.test(headers.accept ?? '');
