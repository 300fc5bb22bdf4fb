import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';
import { createRequestOriginOf } from '../web/request-checks.ts';
import { logAnswer } from '../web/request-log.ts';

export interface ProtocolLaneParts {
  readonly tenants: TenantRegistry<Tenant>;
  readonly trustedProxies: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Answers whatever does not belong on the lane. */
  readonly otherwise: RequestListener;
}

/** Exactly these, without a query: what programs ask for many times a second. */
const laneTarget =
  /^\/oauth\/([a-z0-9][a-z0-9-]{0,62})(\/token|\/token\/introspection|\/token\/revocation|\/me|\/jwks|\/\.well-known\/openid-configuration|\/\.well-known\/oauth-authorization-server)$/;

/**
 * A short way to a warm tenant's provider for requests that programs make. It asks the front door's questions about
 * caller and host, and takes a request only when every answer is the usual one: anything else, also whoever reads
 * HTML, goes the long way, which knows how to refuse.
 */
export const createProtocolLane = (parts: ProtocolLaneParts): RequestListener => {
  const { tenants, log } = parts;
  const originOf = createRequestOriginOf(parts.trustedProxies);

  return (req, res) => {
    const [, id, path] = laneTarget.exec(req.url ?? '') ?? [];
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
    setHeaders(res, { requestId, isSecure: tenant.provider.isSecure });
    if (req.method === 'GET' && tenant.provider.prepared.answer(req, res, path)) return;
    const facts = { address, requestId, locale: tenant.definition.locale };
    tenant.provider.handle(req, res, { path, facts }).catch((err: unknown) => {
      log.error({ err, requestId, tenant: id }, 'a protocol request broke off');
      res.destroy();
    });
  };
};

const readsHtml = ({ headers }: IncomingMessage): boolean => /text\/(?:html|\*)/i.test(headers.accept ?? '');

/** For answers that no browser shows as a page. */
const setHeaders = (
  res: ServerResponse,
  { requestId, isSecure }: { readonly requestId: string; readonly isSecure: boolean },
): void => {
  res.setHeader('X-Request-Id', requestId);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Cache-Control', 'no-store');
  if (isSecure) res.setHeader('Strict-Transport-Security', 'max-age=31536000');
};
