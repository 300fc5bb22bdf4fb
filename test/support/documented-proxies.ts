import { startCaddy } from './caddy.ts';
import { documentedBlocks, withReplaced } from './documented.ts';
import { startHaproxy } from './haproxy.ts';
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

/** HAProxy with the page's own script and configuration, with other addresses and without TLS. */
export const startDocumentedHaproxy = ({
  port,
  drawbridgePort,
  servicePort,
}: ProxyPlaces): Promise<RunningProxy> => {
  const [script = ''] = documentedBlocks('gateway/haproxy.md', 'lua');
  const [block = ''] = documentedBlocks('gateway/haproxy.md', 'haproxy');
  const configuration = withReplaced(block, {
    '/etc/haproxy/drawbridge.lua': 'FOLDER/drawbridge.lua',
    ':443 ssl crt /etc/haproxy/orders.example.com.pem': `127.0.0.1:${port}`,
    'lua.drawbridge orders.example.com': `lua.drawbridge 127.0.0.1:${port}`,
    '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
    '127.0.0.1:8080': `127.0.0.1:${servicePort}`,
  });
  const plain = { '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`, '{ "https" }': '{ "http" }' };
  return startHaproxy(configuration, port, { 'drawbridge.lua': withReplaced(script, plain) });
};
