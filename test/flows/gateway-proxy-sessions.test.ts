import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { askApi } from '../support/account-api.ts';
import { createBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { tokensFor } from '../support/oauth-client.ts';
import { rawRequest } from '../support/raw-http.ts';
import { alice, sampleTenant, web } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { type Service, startService } from '../support/service.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let service: Service;
let server: TestServer;
let clock: TestClock;
let isClosed: boolean;

const orders = (url: string, changes: Partial<ServiceDefinition> = {}): ServiceDefinition =>
  serviceOf('orders', {
    host: 'orders.test',
    tenants: ['acme'],
    target: {
      url,
      connectTimeoutMs: 2000,
      timeoutMs: 5000,
      idleTimeoutMs: 60_000,
      hostHeader: 'public',
      authorization: 'none',
    },
    ...changes,
  });

let cacheControl: string | undefined;

beforeEach(async () => {
  cacheControl = undefined;
  isClosed = false;
  service = await startService({
    answer: (req, res) => {
      if (cacheControl !== undefined) res.setHeader('Cache-Control', cacheControl);
      res.setHeader('Set-Cookie', 'own=1');
      req
        .resume()
        .once('end', () => res.end(`${req.headers['remote-user']} by ${req.headers['x-auth-method']}`));
    },
    upgrade: (_req, socket) => {
      socket.on('error', () => socket.destroy());
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      socket.pipe(socket);
    },
  });
  clock = createTestClock(Date.now());
  server = await startTestServer({
    store: sqliteStore,
    clock,
    tenants: { acme: sampleTenant(), globex: sampleTenant() },
    settings: { gateway: { services: [orders(service.url)] } },
  });
});
afterEach(async () => {
  if (!isClosed) await server.close();
  await service.close();
});

const port = (): number => Number(new URL(server.publicUrl).port);
const password = (given: string = alice.password): string =>
  `Authorization: Basic ${Buffer.from(`${alice.username}:${given}`).toString('base64')}`;

const ask = (headers: readonly string[]) =>
  rawRequest({ port: port(), target: '/', headers: ['Host: orders.test', ...headers] });

/** The session among the cookies that an answer sets, as a client sends it back. */
const sessionOf = ({ headers }: Awaited<ReturnType<typeof ask>>): string | undefined =>
  /GWSESSIONID=[^;,]+/.exec(headers['set-cookie'] ?? '')?.[0];

describe('a caller with a name and password', () => {
  it('is given a session beside the cookies of the service, and no longer needs the password', async () => {
    const first = await ask([password()]);
    expect(first).toMatchObject({ status: 200, body: expect.stringContaining('alice by basic') });
    expect(first.headers['set-cookie']).toMatch(
      /^own=1, GWSESSIONID=acme\.[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const second = await ask([`Cookie: ${sessionOf(first)}`]);
    expect(second).toMatchObject({ status: 200, body: expect.stringContaining('alice by session') });
    expect(second.headers['set-cookie']).toBe('own=1');
    expect(service.got.at(-1)?.headers.cookie).toBeUndefined();
  });

  it('is given none with a password that is wrong, and the session does not make up for it', async () => {
    const session = sessionOf(await ask([password()]));
    const wrong = await ask([password('wrong'), `Cookie: ${session}`]);
    expect(wrong).toMatchObject({ status: 401, headers: { 'www-authenticate': /^Basic/ as never } });
    expect(wrong.headers['set-cookie']).toBeUndefined();
  });

  describe('that it still sends together with the session', () => {
    const provenBasic = async (outcome: 'success' | 'failure'): Promise<number> => {
      const records = await server.storage.forTenant('acme').audit.list({ limit: 100 });
      return records.filter((one) => one.action === 'sign_in.basic' && one.outcome === outcome).length;
    };

    it('is proven once, for as long as the session lives', async () => {
      const session = sessionOf(await ask([password()]));
      for (const _ of [1, 2, 3]) {
        clock.advance(10_000); // longer than what is found out about callers is kept
        const answer = await ask([password(), `Cookie: ${session}`]);
        expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('alice by basic') });
      }
      expect(await provenBasic('success')).toBe(1);
      clock.advance(13 * 3_600_000);
      expect((await ask([password(), `Cookie: ${session}`])).status).toBe(200);
      expect(await provenBasic('success')).toBe(2);
    });

    it('is asked of the source again when it is another one, and counted', async () => {
      const session = sessionOf(await ask([password()]));
      expect((await ask([password('wrong'), `Cookie: ${session}`])).status).toBe(401);
      expect(await provenBasic('failure')).toBe(1);
    });

    it('is asked again when a browser began the session, and not this password', async () => {
      const acme = await server.instances[0]?.tenants.find('acme');
      if (acme?.status !== 'served') throw new Error('acme is not served');
      const account = await server.storage.forTenant('acme').accounts.findByLogin(alice.username);
      const value = await acme.tenant.gatewaySessions.begin({
        sub: account?.sub ?? '',
        host: 'orders.test',
        signedInAt: Math.floor(clock.now() / 1000),
        amr: ['pwd'],
      });
      expect((await ask([password(), `Cookie: GWSESSIONID=acme.${value}`])).status).toBe(200);
      expect(await provenBasic('success')).toBe(1);
    });

    it('does not outlive a disabled account', async () => {
      const session = sessionOf(await ask([password()]));
      await server.users('acme').disable(alice.username);
      const isRefused = async (): Promise<boolean> =>
        (await ask([password(), `Cookie: ${session}`])).status === 401;
      await eventually('the end of the session', isRefused, 3000);
    });
  });

  it('is given no second one while a session is sent along', async () => {
    const session = sessionOf(await ask([password()]));
    clock.advance(900_000);
    expect(sessionOf(await ask([password(), `Cookie: ${session}`]))).toBeUndefined();
  });

  it('is given one in ten minutes when it keeps no cookies, one in a minute when it sends some', async () => {
    const offered = async (...headers: readonly string[]): Promise<boolean> =>
      sessionOf(await ask([password(), ...headers])) !== undefined;
    const first = await Promise.all([offered(), offered(), offered(), offered()]);
    expect(first.filter(Boolean)).toHaveLength(1);
    clock.advance(61_000);
    expect(await offered()).toBe(false);
    expect(await offered('Cookie: own=1')).toBe(true);
    expect(await offered('Cookie: own=1')).toBe(false);
    clock.advance(600_000);
    expect(await offered()).toBe(true);
  });

  describe('finds the session in the account', () => {
    interface Shown {
      readonly id: string;
      readonly current: boolean;
      readonly services: readonly string[];
    }
    const askAccount = async (token: string | undefined, path: string, method = 'GET') =>
      askApi(server.issuer('acme'), path, { method, token });
    const signInToAccount = async (): Promise<string | undefined> => {
      const app = { issuer: server.issuer('acme'), client: web, scope: 'openid account' };
      return (await tokensFor(createBrowser(), app, alice)).access_token;
    };
    const shownTo = async (token: string | undefined): Promise<readonly Shown[]> =>
      (await askAccount(token, '/sessions')).body.sessions as Shown[];
    const byOf = async (session: string | undefined): Promise<number> =>
      (await ask([`Cookie: ${session}`])).status;

    it('with program, address and service, and ends it alone', async () => {
      const token = await signInToAccount();
      const sessions = [await ask([password(), 'User-Agent: git/2.43.0'])].map(sessionOf);
      clock.advance(61_000);
      sessions.push(sessionOf(await ask([password(), 'Cookie: own=1'])));
      const found = (await shownTo(token)).filter(({ current }) => !current);
      expect(found).toHaveLength(2);
      expect(found.at(-1)).toEqual({
        ...{ id: expect.stringMatching(/^[\w-]{43}$/), current: false, browser: 'git' },
        ...{ signed_in_at: expect.any(Number), expires_at: expect.any(Number) },
        ...{ address: '127.0.0.1', apps: [], services: ['orders.test'] },
      });
      expect(await Promise.all(sessions.map(byOf))).toEqual([200, 200]);

      const { status } = await askAccount(token, `/sessions/${found.at(-1)?.id}`, 'DELETE');
      expect(status).toBe(204);
      expect(await Promise.all(sessions.map(byOf))).toEqual([401, 200]);
      expect((await askAccount(token, `/sessions/${found.at(-1)?.id}`, 'DELETE')).status).toBe(404);
      expect(await shownTo(token)).toHaveLength(2);
    });

    it('and ends it with all others, which those with the cookie alone notice at once', async () => {
      const session = sessionOf(await ask([password()]));
      const token = await signInToAccount();
      expect(await byOf(session)).toBe(200);
      expect((await askAccount(token, '/sessions', 'DELETE')).body).toEqual({ ended: 1 });
      expect(await byOf(session)).toBe(401);
      expect(await shownTo(token)).toEqual([expect.objectContaining({ current: true, services: [] })]);
    });

    it('and it is not listed any more when an operator has ended all', async () => {
      const session = sessionOf(await ask([password()]));
      const { sessions } = await servedTenant(server, 'acme');
      const { accounts } = server.storage.forTenant('acme');
      const { sub = '' } = (await accounts.findByLogin(alice.username)) ?? {};
      expect(await sessions.list(sub)).toMatchObject([{ services: ['orders.test'], clients: [] }]);
      expect(await sessions.endAll(sub, { actor: 'cli' })).toBe(1);
      expect(await byOf(session)).toBe(401);
      expect(await sessions.list(sub)).toEqual([]);
    });
  });

  it.each(['public, max-age=60', 's-maxage=60'])(
    'is given none in an answer that caches share: %s',
    async (value) => {
      cacheControl = value;
      expect(sessionOf(await ask([password()]))).toBeUndefined();
    },
  );
});

const createKey = async () => {
  const { apiKeys } = await servedTenant(server, 'acme');
  const added = await server.users('acme').add({ username: 'ci', isSystem: true });
  if (!added.ok) throw new Error(added.message);
  const made = await apiKeys.create(added.account, {}, { actor: 'cli' });
  if (!made.ok) throw new Error(made.message);
  return { apiKeys, id: made.key.id, text: made.secret };
};

describe('a caller with an API key', () => {
  it('is given no session, however the key is presented, and no key reaches the service', async () => {
    const { text } = await createKey();
    const inBasic = (typed: string) => `Authorization: Basic ${Buffer.from(typed).toString('base64')}`;
    for (const presented of [
      [`Authorization: Bearer ${text}`],
      [inBasic(`ci:${text}`)],
      [inBasic(`${text}:`)],
      [`X-API-Key: ${text}`],
      [`X-API-Key: ${text.slice(0, 19)}`, `X-API-Secret: ${text.slice(20)}`],
    ]) {
      const answer = await ask([...presented, 'Cookie: own=1']);
      expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('ci by apikey') });
      expect(answer.headers['set-cookie']).toBe('own=1');
      const { rawHeaders = [] } = service.got.at(-1) ?? {};
      expect(rawHeaders.join('\n')).not.toContain(text.slice(20));
    }
  });

  it('is refused with two of them, in whatever headers', async () => {
    const { text } = await createKey();
    for (const presented of [
      [`Authorization: Bearer ${text}`, `Authorization: Bearer ${text}`],
      [`X-API-Key: ${text}`, `X-API-Key: ${text}`],
      [`Authorization: ApiKey ${text}`],
      [`Authorization: Bearer ${text} `.concat(text)],
    ])
      expect([400, 401]).toContain((await ask(presented)).status);
    expect(service.got).toEqual([]);
  });
});

describe('a WebSocket by a session or a key', () => {
  const join = async (
    headers: readonly string[],
  ): Promise<{ socket: Socket; text: () => string; isClosed: () => boolean }> => {
    const socket = connect(port(), '127.0.0.1');
    let text = '';
    let hasEnded = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('close', () => {
      hasEnded = true;
    });
    const handshake = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    socket.write(
      `${['GET /live HTTP/1.1', 'Host: orders.test', ...handshake, ...headers].join('\r\n')}\r\n\r\n`,
    );
    await eventually('an answer', () => text.includes('\r\n\r\n') || hasEnded, 3000);
    return { socket, text: () => text, isClosed: () => hasEnded };
  };

  it('is refused without one', async () => {
    expect((await join([])).text()).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('is open until the person is disabled', async () => {
    const session = sessionOf(await ask([password()]));
    const joined = await join([`Cookie: ${session}`]);
    expect(joined.text()).toMatch(/^HTTP\/1\.1 101 /);
    joined.socket.write('ping');
    await eventually('it is open', () => joined.text().endsWith('ping'), 3000);
    await server.users('acme').disable(alice.username);
    await eventually('it is closed', joined.isClosed, 5000);
  });

  it('is open until the person ends that session', async () => {
    const session = sessionOf(await ask([password()]));
    const joined = await join([`Cookie: ${session}`]);
    expect(joined.text()).toMatch(/^HTTP\/1\.1 101 /);
    const { sessions } = await servedTenant(server, 'acme');
    const { accounts } = server.storage.forTenant('acme');
    const { sub = '' } = (await accounts.findByLogin(alice.username)) ?? {};
    const [{ id = '' } = {}] = await sessions.list(sub);
    expect(await sessions.end(sub, id, { actor: sub })).toBe(true);
    await eventually('it is closed', joined.isClosed, 5000);
  });

  it('is open until the key is revoked', async () => {
    const { apiKeys, id, text } = await createKey();
    const joined = await join([`Authorization: Bearer ${text}`]);
    expect(joined.text()).toMatch(/^HTTP\/1\.1 101 /);
    await apiKeys.revoke(id, { actor: 'cli' });
    await eventually('it is closed', joined.isClosed, 5000);
  });

  it('does not keep the server from closing', async () => {
    const session = sessionOf(await ask([password()]));
    const joined = await join([`Cookie: ${session}`]);
    isClosed = true;
    await server.close();
    await eventually('it is closed', joined.isClosed, 3000);
  });
});
