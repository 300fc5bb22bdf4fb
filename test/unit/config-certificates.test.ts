// What a tenant's file says of certificates, and what the server's file says of where they come from.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { loadServerSettings } from '../../src/config/server/load-server-settings.ts';
import { unmetCertificateNeeds } from '../../src/config/tenant/certificate-needs.ts';
import { hashTenant, loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { openCertificateWorkshop } from '../support/client-certificates.ts';

const workshop = await openCertificateWorkshop();
const authority = await workshop.authority('Acme Clients');
const robot = await authority.issue();
const folder = mkdtempSync(join(tmpdir(), 'drawbridge-certificates-'));
afterAll(async () => {
  await workshop.remove();
  rmSync(folder, { recursive: true, force: true });
});

const load = (text: string) =>
  loadTenant({ id: 'acme', path: 'acme.yaml', text: `displayName: Acme\n${text}`, env: {} });
const faultsOf = (text: string): readonly string[] => {
  const loaded = load(text);
  return 'faults' in loaded ? loaded.faults.map(({ path, message }) => `${path}: ${message}`) : [];
};
const ca = `certificates: { ca: "file:${authority.caFile}" }\n`;
const client = (more: string) =>
  `clients: [{ client_id: reports, grant_types: [client_credentials], ${more} }]\n`;
const byCertificate = (more: string) => client(`token_endpoint_auth_method: tls_client_auth, ${more}`);
const bySelf = (more: string) => client(`token_endpoint_auth_method: self_signed_tls_client_auth, ${more}`);

describe('clients with certificates in a tenant file', () => {
  it('have one name, an authority of the tenant, and no secret', () => {
    expect(faultsOf(ca + byCertificate('tls_client_auth_subject_dn: "CN=reports,O=Acme"'))).toEqual([]);
    expect(faultsOf(ca + byCertificate('client_secret: env:X'))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/token_endpoint_auth_method: needs the name in the certificate; write one of/),
        'clients.0.client_secret: is not used with tls_client_auth; remove it',
      ]),
    );
    expect(
      faultsOf(byCertificate('tls_client_auth_san_dns: a.example, tls_client_auth_san_ip: 10.0.0.1')),
    ).toEqual([
      expect.stringMatching(/token_endpoint_auth_method: needs the authority/),
      'clients.0.tls_client_auth_san_ip: does not go with tls_client_auth_san_dns; write one of them alone (RFC 8705 section 2.1.2)',
    ]);
    expect(faultsOf(ca + byCertificate('tls_client_auth_subject_dn: "/CN=reports"'))).toEqual([
      expect.stringContaining('cannot be read at "/CN=reports"; write it as: openssl x509'),
    ]);
    expect(
      faultsOf(client('token_endpoint_auth_method: none, tls_client_auth_san_dns: a.example')),
    ).toContain(
      'clients.0.tls_client_auth_san_dns: is of no use without token_endpoint_auth_method: tls_client_auth; remove it',
    );
  });

  it('have certificates of their own keys in jwks', () => {
    expect(faultsOf(bySelf('jwks_uri: https://reports.example/jwks'))).toEqual([]);
    expect(faultsOf(bySelf('firstParty: true'))).toEqual([
      'clients.0.jwks: is missing; self_signed_tls_client_auth needs jwks or jwks_uri, with x5c',
    ]);
    const key = 'kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    expect(faultsOf(bySelf(`jwks: { keys: [{ ${key} }] }`))).toEqual([
      expect.stringContaining('clients.0.jwks.keys.0.x5c: is missing'),
    ]);
    const der = robot.cert.replace(/-----[^-]+-----|\s/g, '');
    expect(faultsOf(bySelf(`jwks: { keys: [{ ${key}, x5c: ["${der}"] }] }`))).toEqual([
      'clients.0.jwks.keys.0.x5c: is the certificate of another key; write the one of this key',
    ]);
  });

  it('bind tokens in one way only', () => {
    const bound = 'tls_client_certificate_bound_access_tokens: true, dpop_bound_access_tokens: true';
    expect(faultsOf(ca + byCertificate(`tls_client_auth_san_dns: a.example, ${bound}`))).toEqual([
      'clients.0.tls_client_certificate_bound_access_tokens: does not go with dpop_bound_access_tokens; remove one of them',
    ]);
  });

  it('need a server that gets certificates', () => {
    const loaded = load(ca + byCertificate('tls_client_auth_san_dns: a.example'));
    if ('faults' in loaded) throw new Error('it is right');
    expect(unmetCertificateNeeds(loaded.definition, undefined, 'acme.yaml')).toEqual([
      {
        file: 'acme.yaml',
        path: 'clients.0.token_endpoint_auth_method',
        message:
          'needs the certificates of clients, but the server gets none; set clientCertificates.from in config/server.yaml',
      },
    ]);
    expect(unmetCertificateNeeds(loaded.definition, { from: 'tls' }, 'acme.yaml')).toEqual([]);
  });
});

describe('the authorities in a tenant file', () => {
  it('are read again when their file changes', () => {
    const path = join(folder, 'ca.pem');
    const options = { path: 'acme.yaml', text: `certificates: { ca: "file:${path}" }`, env: {} };
    writeFileSync(path, authority.ca);
    const before = hashTenant(options);
    writeFileSync(path, `${authority.ca}\n`.repeat(2));
    expect(hashTenant(options)).not.toBe(before);
  });

  it.each([
    ['system', 'would trust every public authority'],
    [`file:${robot.certFile}`, 'which is no authority (CA:TRUE)'],
    [`file:${robot.keyFile}`, 'holds a private key'],
    ['file:/nowhere', 'cannot be read'],
  ])('are not %s', (reference, words) => {
    expect(faultsOf(`certificates: { ca: "${reference}" }\n`)).toEqual([expect.stringContaining(words)]);
  });

  it('are not limited to names, which nothing checks', async () => {
    const limited = await workshop.authority(
      'Limited',
      'nameConstraints=critical,permitted;DNS:acme.example',
    );
    expect(faultsOf(`certificates: { ca: "file:${limited.caFile}" }\n`)).toEqual([
      expect.stringContaining('"CN=Limited", which is limited to some names (nameConstraints)'),
    ]);
  });
});

describe('machines in a tenant file', () => {
  const machines = (list: string) =>
    faultsOf(`certificates: { ca: "file:${authority.caFile}", machines: ${list} }\n`);
  it('have one name each, and a user', () => {
    expect(machines('[{ subject: "CN=a,O=b", user: robot }, { uri: "spiffe://a/b", user: robot }]')).toEqual(
      [],
    );
    expect(machines('[{ user: robot }, { dns: a.example, ip: 10.0.0.1, user: robot }]')).toEqual([
      'certificates.machines.0: has no name; write one of subject, dns, uri, ip, email',
      'certificates.machines.1: has several names; write one of subject, dns, uri, ip, email',
    ]);
    expect(machines('[{ dns: a.example, user: x }, { dns: a.example, user: y }]')).toEqual([
      'certificates.machines.1: has a name that was given above; remove one of the two',
    ]);
    expect(machines('[{ dns: "*.example", user: x }]')).toEqual([
      'certificates.machines.0.dns: is not the name of one host; write such as robot.example.com, without a wildcard',
    ]);
  });

  it('need an authority, and a server that gets certificates', () => {
    expect(faultsOf('certificates: { machines: [{ dns: a.example, user: x }] }\n')).toEqual([
      'certificates.machines: need the authority that issues the certificates; write certificates: { ca: file:/path, … }',
    ]);
    const loaded = load(
      `certificates: { ca: "file:${authority.caFile}", machines: [{ dns: a.example, user: x }] }\n`,
    );
    if ('faults' in loaded) throw new Error('it is right');
    expect(unmetCertificateNeeds(loaded.definition, undefined, 'acme.yaml')).toMatchObject([
      { path: 'certificates.machines' },
    ]);
  });
});

describe('where certificates come from', () => {
  const settingsOf = (env: Readonly<Record<string, string>>) =>
    loadServerSettings({ env, cwd: folder, cores: 1 });
  const faults = (env: Readonly<Record<string, string>>) => {
    const loaded = settingsOf(env);
    return 'faults' in loaded ? loaded.faults.map(({ message }) => message) : [];
  };
  const from = 'DRAWBRIDGE_CLIENT_CERTIFICATES__FROM';
  const proxies = { DRAWBRIDGE_SERVER__TRUSTED_PROXIES: '10.0.0.5' };

  it('is nowhere by default, and a header has the name that its proxy is known for', () => {
    const loaded = settingsOf({});
    expect('settings' in loaded && 'clientCertificates' in loaded.settings).toBe(false);
    expect(settingsOf({ ...proxies, [from]: 'envoy' })).toMatchObject({
      settings: { clientCertificates: { from: 'envoy', header: 'x-forwarded-client-cert' } },
    });
  });

  it('is a trusted proxy, or TLS of this server', () => {
    expect(faults({ [from]: 'nginx' })).toEqual([
      'is nginx, but no proxy is trusted to set that header; write server.trustedProxies',
    ]);
    expect(faults({ [from]: 'tls' })).toEqual([
      'is tls, but this server has no TLS; write tls.cert and tls.key, or the form of the proxy in front',
    ]);
    expect(faults({ ...proxies, [from]: 'nginx', DRAWBRIDGE_CLIENT_CERTIFICATES__PORT: '8443' })).toEqual([
      'is of no use with from: nginx; remove it',
    ]);
    expect(
      faults({ ...proxies, [from]: 'nginx', DRAWBRIDGE_CLIENT_CERTIFICATES__HEADER: 'X-Forwarded-For' }),
    ).toEqual(['is a header that means something else; write one such as X-SSL-Client-Cert']);
  });
});
