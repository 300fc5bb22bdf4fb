import type { IncomingMessage, RequestListener } from 'node:http';
import { isAuthzUrl } from './authz-endpoint.ts';

export interface GatewayFrontParts {
  /** Answers the questions of other proxies. Never rejects. */
  readonly authz: (req: IncomingMessage, res: Parameters<RequestListener>[1]) => Promise<void>;
  /** Drawbridge's own pages and endpoints. */
  readonly otherwise: RequestListener;
}

/** Parts what is for services from what is for Drawbridge itself, before anything else looks at a request. */
export const createGatewayFront =
  ({ authz, otherwise }: GatewayFrontParts): RequestListener =>
  (req, res) => {
    if (isAuthzUrl(req.url ?? '')) void authz(req, res);
    else otherwise(req, res);
  };
