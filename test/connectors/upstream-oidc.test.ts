import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  arrive,
  type ConnectorFixture,
  oidcSource,
  openConnectors,
  redirectOf,
  redirectUri,
  travel,
  upstreamClient,
} from '../support/upstream-fixture.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';

let upstream: UpstreamProvider;
let connectors: ConnectorFixture;

beforeAll(async () => {
  upstream = await openUpstreamProvider({
    clients: [
      {
        client_id: upstreamClient.id,
        client_secret: upstreamClient.secret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        post_logout_redirect_uris: ['http://localhost:9/signed-out'],
      },
    ],
  });
});

beforeEach(() => {
  connectors = openConnectors();
  upstream.setFaults();
  upstream.tamper(undefined);
  upstream.setLogin({ accountId: 'anna' });
});

afterAll(async () => {
  await upstream.close();
});

describe('signing in at an OpenID provider', () => {
  it('brings back the person with the claims of user-info', async () => {
    const outcome = await arrive(connectors.connector(oidcSource(upstream.issuer)));
    expect(outcome.person).toMatchObject({
      issuer: upstream.issuer,
      subject: 'anna',
      attributes: { name: 'Anna', email: 'anna@upstream.test', email_verified: false },
      groups: [],
      amr: [],
    });
    expect(outcome.tokens.idToken).toBeDefined();
  });

  it('takes a refusal for one', async () => {
    upstream.setLogin(undefined);
    expect(await travel(connectors.connector(oidcSource(upstream.issuer)))).toEqual({
      ok: false,
      reason: 'cancelled',
      detail: 'access_denied: the person refused',
    });
  });

  it('sends PKCE, nonce and state', async () => {
    const { url, memory } = await redirectOf(connectors.connector(oidcSource(upstream.issuer))).begin({
      redirectUri,
      state: 's',
    });
    const query = new URL(url).searchParams;
    expect(query.get('code_challenge_method')).toBe('S256');
    expect(query.get('nonce')).toBe(memory.nonce);
    expect(query.get('state')).toBe('s');
    expect(url).not.toContain(memory.codeVerifier);
  });
});
