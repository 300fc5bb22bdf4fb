import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import type { HttpSource } from '../../src/config/source/source-definition.ts';
import { createHttpConnector } from '../../src/connectors/http/http-connector.ts';
import { mapPerson } from '../../src/connectors/mapping/map-person.ts';
import { openTransport, type Transport } from '../../src/connectors/upstream/transport.ts';
import { createCertificateAuthority } from '../support/slapd-certificates.ts';

interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

const secret = 'the-bearer-secret-of-the-tests';
const alice = { login: 'Alice', password: 'pässword with "quotes"' };

let asked: Asked[];
let answer: (request: Asked, response: ServerResponse) => void;
let server: Server;
let url: string;
let transport: Transport;

beforeEach(async () => {
  asked = [];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method, url: path, headers } = request;
    const seen = { method, path, headers, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown };
    asked.push(seen);
    answer(seen, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/check?tenant=acme`; // it listens on TCP
  transport = openTransport();
});

afterEach(async () => {
  await transport.close();
  server.closeAllConnections();
  server.close();
});

const source = (changes: Partial<HttpSource> = {}): HttpSource => ({
  id: 'legacy',
  type: 'http',
  displayName: 'The old system',
  domains: [],
  trustedEmailDomains: [],
  mapping: [],
  adopt: 'off',
  recheckSeconds: 300,
  degradedSeconds: 0,
  revealLock: false,
  url,
  secret,
  tls: {},
  requestTimeoutMs: 2000,
  ...changes,
});

const connect = (changes: Partial<HttpSource> = {}) =>
  createHttpConnector(source(changes), { transport, clock: systemClock });

const verify = (changes: Partial<HttpSource> = {}) => connect(changes).passwords?.verify(alice);

const answerWith = (status: number, body: unknown = '', headers: Readonly<Record<string, string>> = {}) => {
  answer = (_request, response) => {
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
};

describe('the verifier', () => {
  it('is sent name and password as they were typed, with the secret', async () => {
    answerWith(200, { subject: '4711' });
    await verify();
    expect(asked).toEqual([
      expect.objectContaining({
        method: 'POST',
        path: '/check?tenant=acme',
        headers: expect.objectContaining({
          'content-type': 'application/json',
          authorization: `Bearer ${secret}`,
        }),
        body: { username: alice.login, password: alice.password },
      }),
    ]);
  });

  it('says who the person is', async () => {
    answerWith(200, { subject: '4711', username: 'alice', email: 'alice@acme.example', groups: ['staff'] });
    const verdict = await verify();
    if (verdict?.ok !== true) throw new Error('refused');
    expect(verdict.person).toMatchObject({ subject: '4711', amr: ['pwd'] });
    expect(mapPerson(source(), verdict.person).profile).toMatchObject({
      username: 'alice',
      email: 'alice@acme.example',
      emailVerified: false,
      groups: ['staff'],
    });
  });

  it('may leave the name to what was typed', async () => {
    answerWith(200, { subject: 4711, email: 'alice@acme.example' });
    const verdict = await verify();
    if (verdict?.ok !== true) throw new Error('refused');
    expect(verdict.person.subject).toBe('4711');
    expect(mapPerson(source(), verdict.person).profile.username).toBe('alice');
  });

  it.each([
    [401, '', 'credentials'],
    [401, '<h1>Unauthorized</h1>', 'credentials'],
    [410, '', 'account_disabled'],
    [423, '', 'account_locked'],
    [404, { error: 'unknown' }, 'unknown'],
    [403, { error: 'credentials' }, 'credentials'],
    [400, { error: 'credentials' }, 'credentials'],
    [401, { error: 'unknown' }, 'unknown'],
    [403, { error: 'password_change_required' }, 'password_change_required'],
    [403, { error: 'password_expired' }, 'password_expired'],
    [403, { error: 'account_disabled' }, 'account_disabled'],
    [422, { error: 'account_locked' }, 'account_locked'],
  ])('refuses with %i %j: %s', async (status, body, reason) => {
    answerWith(status, body, { 'www-authenticate': 'Basic realm="x"' });
    expect(await verify()).toEqual({ ok: false, reason });
  });

  it('passes on that it limits attempts', async () => {
    answerWith(429, '', { 'retry-after': '17' });
    expect(await verify()).toEqual({ ok: false, reason: 'throttled', retryAfterSeconds: 17 });
    answerWith(429);
    expect(await verify()).toEqual({ ok: false, reason: 'throttled', retryAfterSeconds: 30 });
  });

  it.each([
    ['500', 500, { error: 'credentials' }, {}],
    ['502 of a proxy', 502, '<h1>Bad gateway</h1>', {}],
    ['503', 503, '', { 'retry-after': '5' }],
    ['404 of a proxy', 404, '404 page not found', {}],
    ['404 of a framework', 404, { message: 'Not Found', error: 'Not Found' }, {}],
    ['403 of a firewall', 403, { message: 'Forbidden' }, {}],
    ['400', 400, '', {}],
    ['a redirect', 307, '', { location: '/elsewhere' }],
    ['a redirect that speaks of the password', 307, { error: 'credentials' }, { location: '/elsewhere' }],
    ['204', 204, '', {}],
    ['201 with a person', 201, { subject: '4711' }, {}],
    [
      'our secret refused',
      401,
      { error: 'credentials' },
      { 'www-authenticate': 'Bearer error="invalid_token"' },
    ],
    ['our secret refused beside others', 401, '', { 'www-authenticate': 'Basic realm="x", Bearer' }],
    ['200 without JSON', 200, '<h1>Welcome</h1>', {}],
    ['200 with a list', 200, [{ subject: '4711' }], {}],
    ['200 with null', 200, 'null', {}],
    ['200 without a subject', 200, { username: 'alice' }, {}],
    ['200 with an empty subject', 200, { subject: '' }, {}],
    ['200 with an endless subject', 200, { subject: 'x'.repeat(256) }, {}],
    ['200 with NUL in the subject', 200, { subject: 'a\0b' }, {}],
    ['200 with an object as subject', 200, { subject: { $ne: '' } }, {}],
    ['200 with a fraction as subject', 200, { subject: 1.5 }, {}],
    ['200 of more than 64 KiB', 200, { subject: '4711', padding: 'x'.repeat(70_000) }, {}],
  ])('gives no verdict, and says no wrong password, with %s', async (name, status, body, headers) => {
    answerWith(status, body, headers);
    const error: unknown = await verify()?.then(
      (verdict) => verdict,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      name: 'AppError',
      code: 'unavailable',
      // these may be answered by a proxy whose system is down
      isLasting:
        !([403, 404].includes(status) && !('www-authenticate' in headers)) &&
        status < 500 &&
        !name.includes('64 KiB'),
    });
    expect(asked).toHaveLength(1);
    const { message, detail } = error as { message: string; detail?: string };
    expect(`${message}${detail}`).not.toMatch(/the-bearer-secret|pässword|tenant=acme/);
  });

  it('is an outage when it does not answer within the time limit', async () => {
    answer = () => undefined;
    const startedAt = performance.now();
    await expect(verify({ requestTimeoutMs: 200 })).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  it('is an outage when its answer never ends', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"subject":');
    };
    await expect(verify({ requestTimeoutMs: 200 })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is an outage when no server listens', async () => {
    server.close();
    await expect(verify()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is asked about an unknown person where the time must not reveal who is known', async () => {
    answerWith(500);
    await connect().passwords?.decoy?.();
    expect(asked).toHaveLength(1);
    expect(asked[0]?.body).toEqual({
      username: expect.stringMatching(/^nobody-/),
      password: expect.stringMatching(/.{20}/),
    });
  });
});

describe('the doctor', () => {
  const examine = (changes: Partial<HttpSource> = {}) =>
    connect(changes).examine({ redirectUri: 'http://localhost/', signedOutUri: 'http://localhost/' });

  it('finds nothing when a made-up person is refused', async () => {
    answerWith(404, { error: 'unknown' });
    expect(await examine()).toEqual([
      { verdict: 'ok', about: 'password check', message: expect.stringContaining('refuses a person') },
    ]);
  });

  it.each([
    ['lets anybody in', 200, { subject: '1' }, {}, 'problem', /accepts a person who does not exist/],
    ['knows no such place', 404, '404 page not found', {}, 'problem', /answered 404.*Correct url/],
    ['refuses the secret', 401, '', { 'www-authenticate': 'Bearer' }, 'problem', /Set secret/],
    ['redirects', 302, '', { location: '/login' }, 'problem', /set url to where it leads/],
    ['fails', 500, '', {}, 'problem', /answered 500\. See the log/],
    ['limits attempts', 429, '', {}, 'warning', /limits attempts/],
    ['tells of locks', 423, '', {}, 'warning', /account_locked about a person who does not exist/],
  ])('says what to do when the system %s', async (_name, status, body, headers, verdict, message) => {
    answerWith(status, body, headers);
    const findings = await examine();
    expect(findings).toEqual([{ verdict, about: 'password check', message: expect.stringMatching(message) }]);
    expect(JSON.stringify(findings)).not.toMatch(/the-bearer-secret|tenant=acme/);
  });

  it('says what to do when no server listens, the name is unknown, or no answer comes', async () => {
    answer = () => undefined;
    expect(JSON.stringify(await examine({ requestTimeoutMs: 200 }))).toMatch(/time limit.*raise timeout/);
    expect(JSON.stringify(await examine({ url: 'http://nowhere.invalid/check' }))).toMatch(
      /nowhere.invalid cannot be resolved/,
    );
    server.closeAllConnections();
    server.close();
    expect(JSON.stringify(await examine())).toMatch(/ECONNREFUSED.*start the system/);
  });

  it('warns when there is no secret', async () => {
    answerWith(401);
    expect(await examine({ secret: undefined as never })).toContainEqual(
      expect.objectContaining({ verdict: 'warning', about: 'secret' }),
    );
  });
});

describe('over TLS', () => {
  const openTlsVerifier = async (days: number) => {
    const authority = await createCertificateAuthority();
    const { cert, key } = await authority.issue('DNS:verifier.test', days);
    const tlsServer = createTlsServer({ cert, key }, (request, response) => {
      request.resume();
      request.on('end', () => response.writeHead(401).end());
    });
    tlsServer.listen(0, '127.0.0.1');
    await once(tlsServer, 'listening');
    return {
      ca: authority.ca,
      url: `https://127.0.0.1:${(tlsServer.address() as AddressInfo).port}/check`, // it listens on TCP
      close: async () => {
        tlsServer.closeAllConnections();
        tlsServer.close();
        await authority.remove();
      },
    };
  };

  it('trusts the certificate that the file says, and no other', async () => {
    const verifier = await openTlsVerifier(365);
    const tls = { ca: verifier.ca, serverName: 'verifier.test' };
    expect(await verify({ url: verifier.url, tls })).toEqual({ ok: false, reason: 'credentials' });
    for (const wrong of [{}, { ca: verifier.ca }, { serverName: 'verifier.test' }]) {
      await expect(verify({ url: verifier.url, tls: wrong })).rejects.toMatchObject({
        isLasting: true,
        message: expect.stringContaining('TLS fails'),
      });
    }
    await verifier.close();
  });

  it('says in the doctor what is wrong with a certificate, and when it expires', async () => {
    const verifier = await openTlsVerifier(5);
    const examine = (tls: HttpSource['tls']) =>
      connect({ url: verifier.url, tls }).examine({
        redirectUri: 'http://localhost/',
        signedOutUri: 'http://localhost/',
      });
    expect(await examine({ ca: verifier.ca, serverName: 'verifier.test' })).toMatchObject([
      { verdict: 'warning', message: expect.stringMatching(/good for [45] more days/) },
      { verdict: 'ok', about: 'password check' },
    ]);
    expect(await examine({})).toMatchObject([
      { verdict: 'problem', message: expect.stringContaining('tls.ca') },
    ]);
    await verifier.close();
  });
});
