// Certificates at the gateway: tokens that are bound to one.
import { X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { GatewayRequest } from '../../src/gateway/gateway-types.ts';
import { callerIn, identifyAt, requestOf, serviceOf } from '../support/callers.ts';
import { openCertificateWorkshop } from '../support/client-certificates.ts';
import { formOf, toAnswer } from '../support/oauth-client.ts';
import { ordersResource, reportsResource, sampleClients, sampleTenant } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const workshop = await openCertificateWorkshop();
afterAll(() => workshop.remove());
const acmeCa = await workshop.authority('Acme Clients');
const [own, other] = [await acmeCa.issue(), await acmeCa.issue()];
const resources = (sampleTenant().resources ?? []).map(({ clients: _, ...resource }) => resource);
const server = await useServer({
  store: sqliteStore,
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
      certificates: { ca: `file:${acmeCa.caFile}` },
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
