import { request } from 'node:http';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as openid from 'openid-client';
import { basicOf, serviceOf } from '../support/callers.ts';
import { alice, ordersResource, sampleTenant, service } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

interface Answered {
  readonly status: number | undefined;
  readonly challenge: string | undefined;
  readonly user: string | undefined;
}

const server = await useServer({
  store: sqliteStore,
  tenants: { acme: sampleTenant() },
  settings: {
    server: { trustedProxies: ['127.0.0.1', '::1'] },
    gateway: { services: [serviceOf({ tenants: 'all' })] },
  },
});

describe('who calls, asked at a whole server', () => {
  const right = basicOf(alice.username, alice.password);

  beforeAll(async () => {
    await server.instances[0]?.tenants.list();
  });

  /** As a proxy asks that passes on all that its client sent, twice where it came twice. */
  const ask = (
    authorization: string | string[],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const proxied = {
        'x-forwarded-method': 'GET',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'files.example.com',
        'x-forwarded-uri': '/',
      };
      const url = `${server.publicUrl}/api/authz/forward-auth`;
      // its type knows one alone
      const twice = authorization as string;
      const options = { headers: { ...proxied, ...headers, authorization: twice } };
      const asked = request(url, options, (answer) => {
        answer.resume();
        resolve({
          status: answer.statusCode,
          challenge: answer.headers['www-authenticate'],
          user: answer.headers['remote-user']?.toString(),
        });
      });
      asked.on('error', reject).end();
    });

  it('is not identified by two credentials, although either would suffice', async () => {
    expect(await ask(right)).toMatchObject({ status: 200, user: 'alice' });
    for (const both of [
      [right, right],
      [right, 'Bearer x'],
      ['Bearer x', right],
    ])
      expect((await ask(both)).status).toBe(401);
  });

  it('is not identified by a token that is bound to a key, with any scheme', async () => {
    const config = await openid.discovery(
      new URL(server.issuer('acme')),
      service.id,
      undefined,
      openid.ClientSecretBasic(service.secret),
      { execute: [openid.allowInsecureRequests] },
    );
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair());
    const form = { resource: ordersResource, scope: 'orders:read' };
    const { access_token: bound } = await openid.clientCredentialsGrant(config, form, { DPoP });
    for (const authorization of [`Bearer ${bound}`, `DPoP ${bound}`, basicOf(bound, '')])
      expect((await ask(authorization)).status).toBe(401);
    expect((await ask(`Bearer ${bound}`)).challenge).toContain('invalid_token');
    expect((await ask(`Bearer ${bound}`)).challenge).toContain('proof');
  });

  it('is asked at the only tenant there is, until there is another', async () => {
    expect(await ask(right)).toMatchObject({ status: 200 });
    await server.putTenant('globex', sampleTenant({ displayName: 'Globex' }));
    expect(await ask(right)).toMatchObject({ status: 401 });
    expect(await ask(right, { 'x-id-tenant-name': 'acme' })).toMatchObject({ status: 200 });
    await server.removeTenant('globex');
    expect(await ask(right)).toMatchObject({ status: 200 });
  });
});
