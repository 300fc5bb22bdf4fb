// Client certificates through a real HAProxy that terminates TLS, with the configuration of the documentation.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { type IssuedCertificate, openCertificateWorkshop } from '../support/client-certificates.ts';
import { documentedBlocks, withReplaced } from '../support/documented.ts';
import { startHaproxy } from '../support/haproxy.ts';
import type { RunningProxy } from '../support/nginx.ts';
import { formOf } from '../support/oauth-client.ts';
import { sampleClients, sampleTenant } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort, startTestServer, type TestServer } from '../support/test-server.ts';
import { type TlsRequest, tlsRequest } from '../support/tls-request.ts';

const describeHaproxy = findPart('haproxy') === undefined ? describe.skip : describe;

describeHaproxy('HAProxy with client certificates as documented', () => {
  const workshop = openCertificateWorkshop();
  let proxy: RunningProxy;
  let drawbridge: TestServer;
  let port = 0;
  let serverCa = '';
  let [robot, foreign, ended]: IssuedCertificate[] = [];

  beforeAll(async () => {
    const { authority } = await workshop;
    const [acme, other, servers] = [
      await authority('Acme'),
      await authority('Acme'),
      await authority('Servers'),
    ];
    robot = await acme.issue();
    foreign = await other.issue();
    ended = await acme.issue({ to: '20200101000000Z' });
    const own = await servers.issue({ san: 'DNS:localhost', usage: 'serverAuth' });
    serverCa = servers.ca;
    port = await freePort();
    const drawbridgePort = await freePort();
    drawbridge = await startTestServer({
      store: sqliteStore,
      tenants: {
        acme: sampleTenant({
          clients: [
            ...sampleClients,
            {
              client_id: 'robot',
              token_endpoint_auth_method: 'tls_client_auth',
              tls_client_auth_subject_dn: 'CN=robot',
              grant_types: ['client_credentials'],
            },
          ],
          certificates: { ca: `file:${acme.caFile}` },
        }),
      },
      settings: {
        server: {
          publicUrl: `https://localhost:${port}`,
          port: drawbridgePort,
          trustedProxies: ['127.0.0.1'],
        },
        clientCertificates: { from: 'haproxy', header: 'x-ssl-client-cert' },
      },
    });
    const [usual = ''] = documentedBlocks('reverse-proxies.md', 'haproxy');
    const [frontend = ''] = documentedBlocks('certificates.md', 'haproxy');
    const configuration = withReplaced(usual.replace(/^frontend https\n(?: .*\n)+/m, frontend), {
      ':443': `127.0.0.1:${port}`,
      '/etc/haproxy/example.com.pem': 'FOLDER/example.com.pem',
      '/etc/haproxy/acme-clients-ca.pem': acme.caFile,
      '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
    });
    proxy = await startHaproxy(configuration, port, { 'example.com.pem': own.cert + own.key });
  });
  afterAll(async () => {
    await proxy.stop();
    await drawbridge.close();
    await (await workshop).remove();
  });

  it('passes on the certificate of the client, and no header that a client has made', async () => {
    const statusOf = async (sent: Pick<TlsRequest, 'certificate' | 'headers'>): Promise<number> => {
      const form = formOf({ grant_type: 'client_credentials', client_id: 'robot' });
      return (await tlsRequest({ port, path: '/oauth/acme/token', ca: serverCa, form, ...sent })).status;
    };
    const der = (robot?.cert ?? '').replace(/-----[^-]+-----|\s/g, '');
    const headers = { 'x-ssl-client-cert': der };
    expect(await statusOf({ certificate: robot })).toBe(200);
    for (const certificate of [undefined, foreign, ended])
      for (const sent of [{ certificate }, { certificate, headers }]) expect(await statusOf(sent)).toBe(401);
  });
});
