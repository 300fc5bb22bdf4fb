import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { noteOfRequest, runRequest } from '../current-request.ts';
import { definedOnly } from '../defined-only.ts';
import { hostOf, type IsSecureHost, servicePagesPath } from '../web/request-checks.ts';
import { isAuthzUrl } from './answer/authz-endpoint.ts';
import type { Services } from './decision/services.ts';
import type { ServiceProxy } from './proxy/service-proxy.ts';

export interface GatewayDispatchParts {
  /** Answers the authorization requests of other proxies. Never rejects. */
  readonly authz: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  readonly services: Pick<Services, 'isServicePath'>;
  readonly isSecure: IsSecureHost;
  readonly proxy: Pick<ServiceProxy, 'forward' | 'upgrade' | 'isForwarding'>;
  /** Drawbridge's own pages and endpoints. */
  readonly otherwise: RequestListener;
}

export interface GatewayDispatch {
  readonly answer: RequestListener;
  /** False: the request is for Drawbridge itself, which has no WebSockets. */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  readonly hasOwnLimits: (req: IncomingMessage) => boolean;
}

/**
 * Decides, before any other handler, whether a request comes from a proxy that asks, is for a service, or is for
 * Drawbridge itself. `server/routes.ts` has the addresses.
 */
export const createGatewayDispatch = ({
  authz,
  services,
  isSecure,
  proxy,
  otherwise,
}: GatewayDispatchParts): GatewayDispatch => {
  const isForService = (req: IncomingMessage): boolean => {
    const [path = ''] = (req.url ?? '').split('?');
    return !path.startsWith(servicePagesPath) && services.isServicePath(hostOf(req, isSecure), path);
  };
  return {
    answer: (req, res) => {
      const { 'user-agent': userAgent } = req.headers;
      runRequest({ channel: 'gateway', ...definedOnly({ userAgent }) }, () => {
        if (isAuthzUrl(req.url ?? '')) return void authz(req, res);
        if (isForService(req)) return void proxy.forward(req, res);
        noteOfRequest({ channel: 'protocol' }); // the router knows better of what the fast path does not answer
        otherwise(req, res);
      });
    },
    upgrade: (req, socket, head) => {
      // Caddy asks about a WebSocket in a request with the headers of the upgrade
      if (isAuthzUrl(req.url ?? '') || !isForService(req)) return false;
      void proxy.upgrade(req, socket, head);
      return true;
    },
    hasOwnLimits: proxy.isForwarding,
  };
};
