import { startCaddy } from './caddy.ts';
import { documentedBlocks, withReplaced } from './documented.ts';
import { type RunningProxy, startNginx } from './nginx.ts';
import type { ProxyPlaces } from './proxied-service.ts';

/** nginx with the page's own configuration, with other addresses and without TLS. */
export const startDocumentedNginx = ({
  port,
  drawbridgePort,
  servicePort,
}: ProxyPlaces): Promise<RunningProxy> => {
  const [block = ''] = documentedBlocks('gateway/nginx.md', 'nginx');
  const http = withReplaced(block.replace(/^\s*ssl_certificate.*$/gm, ''), {
    'listen 443 ssl;': `listen 127.0.0.1:${port};`,
    '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
    '127.0.0.1:8080': `127.0.0.1:${servicePort}`,
    'https://orders.example.com$': `http://127.0.0.1:${port}$`,
  });
  return startNginx(http, port);
};

/** Caddy with the page's own Caddyfile, with other addresses and without TLS. */
export const startDocumentedCaddy = ({
  port,
  drawbridgePort,
  servicePort,
}: ProxyPlaces): Promise<RunningProxy> => {
  const [block = ''] = documentedBlocks('gateway/caddy.md', 'caddyfile');
  const site = withReplaced(block, {
    'orders.example.com {': `http://127.0.0.1:${port} {\n\tbind 127.0.0.1`,
    '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
    '127.0.0.1:8080': `127.0.0.1:${servicePort}`,
  });
  return startCaddy(site, port);
};
