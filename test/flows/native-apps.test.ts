import { expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { prepareAuthorization, redeem, signIn } from '../support/oauth-client.ts';
import {
  desktop,
  mobile,
  openClient,
  publicClient,
  sampleClients,
  sampleTenant,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const claimed = openClient('claimed', 'https://app.example.com/native/callback');
const loopback6 = openClient('loopback6', 'http://[::1]:49152/callback');

const acme = sampleTenant({
  clients: [
    ...sampleClients,
    publicClient(claimed),
    publicClient(loopback6, { redirect_uris: ['http://[::1]/callback'] }),
  ],
});

// RFC 8252
const server = await useServer({ store: sqliteStore, tenants: { acme } });
const issuer = server.issuer('acme');

it.each([
  ['a loopback address', desktop],
  ['an IPv6 loopback address', loopback6],
  ['a private-use scheme', mobile],
  ['a claimed https address', claimed],
])('gets its tokens through %s', async (_name, client) => {
  // RFC 8252 section 8.6: nobody but this app can receive a code at the other addresses
  const request = { issuer, client, consent: client === mobile };
  const signedIn = await signIn(createBrowser(), request);
  const { status, body } = await redeem(request, signedIn);
  expect(status).toBe(200);
  expect(body).toMatchObject({ access_token: expect.any(String), id_token: expect.any(String) });
});
it.each(['http://127.0.0.1/callback', 'http://127.0.0.1:1/callback', 'http://127.0.0.1:65535/callback'])(
  'may listen at any port: %s',
  async (redirectUri) => {
    const request = { issuer, client: { ...desktop, redirectUri } };
    const signedIn = await signIn(createBrowser(), request);
    expect((await redeem(request, signedIn)).status).toBe(200);
  },
);

it('redeems its code with the port that it asked with', async () => {
  const signedIn = await signIn(createBrowser(), { issuer, client: desktop });
  const other = { ...desktop, redirectUri: 'http://127.0.0.1:50000/callback' };
  expect((await redeem({ issuer, client: other }, signedIn)).body.error).toBe('invalid_grant');
  expect((await redeem({ issuer, client: desktop }, signedIn)).status).toBe(200);
});

it.each([
  'http://127.0.0.1:49152/other',
  'http://127.0.0.1:49152/callback/',
  'http://127.0.0.1:49152/callback?x=1',
  'http://127.0.0.1:49152/callback#x',
  'http://localhost:49152/callback',
  'http://[::1]:49152/callback',
  'http://127.0.0.2:49152/callback',
  'http://127.0.0.1.evil.example:49152/callback',
  'http://127.0.0.1:49152@evil.example/callback',
  'https://127.0.0.1:49152/callback',
])('goes to no other place than its own: %s', async (redirectUri) => {
  const { url } = prepareAuthorization({ issuer, client: { ...desktop, redirectUri } });
  expect(await createBrowser().get(url)).toMatchObject({ status: 400, location: undefined });
});

it.each(['com.example.mobile:/other', 'com.example.mobile://callback', 'com.example.mobilex:/callback'])(
  'with a scheme goes to no other place than its own: %s',
  async (redirectUri) => {
    const { url } = prepareAuthorization({ issuer, client: { ...mobile, redirectUri } });
    expect(await createBrowser().get(url)).toMatchObject({ status: 400, location: undefined });
  },
);
