import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { approveDevice, pollDevice, startDevice } from '../support/device.ts';
import { dumpStore } from '../support/dump-store.ts';
import {
  introspect,
  redeem,
  refresh,
  revoke,
  signIn,
  signOut,
  tokenRequest,
  userinfo,
} from '../support/oauth-client.ts';
import { alice, migrator, ordersResource, partner, service, web } from '../support/sample-tenants.ts';
import { eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

// who reads the store or the log must not be able to act as anybody
eachStore((store) => {
  let server: TestServer;
  /** Name to value, of everything that was given to somebody and is good for something. */
  const secrets = new Map<string, string>();
  const note = (name: string, value: string | undefined): string => {
    if (value === undefined) throw new Error(`${name} was not issued`);
    secrets.set(name, value);
    return value;
  };

  beforeAll(async () => {
    server = await startTestServer({ store });
    const issuer = server.issuer('acme');
    const request = {
      issuer,
      client: partner,
      scope: 'openid profile offline_access orders:read',
      extra: { resource: ordersResource, prompt: 'consent', state: 'state-of-the-app-0123456789' },
    };

    const browser = createBrowser();
    const unused = await signIn(browser, request);
    note('unused code', unused.code);
    note('verifier', unused.verifier);
    const used = await signIn(browser, request);
    note('used code', used.code);
    const first = await redeem(request, used);
    note('opaque access token', first.body.access_token);
    note('ID token', first.body.id_token);
    note('rotated refresh token', first.body.refresh_token);
    const second = await refresh(issuer, partner, first.body.refresh_token, { resource: ordersResource });
    note('JWT', second.body.access_token);
    note('refresh token', second.body.refresh_token);
    await userinfo(issuer, first.body.access_token ?? '');
    await introspect(issuer, partner, second.body.access_token ?? '');
    await introspect(issuer, web, first.body.access_token ?? '');
    const services = await tokenRequest(issuer, service, { grant_type: 'client_credentials' });
    note('token of a service', services.body.access_token);
    await revoke(issuer, partner, services.body.access_token ?? '');
    const form = { grant_type: 'password', username: alice.username, password: alice.password };
    note('token by password', (await tokenRequest(issuer, migrator, form)).body.access_token);
    await tokenRequest(issuer, migrator, {
      ...form,
      password: note('wrong password', 'a-mistyped-passphrase'),
    });

    const device = await startDevice(issuer);
    note('pending device code', (await startDevice(issuer)).device_code);
    note('device code', device.device_code);
    await approveDevice(browser, issuer, device);
    note('token of a device', (await pollDevice(issuer, device)).body.access_token);

    // an interaction's cookie holds what its URL holds too; its signature, of the same length as any, is the secret
    for (const { name, value } of browser.cookies()) {
      if (name.includes('session') || name.endsWith('.sig')) note(`cookie ${name}`, value);
    }
    note('password', alice.password);
    note('secret of a client', partner.secret);
    const leaving = createBrowser();
    await signIn(leaving, request);
    await signOut(leaving, issuer);
    // errors are logged with what caused them
    await redeem(request, used);
    await tokenRequest(
      issuer,
      { ...partner, secret: note('wrong secret', 'not-the-secret-0123456789') },
      form,
    );
    await refresh(issuer, partner, `${second.body.refresh_token}x`);
  }, 60_000);
  afterAll(() => server.close());

  const found = (text: string): readonly string[] =>
    [...secrets].flatMap(([name, value]) => (text.includes(value) ? [name] : []));

  it('keeps no token, code, cookie or password in the store', async () => {
    const dump = await dumpStore(server.storeUrl);
    expect(dump).toContain('acme'); // it is not empty
    expect(secrets.size).toBeGreaterThanOrEqual(18);
    expect(found(dump)).toEqual([]);
  });

  it('keeps no private key in the store', async () => {
    const dump = await dumpStore(server.storeUrl);
    expect(dump).not.toMatch(/"d":|\\"d\\":|PRIVATE KEY/);
  });

  it('writes no token, code, cookie or password to the log', () => {
    const lines = server.logLines();
    expect(lines.length).toBeGreaterThan(20);
    expect(found(lines.join('\n'))).toEqual([]);
  });
});
