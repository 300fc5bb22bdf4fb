import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { importJWK, type JWTPayload, SignJWT } from 'jose';
import { generateSigningJwk } from '../../src/crypto/key-pairs.ts';
import { createBrowser } from '../support/browser.ts';
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
      },
    ],
  });
});

beforeEach(() => {
  connectors = openConnectors();
  upstream.setFaults();
  upstream.tamper(undefined);
  upstream.setLogin({ accountId: 'anna' });
  upstream.setPerson('anna', { name: 'Anna', email: 'anna@upstream.test' });
});

afterEach(() => connectors.close());
afterAll(() => upstream.close());

const corp = (changes: Parameters<typeof oidcSource>[1] = {}) =>
  connectors.connector(oidcSource(upstream.issuer, changes));

/** The refusal of a sign-in whose ID token has these claims. */
const withClaims = async (change: (claims: JWTPayload) => JWTPayload): Promise<string> => {
  upstream.tamper(({ claims, header }) => ({ claims: change(claims), header }));
  const outcome = await travel(corp());
  if (outcome.ok) throw new Error('was let in');
  expect(outcome.reason).toBe('invalid');
  return outcome.detail;
};

const without = (claims: JWTPayload, name: string): JWTPayload =>
  Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

describe('signing in at an OpenID provider', () => {
  it('brings back the person with the claims of user-info', async () => {
    const outcome = await arrive(corp());
    expect(outcome.person).toEqual({
      issuer: upstream.issuer,
      subject: 'anna',
      attributes: { name: 'Anna', email: 'anna@upstream.test', email_verified: false },
      groups: [],
      amr: [],
    });
    expect(outcome.tokens.idToken).toBeDefined();
    expect(outcome.tokens.refreshToken).toBeDefined();
  });

  it('takes a refusal for one', async () => {
    upstream.setLogin(undefined);
    expect(await travel(corp())).toEqual({
      ok: false,
      reason: 'cancelled',
      detail: 'access_denied: the person refused',
    });
  });

  it('sends state, nonce and PKCE', async () => {
    const { url, memory } = await redirectOf(corp()).begin({ redirectUri, state: 'the-state' });
    const query = new URL(url).searchParams;
    expect(query.get('code_challenge_method')).toBe('S256');
    expect(query.get('nonce')).toBe(memory.nonce);
    expect(query.get('state')).toBe('the-state');
    expect(memory.nonce).toBeDefined();
    expect(url).not.toContain(memory.codeVerifier);
  });

  it('passes on what the app asked for, and the fixed parameters of the source', async () => {
    const source = {
      authorizationParameters: { hd: 'acme.test', state: 'mine' },
      acr: { 'urn:upstream:mfa': 'mfa' },
    };
    const { url } = await redirectOf(corp(source)).begin({
      redirectUri,
      state: 's',
      loginHint: 'anna@upstream.test',
      uiLocales: 'de en',
      prompt: 'login',
      maxAge: 60,
      acrValues: 'mfa unknown',
    });
    expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
      hd: 'acme.test',
      state: 's',
      login_hint: 'anna@upstream.test',
      ui_locales: 'de en',
      prompt: 'login',
      max_age: '60',
      acr_values: 'urn:upstream:mfa',
    });
  });

  it('asks for a choice of accounts where the upstream offers one, else for a new sign-in', async () => {
    const promptAt = async (issuer: string): Promise<string | null> => {
      const source = {
        issuer,
        discovery: false,
        userAuthorizationUri: `${issuer}/auth`,
        accessTokenUri: `${issuer}/token`,
      };
      const request = { redirectUri, state: 'the-state', prompt: 'select_account' } as const;
      return new URL((await redirectOf(corp(source)).begin(request)).url).searchParams.get('prompt');
    };
    expect(await promptAt('https://accounts.google.com')).toBe('select_account');
    expect(await promptAt('https://id.example.com')).toBe('login');
  });

  it('says how the person was proven, the class in our words', async () => {
    upstream.tamper(({ claims, header }) => ({
      claims: { ...claims, acr: 'urn:upstream:mfa', amr: ['pwd', 'otp'], auth_time: 1_700_000_000 },
      header,
    }));
    const { person } = await arrive(corp({ acr: { 'urn:upstream:mfa': 'mfa' } }));
    expect(person).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp'], authTime: 1_700_000_000 });
    expect((await arrive(corp())).person.acr).toBeUndefined();
  });

  it('leaves an upstream that does not report the time of the proof to the caller', async () => {
    upstream.tamper(({ claims, header }) => ({ claims: without(claims, 'auth_time'), header }));
    const { person } = await arrive(corp(), { request: { maxAge: 60 } });
    expect(person.authTime).toBeUndefined();
  });

  it('gives the session of the upstream', async () => {
    upstream.tamper(({ claims, header }) => ({ claims: { ...claims, sid: 'upstream-session' }, header }));
    expect((await arrive(corp())).sid).toBe('upstream-session');
  });

  it('takes the subject from where the source says', async () => {
    upstream.tamper(({ claims, header }) => ({ claims: { ...claims, oid: 'object-7' }, header }));
    expect((await arrive(corp({ subjectPointer: '/oid' }))).person.subject).toBe('object-7');
    expect(await travel(corp({ subjectPointer: '/nowhere' }))).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: expect.stringContaining('/nowhere'),
    });
  });

  it('knows groups from the claim of that name', async () => {
    upstream.setPerson('anna', { groups: ['staff', 'admins'] });
    const { person } = await arrive(corp());
    expect(person.groups).toEqual(['staff', 'admins']);
  });

  it('gets new tokens for old ones, and none for a token that was taken back', async () => {
    const redirect = redirectOf(corp());
    const { tokens } = await arrive(corp());
    const fresh = await redirect.refresh(tokens.refreshToken ?? '');
    expect(fresh?.accessToken).toBeDefined();
    expect(fresh?.accessToken).not.toBe(tokens.accessToken);
    expect(await redirect.refresh('never-issued')).toBeUndefined();
  });

  it('needs no discovery where the source names the endpoints', async () => {
    const before = upstream.hits(/well-known/);
    const explicit = {
      discovery: false,
      userAuthorizationUri: `${upstream.issuer}/auth`,
      accessTokenUri: `${upstream.issuer}/token`,
      userInfoUri: `${upstream.issuer}/me`,
    };
    const jwksUri = `${upstream.issuer}/jwks`;
    expect((await arrive(corp({ ...explicit, jwksUri }))).person.subject).toBe('anna');
    expect(upstream.hits(/well-known/)).toBe(before);
    // a signature that nobody can check is worth nothing
    await expect(travel(corp(explicit))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('asks for the discovery document and the keys once for many sign-ins', async () => {
    const before = { discovery: upstream.hits(/well-known/), keys: upstream.hits(/jwks/) };
    await Promise.all(Array.from({ length: 5 }, () => arrive(corp())));
    expect(upstream.hits(/well-known/) - before.discovery).toBe(1);
    expect(upstream.hits(/jwks/) - before.keys).toBe(1);
  });
});

describe('an e-mail', () => {
  const emailOf = async (claims: Record<string, unknown>, source = {}): Promise<unknown> => {
    upstream.setPerson('anna', { email: 'anna@upstream.test', ...claims });
    return (await arrive(corp(source))).person.attributes.email_verified;
  };

  it('is verified when the upstream says so with the boolean', async () => {
    expect(await emailOf({ email_verified: true })).toBe(true);
  });

  it.each([undefined, false, 'true', 1, null])('is not verified by %p', async (claim) => {
    expect(await emailOf({ email_verified: claim })).toBe(false);
  });

  it('is not verified by a claim about another one', async () => {
    upstream.tamper(({ claims, header }) => ({
      claims: { ...claims, email: 'old@upstream.test', email_verified: true },
      header,
    }));
    expect(await emailOf({ email: 'new@upstream.test' })).toBe(false);
  });

  it.each([undefined, 'true'])(
    'is verified by the ID token about the same one where user-info says %p',
    async (claim) => {
      upstream.tamper(({ claims, header }) => ({
        claims: { ...claims, email: 'anna@upstream.test', email_verified: true },
        header,
      }));
      expect(await emailOf({ email_verified: claim })).toBe(true);
      expect(await emailOf({ email_verified: claim, email: 'new@upstream.test' })).toBe(false);
    },
  );

  it.each([false, 'false', 0, 1])(
    'is not verified by the ID token where user-info says %p',
    async (claim) => {
      upstream.tamper(({ claims, header }) => ({
        claims: { ...claims, email: 'anna@upstream.test', email_verified: true },
        header,
      }));
      expect(await emailOf({ email_verified: claim })).toBe(false);
    },
  );

  it('is verified by a claim that the source names', async () => {
    const { emailVerifiedPointer } = { emailVerifiedPointer: '/xms_edov' };
    upstream.tamper(({ claims, header }) => ({ claims: { ...claims, xms_edov: '1' }, header }));
    expect(await emailOf({}, { emailVerifiedPointer })).toBe(true);
    upstream.tamper(({ claims, header }) => ({ claims: { ...claims, xms_edov: false }, header }));
    expect(await emailOf({}, { emailVerifiedPointer })).toBe(false);
  });

  it('is verified when it is among those that the named claim lists', async () => {
    const source = { emailVerifiedPointer: '/verified_primary_email' };
    upstream.tamper(({ claims, header }) => ({
      claims: { ...claims, verified_primary_email: ['Anna@Upstream.test'] },
      header,
    }));
    expect(await emailOf({}, source)).toBe(true);
    expect(await emailOf({ email: 'other@upstream.test' }, source)).toBe(false);
  });
});

describe('a pushed authorization request', () => {
  const announced = () => ({ pushedAuthorizationRequestUri: `${upstream.issuer}/request` });
  const begin = async (source = {}) =>
    new URL(
      (await redirectOf(corp({ ...announced(), ...source })).begin({ redirectUri, state: 'the-state' })).url,
    );
  const answers = (status: number, body: unknown) =>
    upstream.setFaults({ at: /\/request$/, fault: { kind: 'answer', status, body: JSON.stringify(body) } });
  const warnings = () => connectors.logLines.filter((line) => line.includes('pushed authorization requests'));

  it('is used where the upstream takes it', async () => {
    answers(201, { request_uri: 'urn:example:1', expires_in: 60 });
    expect([...(await begin()).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    expect((await begin({ usePar: 'always' })).searchParams.get('request_uri')).toBe('urn:example:1');
    expect(warnings()).toEqual([]);
  });

  it.each<[number, unknown]>([
    [404, 'Not Found'],
    [405, {}],
    [500, {}],
    [200, { request_uri: 'urn:example:1', expires_in: 60 }],
    [201, { expires_in: 60 }],
    [201, { request_uri: ['urn:example:1'], expires_in: 60 }],
  ])(
    'that is only announced and answered %p %j is done without, and the log says so',
    async (status, body) => {
      answers(status, body);
      const { searchParams } = await begin();
      expect(searchParams.get('redirect_uri')).toBe(redirectUri);
      expect(searchParams.has('request_uri')).toBe(false);
      expect(upstream.hits(/\/request$/)).toBeGreaterThan(0);
      expect(warnings()).toEqual([expect.stringContaining('"level":"warn"')]);
    },
  );

  it('is never sent where the source says so', async () => {
    const before = upstream.hits(/\/request$/);
    expect((await begin({ usePar: 'never' })).searchParams.get('redirect_uri')).toBe(redirectUri);
    expect(upstream.hits(/\/request$/)).toBe(before);
  });

  it('that must be and is not taken is an outage, and so is one that is refused or reaches no server', async () => {
    answers(404, {});
    await expect(begin({ usePar: 'always' })).rejects.toMatchObject({ code: 'unavailable' });
    answers(401, { error: 'invalid_client' });
    await expect(begin()).rejects.toMatchObject({ code: 'unavailable' });
    upstream.setFaults({ at: /\/request$/, fault: { kind: 'down' } });
    await expect(begin()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('an answer that is not right is refused', () => {
  it.each([
    ['another state', 'state', 'forged'],
    ['the issuer of another provider (mix-up)', 'iss', 'https://evil.test'],
  ])('%s', async (_what, name, value) => {
    const tokensBefore = upstream.hits(/token/);
    const outcome = await travel(corp(), { onReturn: (url) => url.searchParams.set(name, value) });
    expect(outcome).toMatchObject({ ok: false, reason: 'invalid', detail: expect.stringContaining(name) });
    expect(upstream.hits(/token/)).toBe(tokensBefore);
  });

  it('no issuer, where the provider announces it', async () => {
    const outcome = await travel(corp(), { onReturn: (url) => url.searchParams.delete('iss') });
    expect(outcome).toMatchObject({ ok: false, reason: 'invalid' });
  });

  it('a code that was used', async () => {
    const redirect = redirectOf(corp());
    const { url, memory } = await redirect.begin({ redirectUri, state: 'x' });
    const browser = createBrowser();
    const page = await browser.follow(await browser.get(url), (target) => target.startsWith(redirectUri));
    const back = new URL(page.location ?? '');
    expect(await redirect.finish(back, memory)).toMatchObject({ ok: true });
    expect(await redirect.finish(back, memory)).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: expect.stringContaining('invalid_grant'),
    });
  });

  it('an ID token of another issuer', async () => {
    expect(await withClaims((claims) => ({ ...claims, iss: 'https://evil.test' }))).toContain('iss');
  });

  it('an ID token for another audience', async () => {
    expect(await withClaims((claims) => ({ ...claims, aud: 'somebody-else' }))).toContain('aud');
  });

  it('an ID token for another authorized party', async () => {
    expect(await withClaims((claims) => ({ ...claims, azp: 'somebody-else' }))).toContain('azp');
  });

  it('an ID token with another nonce, and one without', async () => {
    expect(await withClaims((claims) => ({ ...claims, nonce: 'other' }))).toContain('nonce');
    expect(await withClaims((claims) => without(claims, 'nonce'))).toContain('nonce');
  });

  it.each(['exp', 'iat', 'sub', 'aud', 'iss'])('an ID token without %s', async (claim) => {
    expect(await withClaims((claims) => without(claims, claim))).toContain(claim);
  });

  it('an ID token that has expired, or is from the future', async () => {
    expect(await withClaims((claims) => ({ ...claims, exp: nowSeconds() - 60 }))).toContain('exp');
    expect(await withClaims((claims) => ({ ...claims, iat: nowSeconds() + 120 }))).toContain('iat');
  });

  it('no ID token', async () => {
    upstream.setFaults({
      at: /token/,
      fault: { kind: 'answer', body: JSON.stringify({ access_token: 'a', token_type: 'bearer' }) },
    });
    expect(await travel(corp())).toMatchObject({ ok: false, reason: 'invalid' });
  });

  it('an ID token that is not signed', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    upstream.tamper(({ claims }) => `${part({ alg: 'none' })}.${part(claims)}.`);
    expect(await travel(corp())).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: expect.stringContaining('alg'),
    });
  });

  it('an ID token that is signed with the secret we share', async () => {
    upstream.tamper(({ claims }) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(upstreamClient.secret)),
    );
    expect(await travel(corp())).toMatchObject({ ok: false, reason: 'invalid' });
  });

  it('an ID token with a signature of another party', async () => {
    const stranger = await generateSigningJwk('RS256');
    const key = await importJWK(stranger, 'RS256');
    upstream.tamper(({ claims, header }) => new SignJWT(claims).setProtectedHeader(header).sign(key));
    expect(await travel(corp())).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: expect.stringMatching(/SIGNATURE/),
    });
  });

  it('user-info about another person', async () => {
    upstream.setFaults({
      at: /^\/me$/,
      fault: { kind: 'answer', body: JSON.stringify({ sub: 'boss', email: 'boss@upstream.test' }) },
    });
    expect(await travel(corp())).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: expect.stringContaining('sub'),
    });
  });

  it('user-info that is not for this token: the ID token is enough', async () => {
    upstream.setFaults({ at: /\/me$/, fault: { kind: 'status', status: 403 } });
    expect((await arrive(corp())).person.subject).toBe('anna');
    const limited = { kind: 'status', status: 403, headers: { 'retry-after': '5' } } as const;
    upstream.setFaults({ at: /\/me$/, fault: limited });
    await expect(travel(corp())).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('without a secret or a token in what is said about it', async () => {
    const code = 'Zm9vYmFyLWEtdmVyeS1zZWNyZXQtY29kZQ';
    upstream.setFaults({
      at: /token/,
      fault: {
        kind: 'answer',
        status: 400,
        body: JSON.stringify({ error: 'invalid_grant', error_description: `the code ${code} is no good` }),
      },
    });
    const outcome = await travel(corp());
    expect(outcome).toEqual({ ok: false, reason: 'invalid', detail: 'invalid_grant: the code … is no good' });
    expect(connectors.logLines.join('')).not.toContain(code);
  });
});

describe('clocks that differ', () => {
  it('are borne up to half a minute', async () => {
    upstream.tamper(({ claims, header }) => ({
      claims: { ...claims, iat: nowSeconds() + 20, exp: nowSeconds() - 15 },
      header,
    }));
    expect(await travel(corp())).toMatchObject({ ok: true });
  });
});

describe('an issuer with a place for the tenant (Entra)', () => {
  const template = (): string => `${upstream.issuer}/{tenantid}/v2.0`;
  const tid = '11111111-2222-3333-4444-555555555555';

  const entra = () => {
    const at = (path: string): string => `${upstream.issuer}${path}`;
    upstream.setFaults({
      at: /^\/common\/v2\.0\/\.well-known\/openid-configuration$/,
      fault: {
        kind: 'answer',
        body: JSON.stringify({
          issuer: template(),
          authorization_endpoint: at('/auth'),
          token_endpoint: at('/token'),
          jwks_uri: at('/jwks'),
          userinfo_endpoint: at('/me'),
        }),
      },
    });
    return connectors.connector(oidcSource(template()));
  };

  it('lets in the people of any tenant, whose own issuer is part of their key', async () => {
    const issuer = template().replace('{tenantid}', tid);
    upstream.tamper(({ claims, header }) => ({ claims: { ...claims, iss: issuer, tid }, header }));
    const outcome = await travel(entra(), { onReturn: (url) => url.searchParams.set('iss', issuer) });
    expect(outcome).toMatchObject({ ok: true, person: { issuer, subject: 'anna' } });
  });

  it('refuses an issuer that is not that of the token’s own tenant', async () => {
    const other = template().replace('{tenantid}', '99999999-2222-3333-4444-555555555555');
    for (const claims of [{ iss: other, tid }, { iss: template(), tid: '{tenantid}' }, { iss: other }]) {
      upstream.tamper((token) => ({ claims: { ...token.claims, ...claims }, header: token.header }));
      const outcome = await travel(entra(), { onReturn: (url) => url.searchParams.delete('iss') });
      expect(outcome).toMatchObject({ ok: false, reason: 'invalid' });
    }
  });
});
