import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { checkGateway, checkTenantGateway } from '../../src/cli/doctor/check-gateway.ts';
import { loadServerSettings } from '../../src/config/server/load-server-settings.ts';
import type { ServerSettings } from '../../src/config/server/server-settings.ts';
import type { TenantDefinition } from '../../src/config/tenant/tenant-definition.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../support/slapd-certificates.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** `server.yaml` with these services, as JSON that YAML takes. */
const settingsOf = (gateway: object, server: object = {}): ServerSettings => {
  const env = { DRAWBRIDGE_GATEWAY__SERVICES: JSON.stringify((gateway as { services?: [] }).services ?? []) };
  const loaded = loadServerSettings({ cwd: '/nowhere', env });
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  const { settings } = loaded;
  const { services } = settings.gateway;
  return {
    ...settings,
    server: { ...settings.server, ...server },
    gateway: { ...settings.gateway, ...gateway, services },
  };
};

const tenant = (id: string, more = ''): TenantDefinition => {
  const env = { SECRET: 'a-secret-of-the-tests-0123456789' };
  const loaded = loadTenant({ id, text: `displayName: ${id}\n${more}`, path: `${id}.yaml`, env });
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  return loaded.definition;
};

const acme = tenant('acme');
const findingsOf = async (
  settings: ServerSettings,
  definitions: readonly TenantDefinition[] = [acme],
): Promise<readonly string[]> => {
  const ids = definitions.map(({ id }) => id);
  return (await checkGateway(settings, { ids, definitions })).map(
    ({ about, verdict, message }) => `${verdict} ${about}: ${message}`,
  );
};
const orders = (more: object = {}) => ({ name: 'orders', prefix: '/orders', tenants: ['acme'], ...more });

const listen = async (answer: RequestListener): Promise<string> => {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
const listenTls = async (authority: CertificateAuthority, name: string): Promise<string> => {
  const server = createTlsServer(await authority.issue(name), (_req, res) => res.end()).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  closing.push(() => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

describe('the doctor on services', () => {
  it('has nothing to say where there are none', async () => {
    expect(await findingsOf(settingsOf({}))).toEqual([]);
  });

  it('distinguishes a target that accepts connections from one that does not', async () => {
    const url = await listen((_req, res) => res.end());
    expect(await findingsOf(settingsOf({ services: [orders({ target: url })] }))).toEqual([
      `ok service orders: ${url} takes connections`,
    ]);
    const [close] = closing.splice(0);
    await close?.();
    expect(await findingsOf(settingsOf({ services: [orders({ target: url })] }))).toEqual([
      expect.stringMatching(
        /^problem service orders: .* cannot be reached: .*Nothing listens there: start the service/,
      ),
    ]);
  });

  it('asks for the health of a service', async () => {
    const url = await listen((req, res) => {
      res.statusCode = req.url === '/base/healthz' ? 204 : 500;
      res.end();
    });
    const at = (path: string) =>
      findingsOf(settingsOf({ services: [orders({ target: { url: `${url}/base`, health: path } })] }));
    expect(await at('/healthz')).toEqual([`ok service orders: ${url}/base/healthz answers 204`]);
    expect(await at('/other')).toEqual([
      expect.stringMatching(
        /^problem service orders: .*answers 500, so the service gets no requests\. .*target\.health/,
      ),
    ]);
  });

  it('trusts the certificate of a service only by its own authority and name', async () => {
    const authority = await createCertificateAuthority();
    const url = await listenTls(authority, 'DNS:orders.test');
    closing.push(() => authority.remove());
    const withTls = (tls: object, health?: string): ServerSettings => {
      const settings = settingsOf({ services: [orders({ target: { url, ...(health ? { health } : {}) } })] });
      const services = settings.gateway.services.map((service) => ({
        ...service,
        ...(service.target === undefined ? {} : { target: { ...service.target, tls } }),
      }));
      return { ...settings, gateway: { ...settings.gateway, services } };
    };
    for (const health of [undefined, '/']) {
      expect(await findingsOf(withTls({}, health))).toEqual([
        expect.stringMatching(/^problem .*Set target\.tls\.ca/),
      ]);
      expect(await findingsOf(withTls({ ca: authority.ca }, health))).toEqual([
        expect.stringMatching(/^problem .*target\.tls\.serverName/),
      ]);
      expect(await findingsOf(withTls({ ca: authority.ca, serverName: 'orders.test' }, health))).toEqual([
        expect.stringMatching(/^ok service orders/),
      ]);
    }
  });

  it('misses tenants without a file, and those that would allow any caller', async () => {
    const services = [orders({ tenants: ['acme', 'globex'] })];
    const settings = settingsOf({ services }, { trustedProxies: ['127.0.0.1'] });
    expect(await findingsOf(settings)).toEqual([
      expect.stringMatching(/^problem service orders: It is for the tenant globex, which has no file/),
    ]);
    const off = tenant('acme', 'gateway: { services: { orders: { enabled: false } } }');
    expect(await findingsOf(settings, [off, tenant('globex')])).toEqual([]);
    expect(
      await findingsOf(settingsOf({ services: [orders()] }, { trustedProxies: ['127.0.0.1'] }), [off]),
    ).toEqual([expect.stringMatching(/^warning service orders: No tenant admits its users/)]);
  });

  it('misses who may ask about a service without a target', async () => {
    const services = [orders()];
    expect(await findingsOf(settingsOf({ services }))).toEqual([
      expect.stringMatching(
        /^warning gateway: No proxy may ask about 1 service .*\(orders\)\. .*TRUSTED_PROXIES/,
      ),
    ]);
    expect(await findingsOf(settingsOf({ services }, { trustedProxies: ['127.0.0.1'] }))).toEqual([]);
    expect(await findingsOf(settingsOf({ services, proxySecret: 'a secret' }))).toEqual([]);
  });

  it('misses the secret of a proxy that asks on the host of Drawbridge itself', async () => {
    const services = [orders({ host: undefined, prefix: '/orders' })];
    const server = { trustedProxies: ['127.0.0.1'], publicUrl: 'https://id.example.com' };
    expect(await findingsOf(settingsOf({ services }, server))).toEqual([
      expect.stringMatching(/^warning gateway: the service orders is on the host .*gateway\.proxySecret/),
    ]);
    expect(await findingsOf(settingsOf({ services, proxySecret: 'a secret' }, server))).toEqual([]);
    expect(
      await findingsOf(settingsOf({ services }, { ...server, publicUrl: 'http://localhost:3000' })),
    ).toEqual([]);
  });

  it('warns while authentication is off', async () => {
    expect(await findingsOf(settingsOf({ enabled: false }))).toEqual([
      expect.stringMatching(/^warning gateway: Authentication is off/),
    ]);
  });
});

describe("the doctor on a tenant's part of the gateway", () => {
  const services = [orders()];
  const about = (text: string, gateway: object = {}, more: Partial<ServerSettings> = {}): readonly string[] =>
    checkTenantGateway({ ...settingsOf({ services, ...gateway }), ...more }, tenant('acme', text)).map(
      ({ verdict, message }) => `${verdict} ${message}`,
    );

  it('has nothing to say about one that says nothing', () => {
    expect(about('')).toEqual([]);
  });

  it('knows services that are not there', () => {
    expect(about('gateway: { services: { oders: { enabled: false } } }')).toEqual([
      expect.stringMatching(/^warning .*oders.*did you mean orders\?/),
    ]);
  });

  it('knows certificates that nothing passes on', () => {
    const text = `gateway:
  trustedGateways:
    - id: edge
      proof: { type: certificate, fingerprints: [${'ab'.repeat(32)}] }
      user: { type: header, header: X-User }
`;
    expect(about(text)).toEqual([expect.stringMatching(/^warning The gateway edge .*gateway\.proxySecret/)]);
    expect(about(text, { proxySecret: 'a secret' })).toEqual([]);
    expect(about(text, {}, { clientCertificates: { from: 'tls' } })).toEqual([]);
    const ofProxy = { from: 'nginx', header: 'x-ssl-client-cert' } as const;
    expect(about(text, {}, { clientCertificates: ofProxy })).toEqual([]);
  });

  it('says how devices get in that ask in the old way', () => {
    const text = `clients:
  - client_id: tv
    token_endpoint_auth_method: none
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
`;
    expect(about(text)).toEqual([
      expect.stringMatching(/^ok loginDevice is off\. .*deviceClient, such as tv\./),
    ]);
    expect(about(`${text}gateway: { deviceClient: tv }\n`)).toEqual([]);
  });
});
