import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, describe, expect, it } from '@jest/globals';
import { askHealth } from '../../src/cli/healthcheck.ts';
import { openCertificateWorkshop } from '../support/client-certificates.ts';
import { startEchoService } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { basicAuthorization } from '../support/oauth-client.ts';
import { service } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort } from '../support/test-server.ts';
import { tlsRequest } from '../support/tls-request.ts';
import { useServer } from '../support/use-server.ts';

const workshop = await openCertificateWorkshop();
const authority = await workshop.authority('Server CA');
const ofServer = { san: 'DNS:localhost,IP:127.0.0.1', usage: 'serverAuth' };
const [first, second] = [await authority.issue(ofServer), await authority.issue(ofServer)];
const folder = mkdtempSync(join(tmpdir(), 'drawbridge-tls-'));
const [certFile, keyFile] = [join(folder, 'tls.pem'), join(folder, 'tls.key')];
copyFileSync(first.certFile, certFile);
copyFileSync(first.keyFile, keyFile);
const port = await freePort();
const publicUrl = `https://localhost:${port}`;
const echo = await startEchoService();
const server = await useServer({
  store: sqliteStore,
  settings: {
    server: { publicUrl, port },
    tls: { certFile, keyFile },
    gateway: {
      services: [
        serviceOf('files', {
          host: `files.localhost:${port}`,
          rules: [{ access: 'anyone' }],
          target: {
            url: echo.url,
            ...{ connectTimeoutMs: 2000, timeoutMs: 5000, idleTimeoutMs: 5000 },
            ...{ hostHeader: 'public', authorization: 'none' },
          },
        }),
      ],
    },
  },
});

const get = (
  path: string,
): Promise<{ readonly status: number; readonly body: string; readonly headers: object }> =>
  new Promise((resolve, reject) => {
    request(`${publicUrl}${path}`, { ca: authority.ca, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
      );
    })
      .once('error', reject)
      .end();
  });

/** The serial number of the certificate that the server shows, or the fault of the handshake. */
const handshake = (options: object = {}): Promise<string> =>
  new Promise((resolve) => {
    const socket: TLSSocket = connect({ port, host: 'localhost', ca: authority.ca, ...options }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code));
  });

const fingerprintOf = (thumbprint: string): string =>
  (Buffer.from(thumbprint, 'base64url').toString('hex').toUpperCase().match(/../g) ?? []).join(':');

afterAll(async () => {
  await echo.close();
  await workshop.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('TLS without a reverse proxy', () => {
  it('serves https, with HSTS, and says so in discovery', async () => {
    const { status, body, headers } = await get('/oauth/acme/.well-known/openid-configuration');
    expect(status).toBe(200);
    expect(JSON.parse(body).issuer).toBe(server.issuer('acme'));
    expect(headers).toMatchObject({ 'strict-transport-security': 'max-age=31536000' });
  });

  it('answers a request that offers another protocol as any other', async () => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    for (const more of [{ headers }, { headers: { ...headers, ...basicAuthorization(service) }, form }])
      expect((await tlsRequest({ port, path: '/oauth/acme/token', ca: authority.ca, ...more })).status).toBe(
        'form' in more ? 200 : 405,
      );
  });

  it('passes a WebSocket on to a service', async () => {
    const socket: TLSSocket = connect({ port, host: 'localhost', ca: authority.ca });
    socket.write(
      [
        `GET /socket HTTP/1.1`,
        `Host: files.localhost:${port}`,
        ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ].join('\r\n'),
    );
    const [head] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /);
  });

  it('is asked for its health by the command of containers', async () => {
    const settings = { host: '127.0.0.1', port, publicUrl } as Parameters<typeof askHealth>[0]['server']; // what it reads
    const management = { port: 0, host: '127.0.0.1', tenantLabels: 100 };
    expect(
      await askHealth({ server: settings, tls: { certFile, keyFile }, management }, '/healthz'),
    ).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('refuses TLS 1.1, and answers no plain request', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await handshake(old)).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    await expect(fetch(publicUrl.replace('https', 'http'))).rejects.toThrow();
  });

  it('shows a new certificate without a restart, once both files fit', async () => {
    expect(await handshake()).toBe(fingerprintOf(first.thumbprint));
    copyFileSync(second.certFile, certFile);
    await eventually(
      'the half is noticed',
      () => server.logLines().some((line) => line.includes('the TLS certificate in use stays')),
      10_000,
    );
    expect(await handshake()).toBe(fingerprintOf(first.thumbprint));
    copyFileSync(second.keyFile, keyFile);
    await eventually(
      'the new one is shown',
      async () => (await handshake()) === fingerprintOf(second.thumbprint),
      10_000,
    );
    expect(server.logLines().join('')).not.toContain('PRIVATE KEY');
  });
});
