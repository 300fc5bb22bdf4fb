import { describe } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { documentedBlocks, withReplaced } from '../support/documented.ts';
import { defineProxyClauses } from '../support/gateway-proxy.clauses.ts';
import { type RunningProxy, startNginx } from '../support/nginx.ts';
import type { ProxyPlaces } from '../support/proxied-service.ts';

/** The page's own configuration, with the addresses of the test and without TLS. */
const startDocumented = ({ port, drawbridgePort, servicePort }: ProxyPlaces): Promise<RunningProxy> => {
  const [block = ''] = documentedBlocks('gateway/nginx.md', 'nginx');
  const http = withReplaced(block.replace(/^\s*ssl_certificate.*$/gm, ''), {
    'listen 443 ssl;': `listen 127.0.0.1:${port};`,
    '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
    '127.0.0.1:8080': `127.0.0.1:${servicePort}`,
    'https://orders.example.com$': `http://127.0.0.1:${port}$`,
  });
  return startNginx(http, port);
};

const describeNginx = findPart('nginx') === undefined ? describe.skip : describe;

describeNginx('nginx as documented', () => {
  defineProxyClauses({
    startProxy: startDocumented,
    throttledStatus: 403,
    downStatus: 500,
    invalidStatus: 500,
    hidesCookie: true,
    tellsErrors: true,
  });
});
