import { request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import {
  approve,
  approveDevice,
  enterCode,
  pollDevice,
  refuse,
  type StartedDevice,
  startDevice,
} from '../support/device.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { type Answer, refresh, toAnswer, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  alice,
  openClient,
  publicClient,
  sampleClients,
  sampleTenant,
  tv,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const plenty = { attempts: 1000, window: '1m' };
const unthrottled = { userCodeSession: plenty, userCodeAddress: plenty, userCodeTenant: plenty };
const gateway = { deviceClient: tv.id };
const radio = openClient('radio', '');
const grant_types = ['urn:ietf:params:oauth:grant-type:device_code' as const];
const clients = [...sampleClients, publicClient(radio, { grant_types, redirect_uris: [] })];

const server = await useServer({
  store: sqliteStore,
  instances: 2,
  tenants: {
    acme: sampleTenant({ clients, throttle: unthrottled, gateway }),
    globex: sampleTenant({ throttle: unthrottled, gateway }),
    without: sampleTenant({ throttle: unthrottled }),
    throttled: sampleTenant({
      throttle: { ...unthrottled, userCodeAddress: { attempts: 3, window: '1m' } },
      gateway,
    }),
  },
  settings: { server: { trustedProxies: ['127.0.0.1', '::1'] } },
});
const issuer = server.issuer('acme');
afterEach(restoreTime);

const login = async (tenant: string, query = '', init: RequestInit = {}): Promise<Answer> =>
  toAnswer(await fetch(`${server.publicUrl}/tenant/${tenant}/loginDevice${query}`, init));
const start = async (query = ''): Promise<StartedDevice> => {
  const { status, body } = await login('acme', query);
  expect(status).toBe(200);
  return body as unknown as StartedDevice;
};
const state = async (code: string, init: RequestInit = {}): Promise<Answer> =>
  toAnswer(await fetch(`${server.publicUrl}/auth/info/state?device_code=${encodeURIComponent(code)}`, init));
const refusal = { error: expect.any(String), error_description: expect.any(String) };
/** What every refusal carries. */
const expectRefusal = ({ status, headers, body }: Answer, expected: { status: number; error: string }) => {
  expect({ status, error: body.error }).toEqual(expected);
  const errorId = headers.get('x-error-id');
  const { error_id: shownId = errorId, ...others } = body;
  expect(others).toEqual(refusal);
  expect(headers.get('x-error')).toBeTruthy();
  expect(errorId).toBeTruthy();
  expect(shownId).toBe(errorId);
  expect(headers.get('cache-control')).toContain('no-store');
  expect(headers.get('content-type')).toContain('application/json');
};

describe('loginDevice', () => {
  it.each([
    ['GET', undefined],
    ['POST', undefined],
    ['POST', new URLSearchParams({ scope: 'openid profile' })],
    ['POST', new URLSearchParams({})],
  ])('answers %s as the endpoint of the issuer does (%s)', async (method, body) => {
    const { status, body: started, headers } = await login('acme', '', { method, body: body ?? null });

    expect(status).toBe(200);
    expect(started).toEqual({
      device_code: expect.stringMatching(/^acme\.[\w-]{43}$/),
      user_code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
      verification_uri: `${issuer}/device`,
      verification_uri_complete: `${issuer}/device?user_code=${started.user_code}`,
      expires_in: 300,
      interval: 5,
    });
    expect(headers.get('cache-control')).toContain('no-store');
    expect(headers.get('content-type')).toContain('application/json');
  });

  it('answers JSON to a browser too', async () => {
    const headers = { accept: 'text/html' };

    expect((await login('acme', '', { headers })).body).toMatchObject({ interval: 5 });
    expectRefusal(await login('nowhere', '', { headers }), { status: 404, error: 'not_found' });
  });

  it('asks for what the device asks for, and for no client but the one of the file', async () => {
    const started = await start('?scope=openid%20profile&client_id=web&device_name=Hall');
    const browser = createBrowser();
    const page = await enterCode(browser, issuer, started.user_code);
    await approve(browser, page);
    const { body } = await state(started.device_code);

    expect(textOf(page)).toContain('The tv app');
    expect(textOf(page)).toContain('Hall');
    expect((await userinfo(issuer, body.access_token ?? '')).body).toMatchObject({ name: 'Alice Adams' });
  });

  it('does not mind what the caller shows of itself', async () => {
    const headers = { authorization: `Basic ${Buffer.from('web:wrong').toString('base64')}` };

    expect((await login('acme', '', { headers })).status).toBe(200);
  });

  it.each([
    ['?scope=a&scope=b', 'invalid_request'],
    [`?device_name=${'x'.repeat(101)}`, 'invalid_request'],
    ['?device_serial=%00', 'invalid_request'],
    ['?device_model=%E2%80%AEtxt', 'invalid_request'],
    ['?resource=https%3A%2F%2Fnowhere.example', 'invalid_target'],
  ])('refuses %s', async (query, error) => {
    expectRefusal(await login('acme', query), { status: 400, error });
  });

  it('refuses a body that is no form', async () => {
    const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };

    expectRefusal(await login('acme', '', json), { status: 400, error: 'invalid_request' });
  });

  it('logs for the operator what is missing when the tenant names no client', async () => {
    const answer = await login('without');

    expectRefusal(answer, { status: 404, error: 'not_found' });
    expect(answer.body.error_description).toContain('gateway: { deviceClient: <client_id> }');
  });

  it.each(['nowhere', 'ACME', 'acme%2f', '..'])('has nothing for the tenant %s', async (tenant) => {
    expect((await login(tenant)).status).toBe(404);
  });

  it.each(['PUT', 'DELETE', 'HEAD'])('refuses %s', async (method) => {
    const answer = await fetch(`${server.publicUrl}/tenant/acme/loginDevice`, { method });

    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  it('gives so many codes to an address, and no more, together with the endpoint of the issuer', async () => {
    const headers = { 'x-forwarded-for': '198.51.100.7' };
    const atIssuer = async () =>
      toAnswer(
        await fetch(`${server.issuer('throttled')}/device/auth`, {
          method: 'POST',
          headers,
          body: new URLSearchParams({ client_id: tv.id, scope: 'openid' }),
        }),
      );
    const first = [await login('throttled', '', { headers }), await atIssuer(), await atIssuer()];
    const refused = await login('throttled', '', { headers });

    expect(first.map(({ status }) => status)).toEqual([200, 200, 200]);
    expectRefusal(refused, { status: 429, error: 'too_many_requests' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await atIssuer()).status).toBe(429);
    const elsewhere = { headers: { 'x-forwarded-for': '198.51.100.8' } };
    expect((await login('throttled', '', elsewhere)).status).toBe(200);
    moveTime(61);
    expect((await login('throttled', '', { headers })).status).toBe(200);
  });
});

describe('the state', () => {
  it('is pending until the person has decided; then the token is given once', async () => {
    const started = await start();
    const pending = await state(started.device_code);
    await approveDevice(createBrowser(), issuer, started);
    const { status, body, headers } = await state(started.device_code);

    expectRefusal(pending, { status: 400, error: 'authorization_pending' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
    });
    expect(headers.get('cache-control')).toContain('no-store');
    expect((await userinfo(issuer, body.access_token ?? '')).status).toBe(200);
    expect((await refresh(issuer, tv, body.refresh_token)).status).toBe(200);
    expectRefusal(await state(started.device_code), { status: 400, error: 'invalid_grant' });
  });

  it('is asked too often: slow_down, also across both addresses', async () => {
    const started = await start();
    moveTime(0);
    expect((await state(started.device_code)).body.error).toBe('authorization_pending');
    expectRefusal(await state(started.device_code), { status: 400, error: 'slow_down' }); // 10 s
    expect((await pollDevice(issuer, started)).body.error).toBe('slow_down'); // 15 s
    moveTime(16);
    expect((await state(started.device_code)).body.error).toBe('authorization_pending');
  });

  it('is expired_token when the code has expired', async () => {
    const started = await start();
    moveTime(301);

    expectRefusal(await state(started.device_code), { status: 400, error: 'expired_token' });
  });

  it('is access_denied when the person has refused', async () => {
    const started = await start();
    const browser = createBrowser();
    await refuse(browser, await enterCode(browser, issuer, started.user_code));

    expectRefusal(await state(started.device_code), { status: 400, error: 'access_denied' });
  });

  it('is had at either address', async () => {
    const there = await start();
    await approveDevice(createBrowser(), issuer, there);
    const { body } = await login('acme');
    const here = body as unknown as StartedDevice;
    const browser = createBrowser();
    const opened = await browser.get(here.verification_uri_complete);
    await approve(browser, await browser.submit(opened), alice);

    expect((await pollDevice(issuer, there)).status).toBe(200);
    expect((await state(here.device_code)).status).toBe(200);
  });

  it('gives tokens once, however many instances are asked at once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const started = await start();
      await approveDevice(createBrowser(), issuer, started);
      const answers = await Promise.all(Array.from({ length: 20 }, () => state(started.device_code)));

      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(19);
    }
  });

  it.each([
    ['of nobody', `acme.${'x'.repeat(43)}`, 'invalid_grant'],
    ['without a tenant', 'x'.repeat(43), 'invalid_grant'],
    ['of a tenant that is not there', `nowhere.${'x'.repeat(43)}`, 'invalid_grant'],
    ['of a tenant without a device client', `without.${'x'.repeat(43)}`, 'invalid_grant'],
    ['that is none', '../../etc', 'invalid_grant'],
    ['that is empty', '', 'invalid_request'],
  ])('of a code %s is %s: %s', async (_, code, error) => {
    expectRefusal(await state(code), { status: 400, error });
  });

  it('of no code or of two is invalid_request', async () => {
    const url = `${server.publicUrl}/auth/info/state`;
    for (const query of ['', '?device_code=a&device_code=b', '?x=1']) {
      expectRefusal(await toAnswer(await fetch(url + query)), { status: 400, error: 'invalid_request' });
    }
  });

  it('of a code with another tenant in front is not that of the code', async () => {
    const started = await start();
    await approveDevice(createBrowser(), issuer, started);
    const forged = started.device_code.replace('acme.', 'globex.');

    expectRefusal(await state(forged), { status: 400, error: 'invalid_grant' });
    expect((await state(started.device_code)).status).toBe(200);
  });

  it('of a code that another client asked for is not given away', async () => {
    const started = await startDevice(issuer, { client: radio });
    await approveDevice(createBrowser(), issuer, started);

    expectRefusal(await state(started.device_code), { status: 400, error: 'invalid_grant' });
    expect((await pollDevice(issuer, started, radio)).status).toBe(200);
  });

  it('leaves no code and no token in the log', async () => {
    const started = await start('?device_serial=SECRET-SERIAL');
    await approveDevice(createBrowser(), issuer, started);
    const { body } = await state(started.device_code);
    await state(started.device_code);
    const log = server.logLines().join('');

    expect(log).toContain('"route":"/auth/info/state"');
    expect(log).toContain('"route":"/tenant/:tenant/loginDevice"');
    for (const secret of [started.device_code, started.user_code, body.access_token, 'SECRET-SERIAL'])
      expect(log).not.toContain(secret);
  });

  it('is found under the public hosts only, and what is of a tenant with a host of its own only there', async () => {
    const { port, host } = new URL(server.publicUrl);
    const own = `own.localhost:${port}`;
    await server.putTenant('own', sampleTenant({ publicUrl: `http://${own}`, gateway }));
    const started = (await ask('/tenant/own/loginDevice', own)).body;
    const path = `/auth/info/state?device_code=${started.device_code}`;

    expect(started.verification_uri).toBe(`http://${own}/oauth/own/device`);
    expect((await ask('/tenant/own/loginDevice', host)).status).toBe(404);
    expect((await ask('/tenant/acme/loginDevice', own)).status).toBe(404);
    expect((await ask(path, host)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await ask(path, own)).body).toMatchObject({ error: 'authorization_pending' });
    expect((await ask(path, 'service.example')).status).toBe(421);
  });
});

/** As somebody asks who knows the server by this name. */
const ask = async (path: string, host: string) =>
  new Promise<{ readonly status: number | undefined; readonly body: Readonly<Record<string, unknown>> }>(
    (resolve, reject) => {
      const headers = { host, accept: 'application/json' };
      request(`${server.publicUrl}${path}`, { headers }, async (response) => {
        const text = (await response.toArray()).join('');
        resolve({ status: response.statusCode, body: JSON.parse(text) });
      })
        .on('error', reject)
        .end();
    },
  );
