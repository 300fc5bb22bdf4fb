// Clients that prove themselves by a certificate, and tokens that are bound to one (RFC 8705): over TLS of this server, and in the
// header of a trusted proxy.

import { createPublicKey } from 'node:crypto';
import { afterAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { askAdmin } from '../support/admin-api.ts';
import { createBrowser } from '../support/browser.ts';
import { type IssuedCertificate, openCertificateWorkshop } from '../support/client-certificates.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import {
  basicAuthorization,
  formOf,
  type Parameters,
  signIn,
  type TokenBody,
  toAnswer,
  tokensFor,
} from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-http.ts';
import { cloneInThisRealm } from '../support/same-realm-clone.ts';
import {
  type ClientContent,
  ordersApi,
  ordersResource,
  publicClient,
  reportsResource,
  sampleClients,
  sampleTenant,
  secretOf,
  service,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort } from '../support/test-server.ts';
import { type TlsRequest, tlsRequest } from '../support/tls-request.ts';
import { useServer } from '../support/use-server.ts';

cloneInThisRealm();
const workshop = await openCertificateWorkshop();
afterAll(() => workshop.remove());
const [acmeCa, globexCa, serverCa] = [
  await workshop.authority('Acme Clients'),
  await workshop.authority('Globex Clients'),
  await workshop.authority('Servers'),
];
const named = { subject: '/C=DE/O=Acme, Inc/CN=reports', san: 'URI:spiffe://acme/reports' };
const reportsCert = await acmeCa.issue(named);
const otherCert = await acmeCa.issue({ subject: '/C=DE/O=Acme, Inc/CN=other' });
const expiredCert = await acmeCa.issue({ ...named, to: '20200101000000Z' });
const foreignCert = await globexCa.issue(named);
const ownCert = await workshop.selfSigned({ subject: '/CN=anything' });
const ofServer = await serverCa.issue({ san: 'DNS:localhost', usage: 'serverAuth' });

const derOf = ({ cert }: IssuedCertificate): string => cert.replace(/-----[^-]+-----|\s/g, '');
const keyOf = (certificate: IssuedCertificate) => ({
  ...createPublicKey(certificate.cert).export({ format: 'jwk' }),
  x5c: [derOf(certificate)],
});

const app = { id: 'app', redirectUri: 'http://127.0.0.1:49152/callback' };
const unbound = { id: 'unbound', redirectUri: 'http://127.0.0.1:49152/callback' };
const site = { id: 'site', redirectUri: 'https://site.example/callback' };
const machine = (id: string, more: Partial<ClientContent>): ClientContent => ({
  client_id: id,
  grant_types: ['client_credentials'],
  firstParty: true,
  tls_client_certificate_bound_access_tokens: true,
  ...more,
});
const clients: readonly ClientContent[] = [
  ...sampleClients,
  machine('reports', {
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=reports,O=Acme\\, Inc,C=DE',
  }),
  machine('workload', {
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_san_uri: 'spiffe://acme/reports',
  }),
  machine('own', {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [keyOf(ownCert)] },
  }),
  machine('migrating', {
    grant_types: ['password'],
    client_secret: secretOf('migrating'),
  }),
  {
    client_id: site.id,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=reports,O=Acme\\, Inc,C=DE',
    tls_client_certificate_bound_access_tokens: true,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [site.redirectUri],
    firstParty: true,
  },
  publicClient(unbound, { scope: 'openid account admin', redirect_uris: ['http://127.0.0.1/callback'] }),
  publicClient(app, {
    scope: 'openid account admin',
    redirect_uris: ['http://127.0.0.1/callback'],
    tls_client_certificate_bound_access_tokens: true,
  }),
];
const resources = (sampleTenant().resources ?? []).map(({ clients: _, ...resource }) => resource);
const tenants = {
  acme: sampleTenant({
    administration: { administrators: { roles: ['admin'] } },
    clients: [...clients],
    resources,
    certificates: { ca: `file:${acmeCa.caFile}` },
  }),
  globex: sampleTenant({
    clients: [
      ...sampleClients,
      machine('reports', {
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=reports,O=Acme\\, Inc,C=DE',
      }),
    ],
    certificates: { ca: `file:${globexCa.caFile}` },
  }),
  plain: sampleTenant(),
};

const refused = { status: 401, body: { error: 'invalid_client' } };
const grant = { grant_type: 'client_credentials' };
const ofOrders = { ...grant, resource: ordersResource };
const ofReports = { ...grant, resource: reportsResource };

const port = await freePort();
const publicUrl = `https://localhost:${port}`;
const server = await useServer({
  store: sqliteStore,
  tenants,
  settings: {
    server: { publicUrl, port },
    tls: { certFile: ofServer.certFile, keyFile: ofServer.keyFile },
    clientCertificates: { from: 'tls' },
  },
});

const call = async (
  url: string,
  certificate: IssuedCertificate | undefined,
  sent: Pick<TlsRequest, 'headers' | 'form'> = {},
) =>
  toAnswer(
    await tlsRequest({ ...{ port, path: new URL(url).pathname, ca: serverCa.ca, certificate }, ...sent }),
  );

const post = (
  url: string,
  form: Parameters,
  certificate?: IssuedCertificate,
  headers: NonNullable<TlsRequest['headers']> = {},
) => call(url, certificate, { headers, form: formOf(form) });

const tokenOf = (
  client: string,
  certificate: IssuedCertificate | undefined,
  form: Parameters = ofOrders,
  tenant = 'acme',
) => post(`${server.issuer(tenant)}/token`, { client_id: client, ...form }, certificate);

const confirmationOf = (body: TokenBody): unknown =>
  (decodeJwt(body.access_token ?? '').cnf as Record<string, unknown>)['x5t#S256'];

describe('clients with certificates over TLS of this server', () => {
  it.each([
    ['reports', 'its subject', reportsCert],
    ['workload', 'a URI', reportsCert],
    ['own', 'the registered certificate', ownCert],
  ])('%s is known by %s, and gets a token bound to it', async (client, _by, certificate) => {
    const { status, body } = await tokenOf(client, certificate);
    expect(status).toBe(200);
    expect(confirmationOf(body)).toBe(certificate.thumbprint);
    const shown = await post(
      `${server.issuer('acme')}/token/introspection`,
      { token: body.access_token },
      undefined,
      basicAuthorization(ordersApi),
    );
    expect(shown.body).toMatchObject({ active: true, cnf: { 'x5t#S256': certificate.thumbprint } });
  });

  it('an opaque token says its certificate at introspection', async () => {
    const { body } = await tokenOf('reports', reportsCert, ofReports);
    const shown = await post(
      `${server.issuer('acme')}/token/introspection`,
      { token: body.access_token },
      undefined,
      basicAuthorization(ordersApi),
    );
    expect(shown.body).toMatchObject({ active: true, cnf: { 'x5t#S256': reportsCert.thumbprint } });
  });

  it.each<[string, string, IssuedCertificate | undefined, string]>([
    ['reports', 'no certificate', undefined, 'not provided'],
    ['reports', 'another subject of the authority', otherCert, 'another subject'],
    ['reports', 'an expired one', expiredCert, 'not valid at this time'],
    ['reports', 'the same subject of the authority of another tenant', foreignCert, 'no authority'],
    ['reports', 'a self-signed one', ownCert, 'no authority'],
    ['workload', 'one without the URI', otherCert, 'another subject'],
    ['own', 'one that is not registered', reportsCert, 'unregistered'],
    ['own', 'no certificate', undefined, 'not provided'],
  ])('%s is refused with %s', async (client, _what, certificate, words) => {
    expect(await tokenOf(client, certificate)).toMatchObject(refused);
    expect(server.logLines().at(-1)).toBeDefined();
    expect(server.logLines().some((line) => line.includes(words))).toBe(true);
  });

  it('a subject is that of a tenant: the authority of one is none for the other', async () => {
    expect((await tokenOf('reports', foreignCert, grant, 'globex')).status).toBe(200);
    expect(await tokenOf('reports', reportsCert, grant, 'globex')).toMatchObject(refused);
  });

  it('a registered certificate ends with its dates', async () => {
    moveTime(75 * 365 * 86_400);
    try {
      expect(await tokenOf('own', ownCert)).toMatchObject(refused);
    } finally {
      restoreTime();
    }
  });

  it('a header with a certificate is nothing here', async () => {
    for (const header of ['client-cert', 'x-ssl-client-cert'])
      expect(
        await post(`${server.issuer('acme')}/token`, { client_id: 'reports', ...grant }, undefined, {
          [header]:
            header === 'client-cert' ? `:${derOf(reportsCert)}:` : encodeURIComponent(reportsCert.cert),
        }),
      ).toMatchObject(refused);
  });

  it('the password grant binds its token, and needs a certificate', async () => {
    const form = {
      grant_type: 'password',
      username: 'alice',
      password: 'correct horse battery',
      scope: 'openid',
    };
    const ask = (certificate?: IssuedCertificate) =>
      post(
        `${server.issuer('acme')}/token`,
        form,
        certificate,
        basicAuthorization({ id: 'migrating', secret: secretOf('migrating') }),
      );
    expect(await ask()).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const { body } = await ask(otherCert);
    const me = (certificate?: IssuedCertificate) =>
      call(`${server.issuer('acme')}/me`, certificate, {
        headers: { authorization: `Bearer ${body.access_token}` },
      });
    expect((await me(otherCert)).status).toBe(200);
    expect(await me(reportsCert)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect(await me()).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
  });

  it('are in discovery only where a client has one', async () => {
    const documentOf = async (tenant: string) =>
      (await call(`${server.issuer(tenant)}/.well-known/openid-configuration`, undefined)).body;
    expect(await documentOf('acme')).toMatchObject({
      tls_client_certificate_bound_access_tokens: true,
      token_endpoint_auth_methods_supported: expect.arrayContaining([
        'tls_client_auth',
        'self_signed_tls_client_auth',
      ]),
    });
    expect(JSON.stringify(await documentOf('plain'))).not.toMatch(/tls/);
  });
});

const alias = 'http://mtls.localhost:4433';
const behind = await useServer({
  store: sqliteStore,
  tenants,
  settings: {
    server: { trustedProxies: ['127.0.0.1'] },
    clientCertificates: { from: 'nginx', header: 'x-ssl-client-cert', url: alias },
    administration: { secondFactor: false },
  },
});

describe('clients with certificates behind a trusted proxy', () => {
  const issuer = behind.issuer('acme');
  const certHeader = (certificate: IssuedCertificate | undefined): Record<string, string> =>
    certificate === undefined ? {} : { 'x-ssl-client-cert': encodeURIComponent(certificate.cert) };
  const through = async (path: string, certificate: IssuedCertificate | undefined, init: RequestInit = {}) =>
    toAnswer(
      await fetch(`${issuer}${path}`, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), ...certHeader(certificate) },
      }),
    );
  const tokenRequest = (form: Parameters, certificate?: IssuedCertificate) =>
    through('/token', certificate, { method: 'POST', body: formOf({ client_id: app.id, ...form }) });

  const codeFor = async () => {
    const { code, verifier } = await signIn(createBrowser(), {
      issuer,
      client: app,
      scope: 'openid account admin',
    });
    return {
      grant_type: 'authorization_code',
      ...{ code, code_verifier: verifier, redirect_uri: app.redirectUri },
    };
  };

  it('a public client gets tokens bound to its certificate, the refresh token too (section 7.1)', async () => {
    expect(await tokenRequest(await codeFor())).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const { body } = await tokenRequest(await codeFor(), otherCert);
    const again = (certificate?: IssuedCertificate) =>
      tokenRequest({ grant_type: 'refresh_token', refresh_token: body.refresh_token }, certificate);
    for (const wrong of [undefined, reportsCert])
      expect(await again(wrong)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const renewed = await again(otherCert);
    expect(renewed.status).toBe(200);
    // bound tokens are not rotated
    expect(renewed.body.refresh_token ?? body.refresh_token).toBe(body.refresh_token);
    const authorization = `Bearer ${renewed.body.access_token}`;
    const ask = (path: string, certificate?: IssuedCertificate) =>
      path.startsWith('/tenants')
        ? askAdmin(behind, path, { headers: { authorization, ...certHeader(certificate) } })
        : through(path, certificate, { headers: { authorization } });
    for (const path of ['/me', '/api/v1/account', '/devices', '/tenants/acme/people']) {
      const get = (certificate?: IssuedCertificate) => ask(path, certificate);
      expect((await get(otherCert)).status).toBe(200);
      for (const wrong of [undefined, reportsCert]) {
        const { status, body: words } = await get(wrong);
        expect(status).toBe(401);
        expect(words.error ?? words.code).toBe('invalid_token');
      }
    }
  });

  it('a confidential client redeems its code with its certificate, and renews with another one of its name', async () => {
    const { code, verifier } = await signIn(createBrowser(), { issuer, client: site });
    const form = {
      ...{ client_id: site.id, grant_type: 'authorization_code', code },
      ...{ code_verifier: verifier, redirect_uri: site.redirectUri },
    };
    expect(await tokenRequest(form)).toMatchObject(refused);
    expect(await tokenRequest(form, otherCert)).toMatchObject(refused);
    const { body } = await tokenRequest(form, reportsCert);
    const renewedCert = await acmeCa.issue(named);
    const again = {
      ...{ client_id: site.id, grant_type: 'refresh_token', refresh_token: body.refresh_token },
    };
    expect(await tokenRequest(again, otherCert)).toMatchObject(refused);
    const renewed = await tokenRequest(again, renewedCert);
    const me = (certificate: IssuedCertificate) =>
      through('/me', certificate, { headers: { authorization: `Bearer ${renewed.body.access_token}` } });
    expect((await me(renewedCert)).status).toBe(200);
    expect((await me(reportsCert)).status).toBe(401);
  });

  it('a code cannot be redeemed without a header that can be read', async () => {
    const answer = await through('/token', undefined, {
      method: 'POST',
      headers: { 'x-ssl-client-cert': 'nonsense' },
      body: formOf({ client_id: 'reports', ...grant }),
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    // who has nothing to do with certificates is not hindered
    const other = await through('/token', undefined, {
      method: 'POST',
      headers: { 'x-ssl-client-cert': 'nonsense', ...basicAuthorization(service) },
      body: formOf(grant),
    });
    expect(other.status).toBe(200);
  });

  it('a token that is not bound is good with a header that cannot be read', async () => {
    const { access_token: token } = await tokensFor(createBrowser(), {
      issuer,
      client: unbound,
      scope: 'openid account admin',
    });
    const headers = { authorization: `Bearer ${token}`, 'x-ssl-client-cert': 'nonsense' };
    for (const path of ['/me', '/api/v1/account', '/devices'])
      expect((await through(path, undefined, { headers })).status).toBe(200);
    expect((await askAdmin(behind, '/tenants/acme/people', { headers })).status).toBe(200);
    expect((await through('/api/v1/logout', undefined, { method: 'POST', headers })).status).toBe(204);
    expect((await through('/me', undefined, { headers })).status).toBe(401);
  });

  it('the aliases have another host, where there is nothing but them', async () => {
    const { body } = await through('/.well-known/openid-configuration', undefined);
    expect(body.mtls_endpoint_aliases).toMatchObject({
      token_endpoint: `${alias}/oauth/acme/token`,
      userinfo_endpoint: `${alias}/oauth/acme/me`,
      device_authorization_endpoint: `${alias}/oauth/acme/device/auth`,
    });
    const atAlias = (target: string, body?: string) =>
      rawRequest({
        port: Number(new URL(behind.publicUrl).port),
        method: body === undefined ? 'GET' : 'POST',
        target,
        headers: [
          'Host: mtls.localhost:4433',
          `X-SSL-Client-Cert: ${encodeURIComponent(reportsCert.cert)}`,
          'Content-Type: application/x-www-form-urlencoded',
        ],
        ...(body === undefined ? {} : { body }),
      });
    const form = formOf({ client_id: 'reports', ...grant }).toString();
    expect((await atAlias('/oauth/acme/token', form)).status).toBe(200);
    for (const path of ['/', '/oauth/acme', '/oauth/acme/auth', '/oauth/acme/jwks', '/oauth/acme/account'])
      expect((await atAlias(path)).status).toBe(404);
  });
});

const open = await useServer({
  store: sqliteStore,
  tenants,
  settings: {
    server: { trustedProxies: ['10.9.9.9'] },
    clientCertificates: { from: 'nginx', header: 'x-ssl-client-cert' },
  },
});

describe('a client that forges the header of the proxy', () => {
  it('is refused, as without it', async () => {
    const response = await fetch(`${open.issuer('acme')}/token`, {
      method: 'POST',
      headers: { 'x-ssl-client-cert': encodeURIComponent(reportsCert.cert), 'x-forwarded-for': '10.9.9.9' },
      body: formOf({ client_id: 'reports', ...grant }),
    });
    expect(response.status).toBe(401);
  });
});

const [mainPort, certificatePort] = [await freePort(), await freePort()];
const dual = await useServer({
  store: sqliteStore,
  tenants,
  settings: {
    server: { publicUrl: `https://localhost:${mainPort}`, port: mainPort },
    tls: { certFile: ofServer.certFile, keyFile: ofServer.keyFile },
    clientCertificates: { from: 'tls', port: certificatePort, url: `https://localhost:${certificatePort}` },
  },
});

describe('a port of its own for certificates', () => {
  it('is the only one that asks for them, and the one of the aliases', async () => {
    const { ca } = serverCa;
    const at = async (port: number, path: string, more: Partial<TlsRequest> = {}) =>
      toAnswer(await tlsRequest({ port, path, ca, certificate: reportsCert, ...more }));
    const { body } = await at(mainPort, '/oauth/acme/.well-known/openid-configuration');
    const aliases = body.mtls_endpoint_aliases as Readonly<Record<string, string>>;
    expect(aliases.token_endpoint).toBe(`https://localhost:${certificatePort}/oauth/acme/token`);
    const form = formOf({ client_id: 'reports', ...grant });
    expect((await at(certificatePort, '/oauth/acme/token', { form })).status).toBe(200);
    expect((await at(mainPort, '/oauth/acme/token', { form })).status).toBe(401);
    expect((await at(certificatePort, '/oauth/acme/account')).status).toBe(404);
    expect(dual.publicUrl).toBe(`https://localhost:${mainPort}`);
  });
});
