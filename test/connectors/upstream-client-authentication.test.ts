import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import type { UpstreamSource } from '../../src/config/source/source-definition.ts';
import { type AppError, isAppError } from '../../src/errors.ts';
import { cloneInThisRealm } from '../support/same-realm-clone.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../support/slapd-certificates.ts';
import {
  arrive,
  type ConnectorFixture,
  oidcSource,
  openConnectors,
  redirectOf,
  redirectUri,
  travel,
} from '../support/upstream-fixture.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';

const secret = 'a secret: with / odd & characters+ of all kinds %41';

let authority: CertificateAuthority;
let upstream: UpstreamProvider;
let connectors: ConnectorFixture;
let pem: string;
let clientCertificate: { readonly cert: string; readonly key: string };
let strangeCertificate: { readonly cert: string; readonly key: string };

const client = (id: string, more: ClientMetadata | Partial<ClientMetadata>): ClientMetadata => ({
  client_id: id,
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code'],
  ...more,
});

beforeAll(async () => {
  cloneInThisRealm();
  authority = await createCertificateAuthority();
  const server = await authority.issue('IP:127.0.0.1');
  clientCertificate = await authority.issue('DNS:bridge.test');
  strangeCertificate = await authority.issue('DNS:stranger.test');
  const pair = await generateKeyPair('ES256', { extractable: true });
  pem = await exportPKCS8(pair.privateKey);
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const publicKey = { kty, crv, x, y, kid: 'ours', use: 'sig', alg: 'ES256' };
  upstream = await openUpstreamProvider({
    clients: [
      client('basic', { client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' }),
      client('post', { client_secret: secret, token_endpoint_auth_method: 'client_secret_post' }),
      client('hmac', { client_secret: secret, token_endpoint_auth_method: 'client_secret_jwt' }),
      client('key', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicKey as never] } }), // a JWK
      client('public', { token_endpoint_auth_method: 'none' }),
      client('tls', {
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_san_dns: 'bridge.test',
        tls_client_certificate_bound_access_tokens: false,
      }),
    ],
    configuration: {
      clientAuthMethods: [
        'client_secret_basic',
        'client_secret_post',
        'client_secret_jwt',
        'private_key_jwt',
        'none',
        'tls_client_auth',
      ],
      features: { pushedAuthorizationRequests: { enabled: true } },
    },
    mtls: { ca: authority.ca, cert: server.cert, key: server.key },
  });
});

beforeEach(() => {
  connectors = openConnectors();
});
afterEach(() => connectors.close());
afterAll(async () => {
  await upstream.close();
  await authority.remove();
});

const corp = (clientId: string, changes: Partial<UpstreamSource>) => {
  const { clientSecret, ...source } = oidcSource(upstream.issuer, { clientId, ...changes });
  return connectors.connector(
    changes.clientSecret === undefined ? source : { ...source, clientSecret: changes.clientSecret },
  );
};
const withKey = () =>
  ({ clientAuthMethod: 'private_key_jwt', privateKey: { pem, alg: 'ES256', kid: 'ours' } }) as const;

describe('the upstream knows us', () => {
  it.each([
    ['basic', 'client_secret_basic'],
    ['post', 'client_secret_post'],
    ['hmac', 'client_secret_jwt'],
  ] as const)('%s, by %s', async (id, clientAuthMethod) => {
    await arrive(corp(id, { clientAuthMethod, clientSecret: secret }));
  });

  it('by private_key_jwt', async () => {
    await arrive(corp('key', withKey()));
  });

  it('as a public client with PKCE', async () => {
    await arrive(corp('public', { clientAuthMethod: 'none' }));
  });

  it('by a client certificate, at the address for it, whose authority is a private one', async () => {
    await arrive(
      corp('tls', { clientAuthMethod: 'tls_client_auth', tls: { ca: authority.ca, ...clientCertificate } }),
    );
  });

  it('not by another certificate', async () => {
    const tls = { ca: authority.ca, ...strangeCertificate };
    const refusal = await outageOf(travel(corp('tls', { clientAuthMethod: 'tls_client_auth', tls })));
    expect(refusal.detail).toContain('invalid_client');
  });

  it('but is not trusted without its authority', async () => {
    const connector = corp('tls', { clientAuthMethod: 'tls_client_auth', tls: clientCertificate });
    const { cause, isLasting, message } = await outageOf(travel(connector));
    expect(String(cause)).toContain('certificate');
    expect({ isLasting, message }).toEqual({
      isLasting: true,
      message: expect.stringMatching(/TLS fails \(.*(?:SELF_SIGNED|UNABLE_TO)/),
    });
  });
});

const outageOf = async (attempt: Promise<unknown>): Promise<AppError> => {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isAppError(error, 'unavailable')) throw new Error(`no outage, but ${String(error)}`);
  return error;
};

describe('a pushed authorization request', () => {
  it('keeps what the app asked for out of the browser', async () => {
    const connector = corp('key', withKey());
    const { url } = await redirectOf(connector).begin({
      redirectUri,
      state: 's',
      loginHint: 'anna@acme.test',
    });
    expect([...new URL(url).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
  });

  it('that the upstream refuses is a fault of a setting, which the error names', async () => {
    const { begin: start } = redirectOf(
      corp('post', { clientAuthMethod: 'client_secret_post', clientSecret: 'some-wrong-secret' }),
    );
    const error = await outageOf(start({ redirectUri, state: 's' }));
    expect(error).toMatchObject({ isLasting: true, message: expect.stringContaining('invalid_client') });
    expect(`${error.stack} ${error.detail}`).not.toContain('some-wrong-secret');
  });
});

describe('a key that cannot be used', () => {
  it('is a fault of a setting, and is not shown', async () => {
    const { begin: start } = redirectOf(
      corp('key', {
        clientAuthMethod: 'private_key_jwt',
        privateKey: { pem: 'no-key-at-all', alg: 'ES256' },
      }),
    );
    const error = await outageOf(start({ redirectUri, state: 's' }));
    expect(error.isLasting).toBe(true);
    expect(`${error.stack} ${error.detail}`).not.toContain('no-key-at-all');
  });
});
