import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { startApache } from '../support/apache.ts';
import { createBrowser } from '../support/browser.ts';
import { startCaddy } from '../support/caddy.ts';
import { certificateHeaders } from '../support/certificate-headers.ts';
import { documentedBlocks, withReplaced } from '../support/documented.ts';
import { type EchoService, startEchoService } from '../support/echo-service.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { startHaproxy } from '../support/haproxy.ts';
import { type RunningProxy, startNginx } from '../support/nginx.ts';
import { tokensFor, userinfo } from '../support/oauth-client.ts';
import { openWebSocket } from '../support/open-web-socket.ts';
import { rawRequest } from '../support/raw-http.ts';
import { sampleTenant, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort, startTestServer, type TestServer } from '../support/test-server.ts';

interface Ports {
  readonly port: number;
  readonly drawbridgePort: number;
}

const documented = (language: string): string => {
  const [block = ''] = documentedBlocks('reverse-proxies.md', language);
  return block;
};

const nginxBlock = ({ port, drawbridgePort }: Ports): string =>
  withReplaced(documented('nginx').replace(/^\s*ssl_certificate.*$/gm, ''), {
    'listen 443 ssl;': `listen 127.0.0.1:${port};`,
    '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
    'id.example.com files.example.com': 'localhost files.localhost',
  });

const proxies = {
  nginx: (ports: Ports) => startNginx(nginxBlock(ports), ports.port),
  caddy: ({ port, drawbridgePort }: Ports) =>
    startCaddy(
      withReplaced(documented('caddyfile'), {
        'id.example.com, files.example.com {': `http://localhost:${port}, http://files.localhost:${port} {\n\tbind 127.0.0.1`,
        '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
      }),
      port,
    ),
  haproxy: ({ port, drawbridgePort }: Ports) =>
    startHaproxy(
      withReplaced(documented('haproxy'), {
        ':443 ssl crt /etc/haproxy/example.com.pem': `127.0.0.1:${port}`,
        '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
      }),
      port,
    ),
  apache: ({ port, drawbridgePort }: Ports) =>
    startApache(
      withReplaced(documented('apache').replace(/^\s*SSL.*$/gm, ''), {
        '<VirtualHost *:443>': `<VirtualHost 127.0.0.1:${port}>`,
        'ServerName id.example.com': 'ServerName localhost',
        'ServerAlias files.example.com': 'ServerAlias files.localhost',
        '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
      }),
      port,
    ),
};

const names = Object.keys(proxies) as (keyof typeof proxies)[];

const openService = (target: EchoService, port: number): ServiceDefinition =>
  serviceOf('files', {
    host: `files.localhost:${port}`,
    tenants: ['acme'],
    rules: [{ access: 'anyone' }],
    target: {
      url: target.url,
      connectTimeoutMs: 2000,
      timeoutMs: 5000,
      idleTimeoutMs: 5000,
      hostHeader: 'public',
      authorization: 'none',
    },
  });

for (const name of names)
  (findPart(name) === undefined ? describe.skip : describe)(`Drawbridge behind ${name} as documented`, () => {
    let ports: Ports;
    let echo: EchoService;
    let drawbridge: TestServer;
    let proxy: RunningProxy;

    beforeAll(async () => {
      ports = { port: await freePort(), drawbridgePort: await freePort() };
      echo = await startEchoService();
      drawbridge = await startTestServer({
        store: sqliteStore,
        tenants: { acme: sampleTenant() },
        settings: {
          server: {
            publicUrl: `http://localhost:${ports.port}`,
            port: ports.drawbridgePort,
            trustedProxies: ['127.0.0.1'],
          },
          gateway: { services: [openService(echo, ports.port)] },
        },
      });
      proxy = await proxies[name](ports);
    });
    afterAll(async () => {
      await proxy.stop();
      await drawbridge.close();
      await echo.close();
    });

    it('signs a user in at the public address', async () => {
      const issuer = drawbridge.issuer('acme');
      expect(new URL(issuer).port).toBe(String(ports.port));
      const tokens = await tokensFor(createBrowser(), { issuer, client: web, scope: 'openid profile' });
      expect((await userinfo(issuer, tokens.access_token)).body).toMatchObject({ name: 'Alice Adams' });
    });

    it('passes uploads, paths and WebSockets to a service as they came, and no forged address', async () => {
      const body = 'x'.repeat(3_000_000);
      const path = '/a%2Fb/c%20d?q=%C3%A4';
      const host = `files.localhost:${ports.port}`;
      const answer = await rawRequest({
        port: ports.port,
        method: 'PUT',
        target: path,
        headers: [`Host: ${host}`, 'X-Forwarded-Host: forged.example', 'X-Forwarded-For: 203.0.113.9'],
        body,
      });
      expect(answer.status).toBe(200);
      const [seen = '{}'] = /\{.*\}/s.exec(answer.body) ?? [];
      expect(JSON.parse(seen)).toMatchObject({
        url: path,
        bodyBytes: body.length,
        headers: { host, 'x-forwarded-host': host, 'x-forwarded-for': '127.0.0.1' },
      });
      const socket = await openWebSocket({ port: ports.port, path: '/socket', headers: { host } });
      expect(socket.status).toBe(101);
      expect(await socket.echo('hello')).toBe('hello');
      socket.close();
    });

    it('passes no certificate that a client sends', async () => {
      const answer = await rawRequest({
        port: ports.port,
        target: '/',
        headers: [
          `Host: files.localhost:${ports.port}`,
          ...certificateHeaders.flatMap((header) => [`${header}: forged`, `${header}: forged again`]),
        ],
      });
      expect(answer.status).toBe(200);
      expect(answer.body).not.toContain('forged');
    });
  });

(findPart('nginx') === undefined ? describe.skip : describe)('a proxy that does not pass Host', () => {
  it('gets 421, which says the host that is expected', async () => {
    const ports = { port: await freePort(), drawbridgePort: await freePort() };
    const publicUrl = `http://localhost:${ports.port}`;
    const drawbridge = await startTestServer({
      store: sqliteStore,
      tenants: { acme: sampleTenant() },
      settings: { server: { publicUrl, port: ports.drawbridgePort } },
    });
    const block = withReplaced(nginxBlock(ports), { 'proxy_set_header Host $http_host;': '' });
    const proxy = await startNginx(block, ports.port);
    try {
      const answer = await fetch(`${publicUrl}/oauth/acme/.well-known/openid-configuration`);
      expect(answer.status).toBe(421);
      expect(answer.headers.get('x-error')).toContain(`localhost:${ports.port}`);
    } finally {
      await proxy.stop();
      await drawbridge.close();
    }
  });
});
