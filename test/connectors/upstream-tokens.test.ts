import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { UpstreamSource } from '../../src/config/source/source-definition.ts';
import { isAppError } from '../../src/errors.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import {
  arrive,
  type ConnectorFixture,
  oauth2Source,
  oidcSource,
  openConnectors,
  redirectOf,
  redirectUri,
  upstreamClient,
} from '../support/upstream-fixture.ts';
import { openUpstreamOauth2, type UpstreamOauth2 } from '../support/upstream-oauth2.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';

type Claims = Readonly<Record<string, unknown>>;

let provider: UpstreamProvider;
let plain: UpstreamOauth2;
let connectors: ConnectorFixture;
let clock: TestClock;

beforeAll(async () => {
  plain = await openUpstreamOauth2();
  provider = await openUpstreamProvider({
    clients: [
      { client_id: upstreamClient.id, client_secret: upstreamClient.secret, redirect_uris: [redirectUri] },
    ],
  });
});

beforeEach(() => {
  clock = createTestClock(Date.now());
  connectors = openConnectors(clock);
  provider.setFaults();
  plain.setFaults();
});

afterEach(() => connectors.close());
afterAll(() => Promise.all([provider.close(), plain.close()]));

const seconds = (): number => Math.floor(clock.now() / 1000);

describe('an access token of a plain upstream', () => {
  const source = (changes: Partial<UpstreamSource> = {}): UpstreamSource => {
    const { clientId, clientSecret, userAuthorizationUri, accessTokenUri, ...tokenOnly } = oauth2Source(
      plain.url,
    );
    return { ...tokenOnly, acceptUpstreamTokens: true, ...changes };
  };
  const verify = (token: string, connector = connectors.connector(source())) =>
    connector.tokens?.verify(token);

  it('needs nothing but user-info and the pattern', async () => {
    const connector = connectors.connector(source());
    expect(connector.redirect).toBeUndefined();
    expect(await verify(plain.issue(), connector)).toMatchObject({ person: { subject: 'bob' } });
  });

  it('is not accepted unless the source says so', () => {
    expect(connectors.connector(source({ acceptUpstreamTokens: false })).tokens).toBeUndefined();
  });

  it('is refused when the upstream does not know it, or it cannot be one', async () => {
    const before = plain.hits(/userinfo/);
    const connector = connectors.connector(source());
    expect(await verify('unknown', connector)).toBeUndefined();
    expect(await verify('unknown', connector)).toBeUndefined();
    expect(plain.hits(/userinfo/) - before).toBe(2);
    for (const odd of ['', 'a b', 'a\r\nx: y', 'ä', 'x'.repeat(20_000)])
      expect(await verify(odd)).toBeUndefined();
    expect(plain.hits(/userinfo/) - before).toBe(2);
  });

  it('is no verdict while the upstream is down', async () => {
    const token = plain.issue();
    plain.setFaults({ at: /userinfo/, fault: { kind: 'down' } });
    expect(await verify(token)?.catch((error: unknown) => isAppError(error, 'unavailable'))).toBe(true);
    plain.setFaults();
    expect(await verify(token)).toBeDefined();
  });

  it.each([
    ['five seconds', {}, 5000],
    ['the time that the source says', { tokenCacheSeconds: 60 }, 60_000],
  ])('is asked about once in %s, and once by many at a time', async (_time, changes, keptMs) => {
    const connector = connectors.connector(source(changes));
    const token = plain.issue();
    const before = plain.hits(/userinfo/);
    await Promise.all(Array.from({ length: 20 }, () => verify(token, connector)));
    clock.advance(keptMs - 1000);
    expect(await verify(token, connector)).toMatchObject({ freshForMs: 1000 });
    expect(plain.hits(/userinfo/) - before).toBe(1);
    clock.advance(1000);
    plain.revokeAll();
    expect(await verify(token, connector)).toBeUndefined();
    expect(plain.hits(/userinfo/) - before).toBe(2);
  });

  it('is asked about each time where nothing is to be kept', async () => {
    const connector = connectors.connector(source({ tokenCacheSeconds: 0 }));
    const token = plain.issue();
    expect(await verify(token, connector)).toMatchObject({ freshForMs: 0 });
    plain.revokeAll();
    expect(await verify(token, connector)).toBeUndefined();
  });

  it('is refused at once after an event has emptied the cache', async () => {
    const connector = connectors.connector(source());
    const token = plain.issue();
    await verify(token, connector);
    plain.revokeAll();
    expect(await verify(token, connector)).toBeDefined();
    connectors.upstreams.verdicts.clear();
    expect(await verify(token, connector)).toBeUndefined();
  });

  it('that was asked about when the event came is not remembered', async () => {
    const connector = connectors.connector(source());
    const token = plain.issue();
    const underWay = verify(token, connector);
    connectors.upstreams.verdicts.clear();
    expect(await underWay).toBeDefined();
    plain.revokeAll();
    expect(await verify(token, connector)).toBeUndefined();
  });

  it('that is refused while the event comes is refused, not an error', async () => {
    const underWay = verify('unknown', connectors.connector(source()));
    connectors.upstreams.verdicts.clear();
    expect(await underWay).toBeUndefined();
  });

  it('is remembered no longer by a clock that was set back', async () => {
    const connector = connectors.connector(source());
    const token = plain.issue();
    await verify(token, connector);
    plain.revokeAll();
    clock.advance(-3_600_000);
    expect(await verify(token, connector)).toBeUndefined();
  });

  it('that one source accepts is asked about again by another', async () => {
    const token = plain.issue();
    await verify(token);
    const before = plain.hits(/userinfo/);
    await verify(token, connectors.connector(source()));
    expect(plain.hits(/userinfo/) - before).toBe(1);
  });

  it('has the risk of an unknown audience named, once', async () => {
    const connector = connectors.connector(source());
    await verify(plain.issue(), connector);
    await verify(plain.issue(), connector);
    expect(connectors.logLines.filter((line) => line.includes('audience'))).toHaveLength(1);
  });

  it('without an audience is refused where one is demanded', async () => {
    expect(
      await verify(plain.issue(), connectors.connector(source({ tokenAudience: 'us' }))),
    ).toBeUndefined();
  });

  it('with a wrong one has the claim named in the log, once a minute', async () => {
    const connector = connectors.connector(source({ tokenAudience: 'us' }));
    const wrong = (n: number): string =>
      `e30.${Buffer.from(JSON.stringify({ aud: 'others', n })).toString('base64url')}.c2ln`;
    const said = () =>
      connectors.logLines
        .map((line) => JSON.parse(line))
        .filter(
          ({ level, detail }) =>
            level === 'info' && detail?.includes('the claim "aud" is "others", without us'),
        );
    for (const n of [1, 2, 3]) expect(await verify(wrong(n), connector)).toBeUndefined();
    expect(said()).toHaveLength(1);
    clock.advance(60_000);
    await verify(wrong(4), connector);
    expect(said()).toHaveLength(2);
  });
});

describe('an access token of an OpenID provider', () => {
  const corp = (changes: Partial<UpstreamSource> = {}) =>
    connectors.connector(oidcSource(provider.issuer, { acceptUpstreamTokens: true, ...changes }));
  const jwt = (changes: Claims = {}, header = {}): Promise<string> =>
    provider.sign(
      {
        iss: provider.issuer,
        sub: 'anna',
        aud: 'our-api',
        iat: seconds(),
        exp: seconds() + 300,
        email: 'anna@upstream.test',
        ...changes,
      },
      header,
    );
  const verifyJwt = async (changes: Claims = {}, header = {}) =>
    corp({ tokenAudience: 'our-api' }).tokens?.verify(await jwt(changes, header));

  it('that is opaque is shown to user-info', async () => {
    const { tokens } = await arrive(corp());
    expect(await corp().tokens?.verify(tokens.accessToken)).toMatchObject({
      person: { subject: 'anna', issuer: provider.issuer, attributes: { email: 'anna@upstream.test' } },
    });
  });

  it('that is a JWT for us is accepted by its signature', async () => {
    expect(await verifyJwt({}, { typ: 'at+jwt' })).toMatchObject({
      person: { subject: 'anna', issuer: provider.issuer },
      expiresAt: seconds() + 300,
    });
  });

  const badTokens: readonly (readonly [string, Claims, string])[] = [
    ['another issuer', { iss: 'https://evil.test' }, 'the claim "iss"'],
    ['another audience', { aud: 'other-api' }, 'the claim "aud" is "other-api", without our-api'],
    ['no audience', { aud: undefined }, 'the claim "aud" is null, without our-api'],
    ['no expiry', { exp: undefined }, 'the claim "exp"'],
    ['no time of issue', { iat: undefined }, 'the claim "iat"'],
    ['no subject', { sub: undefined }, 'the claim "sub"'],
    ['an expiry in the past', { exp: 1 }, 'the claim "exp"'],
    ['the marks of an ID token', { nonce: 'n' }, 'no access token'],
    ['the marks of a refresh token (Keycloak)', { typ: 'Refresh' }, 'no access token'],
    ['the marks of a logout token', { events: {} }, 'no access token'],
  ];

  it.each(badTokens)('with %s is refused, and the reason is logged', async (_what, claims, reason) => {
    const reasons: string[] = [];
    const verified = await corp({ tokenAudience: 'our-api' }).tokens?.verify(await jwt(claims), (why) =>
      reasons.push(why),
    );
    expect(verified).toBeUndefined();
    expect(reasons).toEqual([expect.stringContaining(reason)]);
    const details = connectors.logLines.map((line) => JSON.parse(line).detail);
    expect(details).toContainEqual(reasons[0]);
  });

  it('that somebody else has signed fills no log', async () => {
    const [head, payload] = (await jwt()).split('.');
    const reasons: string[] = [];
    const connector = corp({ tokenAudience: 'our-api' });
    await connector.tokens?.verify(`${head}.${payload}.${'A'.repeat(86)}`, (why) => reasons.push(why));
    expect(reasons).toEqual(['it is not signed with a published key of the provider']);
    expect(connectors.logLines.filter((line) => JSON.parse(line).level !== 'debug')).toEqual([]);
  });

  it.each(['logout+jwt', 'secevent+jwt', 'id+jwt'])('of type %s is refused', async (typ) => {
    expect(await verifyJwt({}, { typ })).toBeUndefined();
  });

  it('that the upstream has taken back is refused, where it was meant for the upstream', async () => {
    const token = await jwt({ aud: upstreamClient.id });
    expect(await corp().tokens?.verify(token)).toBeUndefined();
  });

  it('is not remembered past its expiry', async () => {
    const connector = corp({ tokenAudience: 'our-api' });
    const token = await jwt({ exp: seconds() + 5 });
    expect(await connector.tokens?.verify(token)).toBeDefined();
    clock.advance(40_000);
    expect(await connector.tokens?.verify(token)).toBeUndefined();
  });

  it('for itself, an ID token, opens nothing', async () => {
    const { tokens } = await arrive(corp());
    expect(await corp().tokens?.verify(tokens.idToken ?? '')).toBeUndefined();
  });
});

describe('a logout token', () => {
  const event = 'http://schemas.openid.net/event/backchannel-logout';
  const verify = async (changes: Claims = {}, header = {}) =>
    redirectOf(connectors.connector(oidcSource(provider.issuer))).verifyLogoutToken(
      await provider.sign(
        {
          iss: provider.issuer,
          aud: upstreamClient.id,
          sub: 'anna',
          sid: 'session-1',
          jti: 'once',
          iat: seconds(),
          exp: seconds() + 120,
          events: { [event]: {} },
          ...changes,
        },
        { typ: 'logout+jwt', ...header },
      ),
    );

  it('says whose session ends, and how long its jti must be remembered', async () => {
    expect(await verify()).toEqual({
      issuer: provider.issuer,
      subject: 'anna',
      sid: 'session-1',
      jti: 'once',
      expiresAt: seconds() + 150,
    });
  });

  it('may name the person or the session alone', async () => {
    expect(await verify({ sid: undefined })).toMatchObject({ subject: 'anna' });
    expect(await verify({ sub: undefined })).toMatchObject({ sid: 'session-1' });
  });

  it('of a provider that gives no type is good', async () => {
    expect(await verify({}, { typ: undefined })).toBeDefined();
    expect(await verify({}, { typ: 'JWT' })).toBeDefined();
  });

  const badLogouts: readonly (readonly [string, Claims, object])[] = [
    ['another issuer', { iss: 'https://evil.test' }, {}],
    ['another audience', { aud: 'other' }, {}],
    ['neither person nor session', { sub: undefined, sid: undefined }, {}],
    ['no jti', { jti: undefined }, {}],
    ['no event', { events: undefined }, {}],
    ['another event', { events: { other: {} } }, {}],
    ['an event that is no object', { events: { [event]: true } }, {}],
    ['a nonce', { nonce: 'n' }, {}],
    ['no time of issue', { iat: undefined }, {}],
    ['a time of issue long ago', { iat: 1_600_000_000, exp: 4_000_000_000 }, {}],
    ['a time of issue in the future', { iat: 4_000_000_000, exp: 4_000_000_001 }, {}],
    ['no expiry', { exp: undefined }, {}],
    ['an expiry in the past', { exp: 1_600_000_000 }, {}],
    ['another type', {}, { typ: 'at+jwt' }],
  ];

  it.each(badLogouts)('with %s is not valid', async (_what, claims, header) => {
    expect(await verify(claims, header)).toBeUndefined();
  });

  it('that is not signed, or no JWT at all, is not valid', async () => {
    const { verifyLogoutToken } = redirectOf(connectors.connector(oidcSource(provider.issuer)));
    expect(await verifyLogoutToken('not-a-jwt')).toBeUndefined();
    const [, payload] = (await provider.sign({ iss: provider.issuer })).split('.');
    expect(await verifyLogoutToken(`eyJhbGciOiJub25lIn0.${payload}.`)).toBeUndefined();
  });

  it('cannot be judged while the keys cannot be had', async () => {
    provider.setFaults({ at: /jwks/, fault: { kind: 'down' } });
    expect(await verify().catch((error: unknown) => isAppError(error, 'unavailable'))).toBe(true);
  });
});
