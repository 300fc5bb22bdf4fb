// Client certificates through a real nginx that terminates TLS, with the configurations of the documentation.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { type IssuedCertificate, openCertificateWorkshop } from '../support/client-certificates.ts';
import { documentedBlocks, withReplaced } from '../support/documented.ts';
import { type EchoService, startEchoService } from '../support/echo-service.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { type RunningProxy, startNginx } from '../support/nginx.ts';
import { formOf, type TokenBody } from '../support/oauth-client.ts';
import { ordersResource, sampleClients, sampleTenant } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort, startTestServer, type TestServer } from '../support/test-server.ts';
import { type TlsRequest, tlsRequest } from '../support/tls-request.ts';

type Sent = Pick<TlsRequest, 'host' | 'certificate' | 'headers'>;

const describeNginx = findPart('nginx') === undefined ? describe.skip : describe;

describeNginx('nginx with client certificates as documented', () => {
  const workshop = openCertificateWorkshop();
  let echo: EchoService;
  let drawbridge: TestServer;
  const proxies: RunningProxy[] = [];
  let [port, authPort, drawbridgePort] = [0, 0, 0];
  let [robot, stranger, foreign]: IssuedCertificate[] = [];
  let serverCa = '';

  const tls = ({ certFile, keyFile }: IssuedCertificate): Readonly<Record<string, string>> => ({
    '/etc/ssl/example.com.pem': certFile,
    '/etc/ssl/private/example.com.key': keyFile,
  });

  beforeAll(async () => {
    const { authority } = await workshop;
    const [acme, other, servers] = [
      await authority('Acme'),
      await authority('Acme'),
      await authority('Servers'),
    ];
    robot = await acme.issue({ subject: '/O=Acme/CN=robot' });
    stranger = await acme.issue({ subject: '/O=Acme/CN=stranger' });
    foreign = await other.issue({ subject: '/O=Acme/CN=robot' });
    const own = await servers.issue({ san: 'DNS:localhost,DNS:files.localhost', usage: 'serverAuth' });
    serverCa = servers.ca;
    [port, authPort, drawbridgePort] = [await freePort(), await freePort(), await freePort()];
    echo = await startEchoService();
    const shared = { tenants: ['acme'], rules: [{ access: 'allow' as const }] };
    drawbridge = await startTestServer({
      store: sqliteStore,
      tenants: {
        acme: sampleTenant({
          clients: [
            ...sampleClients,
            {
              client_id: 'robot',
              token_endpoint_auth_method: 'tls_client_auth',
              tls_client_auth_subject_dn: 'CN=robot,O=Acme',
              tls_client_certificate_bound_access_tokens: true,
              grant_types: ['client_credentials'],
              firstParty: true,
            },
          ],
          certificates: {
            ca: `file:${acme.caFile}`,
            machines: [{ subject: 'CN=robot,O=Acme', user: 'robot' }],
          },
        }),
      },
      settings: {
        server: {
          publicUrl: `https://localhost:${port}`,
          port: drawbridgePort,
          trustedProxies: ['127.0.0.1'],
        },
        clientCertificates: { from: 'nginx', header: 'x-ssl-client-cert' },
        gateway: {
          services: [
            serviceOf('files', {
              ...shared,
              host: `files.localhost:${port}`,
              resources: [ordersResource],
              target: {
                url: echo.url,
                connectTimeoutMs: 2000,
                timeoutMs: 5000,
                idleTimeoutMs: 5000,
                hostHeader: 'public',
                authorization: 'none',
              },
            }),
            serviceOf('orders', { ...shared, host: `localhost:${authPort}` }),
          ],
        },
      },
    });
    const added = await drawbridge.users('acme').add({ username: 'robot', isSystem: true });
    if (!added.ok) throw new Error(added.message);
    const [front = ''] = documentedBlocks('certificates.md', 'nginx');
    proxies.push(
      await startNginx(
        withReplaced(front, {
          'listen 443 ssl;': `listen 127.0.0.1:${port} ssl;`,
          'mtls.example.com': 'localhost files.localhost',
          '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
          ...tls(own),
        }),
        port,
      ),
    );
    const [asking = ''] = documentedBlocks('gateway/nginx.md', 'nginx');
    const [before, location] = asking.split('location = /_drawbridge');
    const withCertificates = `${before}location = /_drawbridge${withReplaced(location ?? '', {
      'X-SSL-Client-Cert "";': 'X-SSL-Client-Cert $ssl_client_escaped_cert;',
    })}`;
    proxies.push(
      await startNginx(
        withReplaced(withCertificates, {
          'listen 443 ssl;': `listen 127.0.0.1:${authPort} ssl; ssl_verify_client optional_no_ca;`,
          '127.0.0.1:3000': `127.0.0.1:${drawbridgePort}`,
          '127.0.0.1:8080': `127.0.0.1:${echo.port}`,
          'https://orders.example.com$': `https://localhost:${authPort}$`,
          '/etc/ssl/orders.example.com.pem': own.certFile,
          '/etc/ssl/private/orders.example.com.key': own.keyFile,
        }),
        authPort,
      ),
    );
  }, 60_000);
  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    await drawbridge.close();
    await echo.close();
    await (await workshop).remove();
  });

  const send = (
    to: number,
    path: string,
    { form, ...sent }: Sent & { readonly form?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> =>
    tlsRequest({
      ...{ port: to, path, ca: serverCa, ...sent },
      ...(form === undefined ? {} : { form: formOf(form) }),
    });

  const forged = () => ({ 'X-SSL-Client-Cert': encodeURIComponent(robot?.cert ?? '') });
  const form = { grant_type: 'client_credentials', client_id: 'robot', resource: ordersResource };
  const tokenWith = (sent: Sent) => send(port, '/oauth/acme/token', { ...sent, form });

  it('a client gets a token with its certificate, and none with a forged header or another one', async () => {
    expect(await tokenWith({ certificate: robot })).toMatchObject({ status: 200 });
    for (const sent of [
      {},
      { headers: forged() },
      { headers: forged(), certificate: stranger },
      { certificate: foreign },
    ])
      expect((await tokenWith(sent)).status).toBe(401);
  });

  it.each([
    ['the built-in proxy', () => ({ to: port, host: `files.localhost:${port}` })],
    ['nginx that asks', () => ({ to: authPort, host: `localhost:${authPort}` })],
  ])(
    'a machine reaches a service behind %s, which sees who it is and no certificate',
    async (_name, place) => {
      const { to, host } = place();
      const seenBy = async (sent: Sent): Promise<Response> => {
        echo.forget();
        return send(to, '/', { host, ...sent });
      };
      expect((await seenBy({ certificate: robot })).status).toBe(200);
      const [{ headers = {} } = {}] = echo.seen;
      expect(headers).toMatchObject({
        'remote-user': 'robot',
        'x-auth-method': 'certificate',
        'x-auth-tenant': 'acme',
      });
      expect(headers['x-ssl-client-cert']).toBeUndefined();
      for (const sent of [
        {},
        { headers: forged() },
        { headers: forged(), certificate: stranger },
        { certificate: foreign },
      ]) {
        expect((await seenBy(sent)).status).toBe(401);
        expect(echo.seen).toEqual([]);
      }
    },
  );

  it('a bound token opens a service only with its certificate', async () => {
    const { access_token: token } = (await (await tokenWith({ certificate: robot })).json()) as TokenBody;
    const headers = { authorization: `Bearer ${token}` };
    const host = `files.localhost:${port}`;
    expect((await send(port, '/', { host, headers, certificate: robot })).status).toBe(200);
    for (const sent of [
      { headers },
      { headers: { ...headers, ...forged() } },
      { headers, certificate: stranger },
    ])
      expect((await send(port, '/', { host, ...sent })).status).toBe(401);
  });
});
