import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { UpstreamSource } from '../../src/config/source/source-definition.ts';
import { isAppError } from '../../src/errors.ts';
import {
  arrive,
  type ConnectorFixture,
  oauth2Source,
  openConnectors,
  redirectOf,
  travel,
} from '../support/upstream-fixture.ts';
import { oauth2Person, openUpstreamOauth2, type UpstreamOauth2 } from '../support/upstream-oauth2.ts';

let upstream: UpstreamOauth2;
let connectors: ConnectorFixture;

beforeAll(async () => {
  upstream = await openUpstreamOauth2();
});

beforeEach(() => {
  connectors = openConnectors();
  upstream.setFaults();
  upstream.setToken(undefined);
  upstream.setResource('/userinfo', { body: { id: 4711, login: 'bob', email: 'bob@plain.test' } });
});

afterEach(() => connectors.close());
afterAll(() => upstream.close());

const plain = (changes: Partial<UpstreamSource> = {}) =>
  connectors.connector(oauth2Source(upstream.url, changes));

const isOutage = async (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => false,
    (error: unknown) => isAppError(error, 'unavailable'),
  );

describe('a source of six properties', () => {
  it('signs people in by the name in user-info', async () => {
    const { person, tokens } = await arrive(plain());
    expect(person).toEqual({
      subject: 'bob',
      attributes: { id: 4711, login: 'bob', email: 'bob@plain.test', email_verified: false, username: 'bob' },
      groups: [],
      amr: [],
    });
    expect(tokens.expiresAt).toBeGreaterThan(Date.now() / 1000);
  });

  it('finds the name with a regular expression in the text as it came', async () => {
    upstream.setResource('/userinfo', { body: '{"user":"x",  "preferred_username":"bob.b","z":1}' });
    const pattern = { kind: 'regex', pattern: '^.*"preferred_username":"([^"]+)".*$' } as const;
    const { person } = await arrive(plain({ userNameExtractionPattern: pattern }));
    expect(person.subject).toBe('bob.b');
    expect(person.attributes.username).toBe('bob.b');
  });

  it.each([
    ['is not there', { id: 1 }],
    ['is empty', { login: ' ' }],
    ['is no text', { login: { name: 'bob' } }],
    ['is too long', { login: 'b'.repeat(256) }],
    ['holds a control character', { login: 'bob\u0000' }],
    ['holds half a character', { login: 'bob\ud800' }],
  ])('lets nobody in when the name %s', async (_what, body) => {
    upstream.setResource('/userinfo', { body });
    expect(await travel(plain())).toEqual({
      ok: false,
      reason: 'invalid',
      detail: 'userNameExtractionPattern finds no name in the user-info answer',
    });
  });

  it('takes the subject from elsewhere when the name can be given to others', async () => {
    const { person } = await arrive(plain({ subjectPointer: '/id' }));
    expect(person.subject).toBe('4711');
    expect(person.attributes.username).toBe('bob');
  });

  it('runs a hostile pattern in linear time', async () => {
    upstream.setResource('/userinfo', { body: `${'a'.repeat(60_000)}!` });
    const startedAt = performance.now();
    await travel(plain({ userNameExtractionPattern: { kind: 'regex', pattern: '(a+)+$' } })).catch(() => {});
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('reads at most 64 KiB of user-info', async () => {
    upstream.setResource('/userinfo', { body: { login: 'bob', more: 'x'.repeat(64 * 1024) } });
    expect(await isOutage(travel(plain()))).toBe(true);
  });

  it('understands a server that sends its errors with status 200', async () => {
    upstream.setToken(() => ({ body: { error: 'bad_verification_code' } }));
    expect(await travel(plain())).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: 'bad_verification_code',
    });
  });

  it('shows an ID token that it cannot check to the upstream at sign-out, and believes nothing of it', async () => {
    upstream.setToken(() => ({
      body: { access_token: upstream.issue(), token_type: 'Bearer', id_token: 'x.eyJzdWIiOiJib3NzIn0.y' },
    }));
    const connector = plain({ endSessionUri: `${upstream.url}/logout` });
    const { person, tokens } = await arrive(connector);
    expect(person.subject).toBe('bob');
    const url = await redirectOf(connector).endSessionUrl({
      idToken: tokens.idToken ?? '',
      postLogoutRedirectUri: 'http://localhost:9/out',
      state: 's',
    });
    expect(Object.fromEntries(new URL(url ?? '').searchParams)).toEqual({
      id_token_hint: 'x.eyJzdWIiOiJib3NzIn0.y',
      post_logout_redirect_uri: 'http://localhost:9/out',
      state: 's',
      client_id: 'drawbridge',
    });
  });

  it('has no place to sign out when it names none', async () => {
    const url = await redirectOf(plain()).endSessionUrl({ postLogoutRedirectUri: 'http://x/', state: 's' });
    expect(url).toBeUndefined();
  });
});

describe('an answer of the token endpoint', () => {
  const issued = (more: Record<string, unknown>) =>
    upstream.setToken(() => ({ body: { access_token: upstream.issue(), token_type: 'bearer', ...more } }));

  it.each<[string, unknown]>([
    ['token_type', undefined],
    ['token_type', null],
    ['token_type', ['Bearer']],
    ['scope', ['openid', 'email']],
    ['scope', null],
    ['scope', {}],
    ['expires_in', null],
    ['expires_in', 'soon'],
    ['expires_in', -1],
    ['expires_in', ''],
    ['refresh_token', null],
    ['refresh_token', ''],
    ['refresh_token', false],
    ['id_token', null],
    ['id_token', {}],
  ])('is taken without its %s where that is %j', async (member, value) => {
    issued({ [member]: value });
    const { tokens } = await arrive(plain());
    expect(tokens).toEqual({ accessToken: expect.any(String) });
  });

  it('is taken with a lifetime in a text', async () => {
    issued({ expires_in: '3600' });
    expect((await arrive(plain())).tokens?.expiresAt).toEqual(expect.any(Number));
  });

  it.each([undefined, null, '', 5, {}])('is none without an access token (%j)', async (value) => {
    issued({ access_token: value });
    expect(await travel(plain())).toMatchObject({ ok: false, reason: 'invalid' });
  });
});

describe('extra information', () => {
  const github = { extraInfo: { emails: '' } };

  beforeEach(() => {
    github.extraInfo.emails = `${upstream.url}/emails`;
  });

  it('gives the primary e-mail when it is verified', async () => {
    upstream.setResource('/emails', {
      body: [
        { email: 'old@plain.test', primary: false, verified: true },
        { email: 'main@plain.test', primary: true, verified: true },
      ],
    });
    const { attributes } = (await arrive(plain(github))).person;
    expect(attributes).toMatchObject({ email: 'main@plain.test', email_verified: true });
    expect(attributes.emails).toHaveLength(2);
  });

  it('does not verify what user-info says when the primary one is not verified', async () => {
    upstream.setResource('/emails', {
      body: [
        { email: 'other@plain.test', primary: false, verified: true },
        { email: 'bob@plain.test', primary: true, verified: false },
      ],
    });
    const { attributes } = (await arrive(plain(github))).person;
    expect(attributes).toMatchObject({ email: 'bob@plain.test', email_verified: false });
  });

  it.each([401, 403, 404])('that is refused with %i is left out, and the log says so', async (status) => {
    upstream.setFaults({ at: /emails/, fault: { kind: 'status', status } });
    const { person } = await arrive(plain(github));
    expect(person.subject).toBe('bob');
    expect(person.attributes.emails).toBeUndefined();
    expect(connectors.logLines.join('').includes('extraInfo is left out')).toBe(status !== 404);
  });

  it.each([{ 'retry-after': '30' }, { 'x-ratelimit-remaining': '0' }])(
    'that is limited by 403 with %j is an outage',
    async (headers) => {
      upstream.setFaults({
        at: /emails/,
        fault: { kind: 'status', status: 403, headers: headers as Record<string, string> },
      });
      expect(await isOutage(travel(plain(github)))).toBe(true);
    },
  );

  it('that cannot be had is an outage', async () => {
    upstream.setFaults({ at: /emails/, fault: { kind: 'status', status: 500 } });
    expect(await isOutage(travel(plain(github)))).toBe(true);
  });
});

describe('passwords at the upstream', () => {
  const verify = async (password = oauth2Person.password) => {
    const verdict = await plain({ passwordSignIn: true }).passwords?.verify({ login: 'bob', password });
    if (verdict === undefined) throw new Error('this source takes no passwords');
    return verdict;
  };
  const refuseWith = (status: number, body: object, headers = {}): void =>
    upstream.setToken(() => ({ status, body, headers }));

  it('are not taken unless the source says so', () => {
    expect(plain().passwords).toBeUndefined();
    expect(plain().relayed).toBeUndefined();
  });

  it('of services alone are taken by the six properties', async () => {
    const { passwords, relayed } = plain({ relaysBasic: true });
    expect(passwords).toBeUndefined();
    expect(await relayed?.verify({ login: 'bob', password: oauth2Person.password })).toMatchObject({
      ok: true,
      person: { subject: 'bob' },
    });
  });

  it.each(['unauthorized_client', 'unsupported_grant_type'])(
    'are an outage with words for the operator when the upstream answers %s',
    async (error) => {
      refuseWith(400, { error });
      await expect(verify()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('allow the password grant for its client there'),
        detail: error,
      });
      upstream.setToken(undefined);
    },
  );

  it('sign in whom the upstream lets in', async () => {
    expect(await verify()).toMatchObject({ ok: true, person: { subject: 'bob', amr: ['pwd'] } });
  });

  it('are wrong when the upstream says so', async () => {
    expect(await verify('wrong')).toEqual({ ok: false, reason: 'credentials' });
  });

  it('of a person who is known elsewhere are asked for an unknown one here, so that the time reveals nothing', async () => {
    const { passwords } = plain({ passwordSignIn: true });
    const asked = async (work: () => Promise<unknown> | undefined) => {
      const before = upstream.requests.length;
      await work();
      return upstream.requests.slice(before).map(({ form }) => form.get('grant_type'));
    };
    const forUnknown = await asked(() => passwords?.verify({ login: 'nobody', password: 'wrong' }));
    expect(await asked(() => passwords?.decoy?.())).toEqual(forUnknown);
    upstream.setFaults({ at: /./, fault: { kind: 'status', status: 500 } });
    expect(await passwords?.decoy?.()).toBeUndefined();
  });

  it('are wrong also behind a challenge', async () => {
    refuseWith(401, { error: 'invalid_grant' }, { 'www-authenticate': 'Basic realm="x"' });
    expect(await verify()).toEqual({ ok: false, reason: 'credentials' });
  });

  it.each([
    ['Account is not fully set up', {}, 'password_change_required'],
    ['Account disabled', {}, 'account_locked'],
    ['Invalid user credentials', {}, 'credentials'],
    ['password_expired: choose a new one', {}, 'password_expired'],
    ['my password_expired', {}, 'credentials'],
    ['AADSTS50055: The password is expired.', { error_codes: [50055] }, 'password_expired'],
    ['AADSTS50126: Invalid username or password.', { error_codes: [50126] }, 'credentials'],
  ])('refused with "%s" %p mean %s', async (description, more, reason) => {
    refuseWith(400, { error: 'invalid_grant', error_description: description, ...more });
    expect(await verify()).toEqual({ ok: false, reason });
  });

  it('are throttled when the upstream throttles', async () => {
    refuseWith(429, {}, { 'retry-after': '17' });
    expect(await verify()).toEqual({ ok: false, reason: 'throttled', retryAfterSeconds: 17 });
    refuseWith(429, {});
    expect(await verify()).toEqual({ ok: false, reason: 'throttled', retryAfterSeconds: 30 });
  });

  it.each([
    ['fails', 500, { error: 'server_error' }],
    ['does not know our client', 401, { error: 'invalid_client' }],
    ['does not let our client do this', 400, { error: 'unauthorized_client' }],
    ['has no such grant', 400, { error: 'unsupported_grant_type' }],
  ])('are not judged when the upstream %s', async (_what, status, body) => {
    refuseWith(status, body);
    expect(await isOutage(verify())).toBe(true);
  });

  it('are not judged by a page', async () => {
    upstream.setFaults({ at: /token/, fault: { kind: 'html' } });
    expect(await isOutage(verify())).toBe(true);
  });

  it('are not sent where the upstream redirects to', async () => {
    upstream.setFaults({ at: /token/, fault: { kind: 'redirect', location: `${upstream.url}/elsewhere` } });
    expect(await isOutage(verify())).toBe(true);
    expect(upstream.hits(/elsewhere/)).toBe(0);
  });

  it('appear in no log', async () => {
    await verify('a-very-secret-password-of-bob');
    upstream.setFaults({ at: /token/, fault: { kind: 'down' } });
    const error = await verify('a-very-secret-password-of-bob').catch((thrown: unknown) => thrown);
    expect(String((error as Error).stack)).not.toContain('a-very-secret');
    expect(connectors.logLines.join('')).not.toContain('a-very-secret');
  });
});

describe('details, read with a service account', () => {
  const withDetails = { details: { uri: '', scope: 'directory.read' }, subjectPointer: '/id' };

  beforeEach(() => {
    withDetails.details.uri = `${upstream.url}/details/{subject}`;
    upstream.setResource('/details/4711', { body: { department: 'QA', login: 'other', groups: ['qa'] } });
  });

  it('stand beside what the person’s own token says, which goes first', async () => {
    const { person } = await arrive(plain(withDetails));
    expect(person.attributes).toMatchObject({ department: 'QA', login: 'bob' });
    expect(person.groups).toEqual(['qa']);
  });

  it('find people again: there, gone, disabled', async () => {
    const { lookup } = plain(withDetails);
    expect(await lookup?.find({ subject: '4711' })).toMatchObject({
      status: 'present',
      person: { subject: '4711', attributes: { department: 'QA' }, groups: ['qa'] },
    });
    expect(await lookup?.find({ subject: '9999' })).toEqual({ status: 'absent' });
    upstream.setResource('/details/4711', { body: { accountEnabled: false } });
    expect(await lookup?.find({ subject: '4711' })).toEqual({
      status: 'refused',
      reason: 'account_disabled',
    });
  });

  it('are asked for with names that cannot leave their place in the path', async () => {
    const { lookup } = plain(withDetails);
    expect(await lookup?.find({ subject: '../userinfo?x=' })).toEqual({ status: 'absent' });
    expect(upstream.hits(/^\/details\/\.\.%2Fuserinfo%3Fx%3D$/)).toBe(1);
    expect(await isOutage(lookup?.find({ subject: '..' }) ?? Promise.resolve())).toBe(true);
  });

  it('that cannot be had are an outage, at sign-in as at a look-up', async () => {
    upstream.setFaults({ at: /details/, fault: { kind: 'status', status: 503 } });
    expect(await isOutage(travel(plain(withDetails)))).toBe(true);
    expect(await isOutage(plain(withDetails).lookup?.find({ subject: '4711' }) ?? Promise.resolve())).toBe(
      true,
    );
  });

  it.each([401, 403])('that are refused with %i let nobody in whom only they could end', async (status) => {
    upstream.setFaults({ at: /details/, fault: { kind: 'status', status } });
    const refused = { isLasting: true, detail: expect.stringContaining('refuses the token of Drawbridge') };
    await expect(travel(plain(withDetails))).rejects.toMatchObject(refused);
    await expect(plain(withDetails).lookup?.find({ subject: '4711' })).rejects.toMatchObject(refused);
  });

  it.each([401, 403])('that are refused with %i are absent where no re-check asks them', async (status) => {
    const details = { uri: `${upstream.url}/details/{username}` };
    upstream.setFaults({ at: /details/, fault: { kind: 'status', status } });
    const connector = plain({ ...withDetails, details });
    expect(connector.lookup).toBeUndefined();
    const { person } = await arrive(connector);
    expect(person.attributes).toMatchObject({ login: 'bob' });
    expect(person.attributes).not.toHaveProperty('department');
    expect(connectors.logLines.join('')).toContain('the details are left out');
  });

  it('use one token of our own until the upstream takes it back', async () => {
    const { lookup } = plain(withDetails);
    const ours = () =>
      upstream.requests.filter(({ form }) => form.get('grant_type') === 'client_credentials');
    const before = ours().length;
    await Promise.all(Array.from({ length: 5 }, () => lookup?.find({ subject: '4711' })));
    expect(ours().length - before).toBe(1);
    expect(ours().at(-1)?.form.get('scope')).toBe('directory.read');
    upstream.revokeAll();
    expect(await lookup?.find({ subject: '4711' })).toMatchObject({ status: 'present' });
    expect(ours().length - before).toBe(2);
  });
});
