import Koa, { type Context, type Middleware } from 'koa';
import { adminApiPath } from '../admin/api/operation.ts';
import { apiPath } from '../self-service/api/operation.ts';
import { issuerOf } from '../tenants/issuer.ts';
import { createErrorBoundary } from '../web/error-boundary.ts';
import { createLanguageCookie } from '../web/language-switch.ts';
import { createRequestChecks } from '../web/request-checks.ts';
import { requestFacts } from '../web/request-facts.ts';
import { createRequestLog } from '../web/request-log.ts';
import { createSecurityHeaders } from '../web/security-headers.ts';
import { createBoundAnswers } from './bound-answers.ts';
import { createAliasCheck } from './endpoint-aliases.ts';
import { definitionOf, lookOfRequest } from './request-tenant.ts';
import { createRouter } from './router.ts';
import type { ServerParts } from './server-parts.ts';

/** The handlers of a request, in this order. The table of addresses is in `routes.ts`. */
export const createApp = (parts: ServerParts): Koa => {
  const { settings, hosts, pages, log } = parts;
  const { publicUrl, trustedProxies, hstsIncludeSubDomains: includeSubDomains } = settings.server;
  const homeUrl = (ctx: Context): string => {
    const definition = definitionOf(ctx);
    return definition === undefined ? `${publicUrl}/` : issuerOf(definition, publicUrl);
  };

  const app = new Koa();
  app.silent = true; // what a handler throws was logged by the error boundary
  app.use(createRequestLog(parts));
  app.use(createSecurityHeaders({ isSecure: hosts.isSecure, includeSubDomains }));
  app.use(createErrorBoundary({ pages, log, look: lookOfRequest, homeUrl }));
  app.use(preferJson);
  app.use(
    createRequestChecks({
      hostsAllowed: hosts.all,
      serviceHosts: parts.gateway.services.hosts,
      trustedProxies,
      log,
      isSecure: hosts.isSecure,
    }),
  );
  app.use(createAliasCheck(hosts));
  app.use(createLanguageCookie({ isSecure: hosts.isSecure }));
  app.use(createRouter(createBoundAnswers(parts)));
  return app;
};

const apiForm = new RegExp(`^/oauth/[^/]+${apiPath}(?:/|$)`);

/** Below the APIs there are no pages, for any `Accept`, also where there is nothing. */
const preferJson: Middleware = (ctx, next) => {
  const isAdmin = `${ctx.path}/`.startsWith(`${adminApiPath}/`);
  if (isAdmin) requestFacts(ctx).hasProblemDetails = true;
  if (isAdmin || apiForm.test(ctx.path)) ctx.req.headers.accept = 'application/json';
  return next();
};
