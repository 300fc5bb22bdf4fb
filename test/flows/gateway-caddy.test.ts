import { describe } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { startCaddy } from '../support/caddy.ts';
import { documentedBlocks, withReplaced } from '../support/documented.ts';
import { defineProxyClauses } from '../support/gateway-proxy.clauses.ts';
import type { RunningProxy } from '../support/nginx.ts';
import type { ProxyPlaces } from '../support/proxied-service.ts';

/** The page's own Caddyfile, with the addresses of the test and without TLS. */
const startDocumented = ({ port, drawbridgePort, servicePort }: ProxyPlaces): Promise<RunningProxy> => {
  const [block = ''] = documentedBlocks('gateway/caddy.md', 'caddyfile');
  const site = withReplaced(block, {
    'orders.example.com {': `http://127.0.0.1:${port} {\n\tbind 127.0.0.1`,
    '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
    '127.0.0.1:8080': `127.0.0.1:${servicePort}`,
  });
  return startCaddy(site, port);
};

const describeCaddy = findPart('caddy') === undefined ? describe.skip : describe;

describeCaddy('Caddy as documented', () => {
  defineProxyClauses({
    startProxy: startDocumented,
    throttledStatus: 429,
    downStatus: 502,
    invalidStatus: 400,
    hidesCookie: true,
    tellsErrors: true,
  });
});
