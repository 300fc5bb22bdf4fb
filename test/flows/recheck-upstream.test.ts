import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { hashId } from '../../src/crypto/ids.ts';
import { type Browser, createBrowser, type Page } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { codeOf } from '../support/federation.ts';
import {
  goToAuthorization,
  introspect,
  prepareAuthorization,
  redeem,
  refresh,
  type TokenBody,
  userinfo,
} from '../support/oauth-client.ts';
import { sampleTenant, type TenantContent, web } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';

const minute = 60_000;
/** Short: a code is good for a minute of the machine's time. */
const due = 11_000;
const day = 24 * 3600;
const secret = 'a-secret-between-us';
const token = /^\/token$/;

const tenant = (upstream: UpstreamProvider, changes: object = {}): TenantContent => ({
  ...sampleTenant(),
  sources: [
    { id: 'local', type: 'local' },
    {
      id: 'corp',
      type: 'oidc',
      issuer: upstream.issuer,
      clientId: 'bridge',
      clientSecret: secret,
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      recheck: '10s',
      degraded: { sessions: '30m' },
      ...changes,
    } as never, // the schema judges it
  ],
});

describe('a person of an OpenID provider without details', () => {
  let upstream: UpstreamProvider;
  let server: TestServer;
  let clock: TestClock;
  let issuer: string;
  let browser: Browser;
  let tokens: TokenBody;
  let who: string;
  let people = 0;

  const anna = () => ({ name: 'Anna', email: `${who}@upstream.test`, groups: ['staff'] });

  beforeAll(async () => {
    clock = createTestClock(Date.now());
    server = await startTestServer({ store: sqliteStore, clock, instances: 2 });
    issuer = server.issuer('acme');
    upstream = await openUpstreamProvider({
      clients: [
        {
          client_id: 'bridge',
          client_secret: secret,
          redirect_uris: [`${issuer}/upstream/corp/callback`],
          grant_types: ['authorization_code', 'refresh_token'],
        },
      ],
      configuration: {
        // a token that is used twice ends the whole grant
        rotateRefreshToken: true,
        ttl: { Interaction: 60, Grant: day, Session: day, AccessToken: day, RefreshToken: day, IdToken: day },
      },
    });
    await server.putTenant('acme', tenant(upstream));
  });
  beforeEach(async () => {
    people += 1;
    who = `anna-${people}`;
    upstream.setLogin({ accountId: who });
    upstream.setPerson(who, anna());
    browser = createBrowser();
    tokens = await signIn(browser);
  });
  afterEach(() => {
    upstream.setFaults();
    upstream.disable();
    upstream.tamper(undefined);
    // the engine reads the time of the machine for what waits in a browser
    clock.advance(Date.now() - clock.now());
  });
  afterAll(async () => {
    await server.close();
    await upstream.close();
  });

  const authorize = (from: Browser, extra: Readonly<Record<string, string>>): Promise<Page> =>
    goToAuthorization(
      from,
      prepareAuthorization({ issuer, client: web, scope: 'openid groups profile', extra }),
      web.redirectUri,
    );
  const signIn = async (from: Browser): Promise<TokenBody> => {
    const request = { issuer, client: web, scope: 'openid groups profile', extra: { idp_hint: 'corp' } };
    const prepared = prepareAuthorization(request);
    const page = await goToAuthorization(from, prepared, web.redirectUri);
    return (await redeem(request, { ...prepared, code: codeOf(page) })).body;
  };
  const statusOf = async ({ access_token: accessToken = '' }: TokenBody): Promise<number> =>
    (await userinfo(issuer, accessToken)).status;
  const isActive = async (): Promise<unknown> =>
    (await introspect(issuer, web, tokens.access_token ?? '')).body.active;
  const isSignedIn = async (): Promise<boolean> =>
    (await authorize(browser, { prompt: 'none' })).location?.includes('code=') === true;
  const recordsOf = async (action: string): Promise<readonly unknown[]> =>
    (await server.storage.forTenant('acme').audit.list({ limit: 100 })).filter(
      (record) => record.action === action,
    );

  it('is looked up by the tokens of the sign-in, at each refresh and when it is due', async () => {
    const before = upstream.hits(token);
    const first = await refresh(issuer, web, tokens.refresh_token);
    const second = await refresh(issuer, web, first.body.refresh_token);
    const [refreshed, early] = [upstream.hits(token), await statusOf(tokens)];
    clock.advance(due);
    const later = await statusOf(tokens);

    expect([first.status, second.status, early, later]).toEqual([200, 200, 200, 200]);
    expect(refreshed).toBe(before + 2);
    expect(upstream.hits(token)).toBe(before + 3);
  });

  it.each([
    [
      'a refresh',
      async () => expect((await refresh(issuer, web, tokens.refresh_token)).body.error).toBe('invalid_grant'),
    ],
    ['userinfo', async () => expect(await statusOf(tokens)).toBe(401)],
    ['introspection', async () => expect(await isActive()).toBe(false)],
    ['single sign-on', async () => expect(await isSignedIn()).toBe(false)],
  ] as const)(
    'is out everywhere once disabled there, as %s finds, until they are let in there again',
    async (_, find) => {
      const before = await recordsOf('account.source_gone');
      upstream.disable(who);
      clock.advance(due);
      await find();

      expect([await statusOf(tokens), await isActive(), await isSignedIn()]).toEqual([401, false, false]);
      expect((await refresh(issuer, web, tokens.refresh_token)).body.error).toBe('invalid_grant');
      expect(await recordsOf('account.source_gone')).toHaveLength(before.length + 1);

      upstream.disable();
      clock.advance(due);
      expect(await statusOf(tokens)).toBe(401);
      const again = await signIn(createBrowser());
      clock.advance(due);
      expect(await statusOf(again)).toBe(200);
    },
  );

  it.each([
    ['a failure', { kind: 'status', status: 500 }, 503],
    ['a cut connection', { kind: 'down' }, 503],
    ['too much', { kind: 'status', status: 429 }, 503],
    ['a pause', { kind: 'answer', status: 503, body: '{"error":"temporarily_unavailable"}' }, 503],
    ['a secret that is wrong', { kind: 'answer', status: 401, body: '{"error":"invalid_client"}' }, 500],
    [
      'a client without rights',
      { kind: 'answer', status: 400, body: '{"error":"unauthorized_client"}' },
      500,
    ],
  ] as const)(
    'goes on during %s, as long as the tenant says, and then gets an error',
    async (_, fault, status) => {
      upstream.setFaults({ at: token, fault });
      clock.advance(29 * minute);
      expect([await statusOf(tokens), await isActive()]).toEqual([200, true]);
      clock.advance(10 * minute);
      const refused = await refresh(issuer, web, tokens.refresh_token);
      expect([await statusOf(tokens), refused.status]).toEqual([status, status]);
      upstream.setFaults();
      expect(await statusOf(tokens)).toBe(200);
      expect((await refresh(issuer, web, tokens.refresh_token)).status).toBe(200);
    },
  );

  it('names the fault of the client for the operator', async () => {
    const answer = { kind: 'answer', status: 401, body: '{"error":"invalid_client"}' } as const;
    upstream.setFaults({ at: token, fault: answer });
    await refresh(issuer, web, tokens.refresh_token);

    const [line = '{}'] = server.logLines().filter((one) => one.includes('refreshes no tokens'));
    expect(JSON.parse(line)).toMatchObject({ level: 'error', source: 'corp', detail: 'invalid_client' });
  });

  it('loses no rotated token when user-info is down after the refresh', async () => {
    upstream.setFaults({ at: /^\/me$/, fault: { kind: 'status', status: 500 } });
    clock.advance(due);
    expect(await statusOf(tokens)).toBe(200);
    upstream.setFaults();
    expect(await statusOf(tokens)).toBe(200);
    clock.advance(due);
    expect(await statusOf(tokens)).toBe(200);
  });

  it.each([401, 403])(
    'after a refresh and %i of user-info: out or not, as the status says',
    async (status) => {
      upstream.setFaults({ at: /^\/me$/, fault: { kind: 'status', status } });
      clock.advance(due);
      expect(await statusOf(tokens)).toBe(status === 401 ? 401 : 200);
      upstream.setFaults();
      clock.advance(due);
      // who was out stays out until the next sign-in
      expect(await statusOf(tokens)).toBe(status === 401 ? 401 : 200);
    },
  );

  it('is asked about once, however many ask on two instances', async () => {
    clock.advance(due);
    const before = upstream.hits(token);
    const statuses = await Promise.all(Array.from({ length: 12 }, () => statusOf(tokens)));

    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(upstream.hits(token)).toBe(before + 1);
    clock.advance(due);
    expect(await statusOf(tokens)).toBe(200);
  });

  it('is out when the refreshed ID token is about somebody else', async () => {
    upstream.tamper(({ claims, header }) => ({ claims: { ...claims, sub: 'berta' }, header }));
    clock.advance(due);
    expect([await statusOf(tokens), await isSignedIn()]).toEqual([401, false]);
  });

  it('has the groups and the name that the upstream says now', async () => {
    const read = async () =>
      (await userinfo(issuer, tokens.access_token ?? '')).body as Readonly<Record<string, unknown>>;
    expect((await read()).groups).toEqual(['corp:staff']);
    upstream.setPerson(who, { ...anna(), name: 'Anna Neu', groups: ['board'] });
    clock.advance(due);

    expect(await read()).toMatchObject({ groups: ['corp:board'], name: 'Anna Neu' });
  });

  it('keeps one sign-in while another of theirs ends at the upstream', async () => {
    const other = await signIn(createBrowser());
    await upstream.endLatestGrant();
    clock.advance(due);

    expect([await statusOf(tokens), await statusOf(other)]).toEqual([200, 200]);
    expect(decodeJwt(tokens.id_token ?? '').sub).toBe(decodeJwt(other.id_token ?? '').sub);
  });

  describe('whose session an operator or they themselves end from elsewhere', () => {
    const by = { actor: 'cli' };
    const subOf = ({ id_token: idToken = '' }: TokenBody): string => decodeJwt(idToken).sub ?? '';
    const isKept = async (): Promise<boolean> => {
      const id = hashId(JSON.stringify([subOf(tokens), 'corp']));
      const { artifacts } = server.storage.forTenant('acme');
      return (await artifacts.load([{ kind: 'UpstreamTokens', id }])).artifacts.length > 0;
    };
    const expectNothingLeft = async (): Promise<void> => {
      await eventually('the tokens are revoked', () => upstream.refreshTokensOf(who) === 0, 5000);
      await eventually('nothing is kept', async () => !(await isKept()), 5000);
    };

    it.each([
      [
        'the session',
        async (sub: string) => {
          const { sessions } = await servedTenant(server, 'acme');
          const [session] = await sessions.list(sub);
          return sessions.end(sub, session?.id ?? '', by);
        },
      ],
      ['all sessions', async (sub: string) => (await servedTenant(server, 'acme')).sessions.endAll(sub, by)],
      ['the account by disabling it', (sub: string) => server.users('acme').disable(sub)],
      ['the account by deleting it', (sub: string) => server.users('acme').remove(sub)],
    ] as const)('leaves nothing at the upstream after the end of %s', async (_, end) => {
      expect([upstream.refreshTokensOf(who), await isKept()]).toEqual([1, true]);
      clock.advance(due);
      await statusOf(tokens); // the refresh token of the sign-in was replaced
      await end(subOf(tokens));

      await expectNothingLeft();
      expect(await statusOf(tokens)).toBe(401);
    });

    it('keeps the other sign-ins', async () => {
      const other = await signIn(createBrowser());
      const { sessions } = await servedTenant(server, 'acme');
      const found = await sessions.list(subOf(tokens));
      await sessions.end(subOf(tokens), found[0]?.id ?? '', by);
      await eventually('one is revoked', () => upstream.refreshTokensOf(who) === 1, 5000);
      clock.advance(due);

      const alive = [await statusOf(tokens), await statusOf(other)];
      expect(alive.toSorted()).toEqual([200, 401]);
    });

    it('is ended here at once while the upstream does not answer, which is in the log', async () => {
      upstream.setFaults({ at: /revocation/, fault: { kind: 'down' } });
      const { sessions } = await servedTenant(server, 'acme');
      expect(await sessions.endAll(subOf(tokens), by)).toBe(1);
      expect(await statusOf(tokens)).toBe(401);
      const isWarning = (line: string): boolean =>
        line.includes('"warn"') && line.includes('could not be revoked there');
      await eventually('the failure is logged', () => server.logLines().some(isWarning), 5000);
    });
  });
});
