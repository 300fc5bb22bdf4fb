import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { UpstreamSource } from '../../src/config/source/source-definition.ts';
import type { SourceFinding } from '../../src/connectors/connector.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../support/slapd-certificates.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import {
  type ConnectorFixture,
  oauth2Source,
  oidcSource,
  openConnectors,
  redirectUri,
  upstreamClient,
} from '../support/upstream-fixture.ts';
import { openUpstreamOauth2, type UpstreamOauth2 } from '../support/upstream-oauth2.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';

let upstream: UpstreamProvider;
let plain: UpstreamOauth2;
let connectors: ConnectorFixture;
let clock: TestClock;
let authority: CertificateAuthority;
let secured: Server;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  const { cert, key } = await authority.issue('DNS:login.test', 10);
  secured = createServer({ cert, key }, (_req, res) => res.writeHead(404).end());
  await new Promise<void>((resolve) => secured.listen(0, '127.0.0.1', resolve));
  plain = await openUpstreamOauth2();
  upstream = await openUpstreamProvider({ clients: [client] });
});

beforeEach(() => {
  clock = createTestClock(Date.now());
  connectors = openConnectors(clock);
  upstream.setFaults();
});

afterEach(() => connectors.close());
afterAll(async () => {
  secured.close();
  await Promise.all([upstream.close(), plain.close(), authority.remove()]);
});

const signedOutUri = 'https://bridge.test/oauth/acme/upstream/corp/signed-out';
const client = {
  client_id: upstreamClient.id,
  client_secret: upstreamClient.secret,
  redirect_uris: [redirectUri],
  post_logout_redirect_uris: [signedOutUri],
};
const examine = (
  source: UpstreamSource,
  at = redirectUri,
  after = signedOutUri,
): Promise<readonly SourceFinding[]> =>
  connectors.connector(source).examine({ redirectUri: at, signedOutUri: after });
const corp = (changes: Partial<UpstreamSource> = {}) => oidcSource(upstream.issuer, changes);
const about = (findings: readonly SourceFinding[], what: string): SourceFinding | undefined =>
  findings.find((finding) => finding.about.endsWith(what));
const problems = (findings: readonly SourceFinding[]): readonly string[] =>
  findings.filter(({ verdict }) => verdict === 'problem').map((finding) => finding.about);

describe('the examination of an upstream', () => {
  it('finds nothing wrong where nothing is', async () => {
    const findings = await examine(corp());
    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(findings.map((finding) => finding.about)).toEqual([
      'discovery',
      'keys',
      'client authentication',
      'redirect URI',
      'user-info',
      'clock',
    ]);
  });

  it('finds a wrong secret, and does not repeat it', async () => {
    const findings = await examine(corp({ clientSecret: 'not-the-right-secret' }));
    expect(about(findings, 'client authentication')).toMatchObject({
      verdict: 'problem',
      message: expect.stringContaining('Check "clientId", the secret'),
    });
    expect(JSON.stringify(findings)).not.toContain('not-the-right-secret');
  });

  it('does not blame the redirect URI when a pushed request fails for the secret', async () => {
    const pushed = await openUpstreamProvider({
      clients: [client],
      configuration: { features: { pushedAuthorizationRequests: { enabled: true } } },
    });
    try {
      const findings = await examine(oidcSource(pushed.issuer, { clientSecret: 'not-the-right-secret' }));
      expect(problems(findings)).toEqual(['client authentication']);
      expect(about(findings, 'redirect URI')?.message).toContain('before the provider takes the client');
    } finally {
      await pushed.close();
    }
  });

  it('knows the words of Keycloak for a wrong secret', async () => {
    const body = JSON.stringify({ error: 'unauthorized_client', error_description: 'Invalid client' });
    upstream.setFaults({ at: /token|par|request$/, fault: { kind: 'answer', body, status: 401 } });
    expect(problems(await examine(corp()))).toEqual(['client authentication']);
    expect(about(await examine(corp()), 'client authentication')?.message).toContain('the secret');
  });

  it('does not warn of a public client that no provider announces', async () => {
    const findings = await examine(corp({ clientAuthMethod: 'none' }));
    expect(JSON.stringify(findings)).not.toContain('does not announce');
  });

  it('says which scope the user-info of an OpenID provider needs', async () => {
    const source = oauth2Source(plain.url, { userInfoUri: `${plain.url}/userinfo`, scopes: ['profile'] });
    expect(about(await examine(source), 'scopes')).toMatchObject({
      verdict: 'warning',
      message: expect.stringContaining('scopes: openid'),
    });
    const withIt = await examine({ ...source, scopes: ['openid'] });
    expect(about(withIt, 'scopes')).toBeUndefined();
  });

  it('distinguishes a port at which nothing listens from an issuer that is misspelt', async () => {
    const gone = await openUpstreamOauth2();
    await gone.close();
    const findings = await examine(corp({ issuer: gone.url }));
    expect(about(findings, 'discovery')?.message).toContain('Nothing listens there');
  });

  it('finds that browsers do not return from a sign-out', async () => {
    const signedOut = 'https://bridge.test/oauth/acme/upstream/corp/elsewhere';
    expect(about(await examine(corp(), redirectUri, signedOut), 'sign-out')).toMatchObject({
      verdict: 'warning',
      message: expect.stringContaining(`Register ${signedOut}`),
    });
  });

  it('finds a redirect URI that is not registered, and names it', async () => {
    const other = 'https://bridge.test/oauth/acme/upstream/corp/callback';
    const finding = about(await examine(corp(), other), 'redirect URI');
    expect(finding?.verdict).toBe('problem');
    expect(finding?.message).toContain(`Register exactly ${other}`);
  });

  it('finds a clock that is wrong', async () => {
    clock.advance(120_000);
    expect(about(await examine(corp()), 'clock')).toMatchObject({
      verdict: 'problem',
      message: expect.stringMatching(/12\d s behind/),
    });
  });

  it('finds an issuer that is written another way', async () => {
    const findings = await examine(corp({ issuer: `${upstream.issuer}/` }));
    expect(about(findings, 'discovery')).toMatchObject({
      verdict: 'problem',
      message: expect.stringContaining(upstream.issuer),
    });
  });

  it('finds keys that cannot be read, and continues', async () => {
    upstream.setFaults({ at: /jwks/, fault: { kind: 'html' } });
    expect(problems(await examine(corp()))).toEqual(['keys']);
  });

  it('finds an upstream that is down', async () => {
    upstream.setFaults({ at: /./, fault: { kind: 'down' } });
    expect(problems(await examine(corp()))).toEqual(['discovery']);
  });

  it('finds a host that has no address', async () => {
    const findings = await examine(corp({ issuer: 'https://no-such-host.invalid' }));
    expect(about(findings, 'name')).toMatchObject({
      verdict: 'problem',
      message: expect.stringContaining('no-such-host.invalid'),
    });
  });

  it('finds what the upstream does not announce', async () => {
    const url = `${upstream.issuer}/.well-known/openid-configuration`;
    const metadata = (await (await fetch(url)).json()) as object;
    const body = JSON.stringify({ ...metadata, grant_types_supported: ['authorization_code'] });
    upstream.setFaults({ at: /openid-configuration/, fault: { kind: 'answer', body } });
    const findings = await examine(corp({ scopes: ['openid', 'payroll'], passwordSignIn: true }));
    expect(about(findings, 'scopes')?.message).toContain('payroll');
    expect(about(findings, 'passwords')?.verdict).toBe('warning');
  });

  it('looks at a source of six properties too', async () => {
    const findings = await examine(oauth2Source(plain.url));
    expect(problems(findings)).toEqual([]);
    expect(about(findings, 'client authentication')?.verdict).toBe('ok');
    const wrong = await examine(oauth2Source(plain.url, { clientSecret: 'wrong' }));
    expect(problems(wrong)).toEqual(['client authentication']);
  });

  it('looks at a source that only accepts tokens', async () => {
    const { clientId, clientSecret, userAuthorizationUri, accessTokenUri, ...source } = oauth2Source(
      plain.url,
    );
    const findings = await examine({ ...source, acceptUpstreamTokens: true });
    expect(findings.map((finding) => finding.about)).toEqual(['access tokens', 'user-info', 'clock']);
  });
});

describe('the certificate of an upstream', () => {
  const tlsOf = async (tls: UpstreamSource['tls']): Promise<SourceFinding | undefined> => {
    const issuer = `https://127.0.0.1:${(secured.address() as AddressInfo).port}`;
    return about(await examine(corp({ issuer, tls })), 'TLS');
  };

  it('of an unknown authority', async () => {
    expect(await tlsOf({})).toMatchObject({
      verdict: 'problem',
      message: expect.stringContaining('"tls.ca"'),
    });
  });

  it('for another host', async () => {
    expect(await tlsOf({ ca: authority.ca })).toMatchObject({
      verdict: 'problem',
      message: expect.stringContaining('"tls.serverName"'),
    });
  });

  it('that ends soon', async () => {
    expect(await tlsOf({ ca: authority.ca, serverName: 'login.test' })).toMatchObject({
      verdict: 'warning',
      message: expect.stringContaining('9 more days'),
    });
  });
});
