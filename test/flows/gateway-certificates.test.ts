// Certificates at the gateway: tokens that are bound to one, and machines that are known by one.
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import type { Identify } from '../../src/gateway/callers/identify.ts';
import type { GatewayRequest, Identification } from '../../src/gateway/gateway-types.ts';
import { type CallOptions, callerIn, identifyAt, requestOf, serviceOf } from '../support/callers.ts';
import { openCertificateWorkshop } from '../support/client-certificates.ts';
import { eventually } from '../support/eventually.ts';
import { formOf, toAnswer } from '../support/oauth-client.ts';
import { ordersResource, reportsResource, sampleClients, sampleTenant } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { useServer } from '../support/use-server.ts';

const workshop = await openCertificateWorkshop();
afterAll(() => workshop.remove());
const acmeCa = await workshop.authority('Acme Clients');
const globexCa = await workshop.authority('Globex Clients');
const [own, other] = [await acmeCa.issue(), await acmeCa.issue()];
const backup = { subject: '/O=Acme/CN=backup' };
const clock = createTestClock(Date.now());
const resources = (sampleTenant().resources ?? []).map(({ clients: _, ...resource }) => resource);
const server = await useServer({
  store: sqliteStore,
  clock,
  instances: 2,
  tenants: {
    acme: sampleTenant({
      resources,
      clients: [
        ...sampleClients,
        {
          client_id: 'reports',
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: 'CN=robot',
          tls_client_certificate_bound_access_tokens: true,
          grant_types: ['client_credentials'],
          firstParty: true,
        },
      ],
      certificates: {
        ca: `file:${acmeCa.caFile}`,
        machines: [
          { subject: 'CN=backup,O=Acme', user: 'backup' },
          { uri: 'spiffe://acme/reports', user: 'reports' },
          { dns: 'alice.acme.example', user: 'alice' },
        ],
      },
    }),
    globex: sampleTenant({
      certificates: {
        ca: `file:${globexCa.caFile}`,
        machines: [{ subject: 'CN=backup,O=Acme', user: 'backup' }],
      },
    }),
  },
  settings: {
    server: { trustedProxies: ['127.0.0.1'] },
    clientCertificates: { from: 'haproxy', header: 'x-ssl-client-cert' },
  },
});

const parsed = ({ cert }: { readonly cert: string }) => new X509Certificate(cert);

describe('a token that is bound to a certificate', () => {
  it.each([
    ['JWT', ordersResource],
    ['opaque', reportsResource],
  ])('%s is good only with that certificate, also when its caller is remembered', async (_name, resource) => {
    const [instance] = server.instances;
    if (instance === undefined) throw new Error('there is one');
    const identify = identifyAt(instance);
    const response = await fetch(`${server.issuer('acme')}/token`, {
      method: 'POST',
      headers: { 'x-ssl-client-cert': parsed(own).raw.toString('base64') },
      body: formOf({ client_id: 'reports', grant_type: 'client_credentials', resource }),
    });
    const { body } = await toAnswer(response);
    const call = (certificate: GatewayRequest['certificate']) =>
      identify(
        requestOf({
          authorization: `Bearer ${body.access_token}`,
          ...(certificate === undefined ? {} : { certificate }),
        }),
        serviceOf({ resources: [resource] }),
      );
    const wrong = [undefined, parsed(other), 'unreadable'] as const;
    const refused = { status: 'bad', error: 'invalid_token' };
    for (const certificate of wrong) expect(await call(certificate)).toMatchObject(refused);
    expect(callerIn(await call(parsed(own)))).toMatchObject({ kind: 'client', sub: 'reports' });
    for (const certificate of wrong) expect(await call(certificate)).toMatchObject(refused);
    // at the same time as the right one
    const both = await Promise.all([call(parsed(own)), call(parsed(other)), call(parsed(own))]);
    expect(both.map(({ status }) => status)).toEqual(['known', 'bad', 'known']);
  });
});

describe('a machine with a certificate', () => {
  let [identify, elsewhere]: Identify[] = [];
  beforeAll(async () => {
    [identify, elsewhere] = server.instances.map((instance) => identifyAt(instance, { clock }));
    for (const tenant of ['acme', 'globex']) await addMachine('backup', tenant);
    await addMachine('reports');
  });
  const addMachine = async (username: string, tenant = 'acme'): Promise<void> => {
    const added = await server.users(tenant).add({ username, roles: ['backup'], isSystem: true });
    if (!added.ok) throw new Error(added.message);
  };
  const call = (
    certificate: { readonly cert: string } | undefined,
    options: CallOptions = {},
    changes: Partial<ServiceDefinition> = {},
    ask = identify,
  ): Promise<Identification> => {
    if (ask === undefined) throw new Error('two instances were asked for');
    const presented = certificate === undefined ? {} : { certificate: parsed(certificate) };
    return ask(requestOf({ ...presented, ...options }), serviceOf(changes));
  };

  it('is its system user, by subject or alternative name, without a trip once it is known', async () => {
    const machine = await acmeCa.issue(backup);
    server.trips();
    expect(callerIn(await call(machine))).toMatchObject({
      ...{ tenant: 'acme', username: 'backup', kind: 'person', method: 'certificate' },
      ...{ roles: ['backup'], amr: [], expiresAt: endOfIssued / 1000 },
    });
    server.trips();
    expect(callerIn(await call(machine)).username).toBe('backup');
    expect(server.trips()).toEqual([]);
    const reports = await acmeCa.issue({ san: 'URI:spiffe://acme/reports,DNS:x.example' });
    expect(callerIn(await call(reports)).username).toBe('reports');
  });

  it('is nobody with another name, and refused with the name but not the authority or the time', async () => {
    expect(await call(undefined)).toEqual({ status: 'nothing' });
    expect(await call(await acmeCa.issue({ subject: '/O=Acme/CN=other' }))).toEqual({ status: 'nothing' });
    const foreign = await globexCa.issue(backup);
    const wrong = { status: 'bad', error: 'invalid_token' };
    expect(await call(foreign)).toMatchObject({
      ...wrong,
      description: expect.stringContaining('no authority'),
    });
    expect(await call(await workshop.selfSigned(backup))).toMatchObject(wrong);
    const ended = { ...backup, to: '20200101000000Z' };
    expect(await call(await acmeCa.issue(ended))).toMatchObject({
      ...wrong,
      description: expect.stringContaining('not valid at this time'),
    });
    expect(await call(undefined, { certificate: 'unreadable' })).toMatchObject({
      ...{ status: 'bad', error: 'invalid_request' },
    });
  });

  it('ends with its dates, also when it is remembered', async () => {
    const soon = new Date(Math.ceil(clock.now() / 1000) * 1000 + 2000);
    const stamp = soon.toISOString().replace(/\D/g, '').slice(0, 14);
    const machine = await acmeCa.issue({ ...backup, to: `${stamp}Z` });
    expect((await call(machine)).status).toBe('known');
    clock.advance(4000);
    expect(await call(machine)).toMatchObject({ status: 'bad' });
  });

  it('is no person: a certificate with the name of one opens nothing', async () => {
    expect(await call(await acmeCa.issue({ san: 'DNS:alice.acme.example' }))).toMatchObject({
      status: 'forbidden',
    });
  });

  it('is that of its own tenant, whichever is asked first', async () => {
    const tenants = { tenants: ['acme', 'globex'] };
    for (const [certificate, tenant] of [
      [await acmeCa.issue(backup), 'acme'],
      [await globexCa.issue(backup), 'globex'],
    ] as const) {
      expect(callerIn(await call(certificate, {}, tenants)).tenant).toBe(tenant);
      expect(callerIn(await call(certificate, { header: tenant }, tenants)).tenant).toBe(tenant);
      const wrong = tenant === 'acme' ? 'globex' : 'acme';
      expect(await call(certificate, { header: wrong }, tenants)).toMatchObject({ status: 'bad' });
    }
  });

  it('counts only where nothing else was presented, and a bad credential is final', async () => {
    const machine = await acmeCa.issue(backup);
    expect(await call(machine, { authorization: 'Bearer nonsense' })).toMatchObject({ status: 'bad' });
    expect((await call(machine, { cookie: 'GWSESSIONID=nonsense' })).status).toBe('known');
  });

  it('is refused on both instances once its system user is disabled', async () => {
    await addMachine('nightly');
    const machine = await acmeCa.issue({ subject: '/O=Acme/CN=backup', san: 'DNS:nightly' });
    await server.putTenant(
      'acme',
      sampleTenant({
        resources,
        certificates: { ca: `file:${acmeCa.caFile}`, machines: [{ dns: 'nightly', user: 'nightly' }] },
      }),
    );
    for (const ask of [identify, elsewhere])
      expect(callerIn(await call(machine, {}, {}, ask)).username).toBe('nightly');
    await server.users('acme').disable('nightly');
    for (const ask of [identify, elsewhere])
      await eventually(
        'the end is heard of',
        async () => (await call(machine, {}, {}, ask)).status === 'forbidden',
        3000,
      );
  });

  it('has audit records: who is known once, who was refused with a name each time', async () => {
    const records = await server.storage.forTenant('acme').audit.list({ limit: 100 });
    const ours = records.filter(({ action }) => action === 'gateway.certificate');
    const known = ours.filter(({ outcome }) => outcome === 'success');
    expect(known[0]).toMatchObject({
      actorKind: 'system_user',
      reason: expect.stringMatching(/^SHA-256 [\w-]{43}$/),
    });
    // each process has its own
    const uses = known.map(({ reason, object }) => `${reason} ${object}`);
    for (const use of uses)
      expect(uses.filter((other) => other === use).length).toBeLessThanOrEqual(server.instances.length);
    expect(ours.filter(({ outcome }) => outcome === 'failure').map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^untrusted, /), expect.stringMatching(/^expired, /)]),
    );
  });
});

const endOfIssued = Date.UTC(2099, 11, 31, 23, 59, 59);
