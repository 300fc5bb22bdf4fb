import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type ApiQuestion, askApi } from '../support/account-api.ts';
import { createBrowser } from '../support/browser.ts';
import { basicOf, callerIn, identifyAt, requestOf, serviceOf } from '../support/callers.ts';
import { app, backend, directClients } from '../support/direct-login.ts';
import { type Answer, userinfo } from '../support/oauth-client.ts';
import { sampleClients, sampleTenant, secretOf, web } from '../support/sample-tenants.ts';
import { afterPassword, setUpApp } from '../support/second-factor.ts';
import { lastMailedCode, shownMails } from '../support/shown-mails.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { startTestServer } from '../support/test-server.ts';
import { useServer } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const clients = [...sampleClients, ...directClients];
const lifetimes = { directLogin: '2h', session: '3h' };
const tenant = sampleTenant({ clients, lifetimes });
const email = 'alice@acme.example';
/** Of bob, and not verified. */
const unverified = 'bob@acme.example';
/** Longer than a server takes to close. */
const slowMs = 500;

const server = await useServer({
  store: sqliteStore,
  clock,
  instances: 2,
  tenants: { acme: tenant, factor: tenant, flooded: tenant, prolonged: tenant, tried: tenant },
});
const issuer = server.issuer('acme');
const ask = (
  path: string,
  { at = issuer, ...asked }: ApiQuestion & { readonly at?: string },
): Promise<Answer> => askApi(at, path, { method: 'POST', ...asked });
const begin = async (address: string, at = issuer): Promise<Answer> => {
  clock.advance(1000); // the newest mail is the last one
  const answer = await ask('/sessions', { body: { client_id: app.id, email: address }, at });
  for (const { afterAnswer } of server.instances) await afterAnswer.idle();
  return answer;
};
const verify = ({ body }: Answer, more: object, at = issuer): Promise<Answer> =>
  ask('/session/verify', {
    body: { client_id: app.id, verification_id: body.verification_id, ...more },
    at,
  });
const mailsOf = (id: string) => shownMails(server, id);
const lastCode = (id = 'acme'): Promise<string> => lastMailedCode(server, id);

describe('a session by e-mail', () => {
  it('has a token that the code makes good, until it is ended', async () => {
    const begun = await begin(email);
    expect([begun.status, begun.body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^[\w-]{43}$/),
        token_type: 'Bearer',
        verification_id: expect.any(String),
        verification_expires_in: 600,
      },
    ]);
    const token = String(begun.body.access_token);
    expect((await ask('/session', { token, method: 'GET' })).status).toBe(401);
    expect((await userinfo(issuer, token)).status).toBe(401);

    const wrong = await verify(begun, { code: '00000000' });
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_code']);
    const code = await lastCode();
    const elsewhere = await ask('/session/verify', {
      body: {
        ...{ client_id: backend.id, client_secret: secretOf(backend.id) },
        ...{ verification_id: begun.body.verification_id, code },
      },
    });
    expect(elsewhere.status).toBe(404);
    const other = await begin(email);
    expect((await verify(other, { code })).body.error).toBe('invalid_code');

    const done = await verify(begun, { code });
    expect([done.status, done.body]).toEqual([
      200,
      { access_token: token, token_type: 'Bearer', expires_in: 7200, scope: 'openid account' },
    ]);
    expect((await verify(begun, { code })).body.error).toBe('invalid_code');
    const shown = await ask('/session', { token, method: 'GET' });
    expect(shown.body).toMatchObject({ username: 'alice', expires_at: expect.any(Number) });
    const [instance] = server.instances;
    if (instance === undefined) throw new Error('no instance');
    const request = requestOf({ authorization: basicOf(token, ''), tenant: 'acme' });
    expect(callerIn(await identifyAt(instance, { clock })(request, serviceOf()))).toMatchObject({
      username: 'alice',
      amr: ['email'],
    });

    const { body } = await ask('/sessions', { token, method: 'GET' });
    expect(body.sessions).toEqual(
      expect.arrayContaining([expect.objectContaining({ current: true, address: '127.0.0.1' })]),
    );
    expect((await ask('/logout', { token })).status).toBe(204);
    expect((await ask('/session', { token, method: 'GET' })).status).toBe(401);
    expect((await ask('/session/refresh', { token })).status).toBe(401);
  });

  it('does not say whether somebody has the address', async () => {
    const before = (await mailsOf('acme')).length;
    const answers = [await begin('nobody@acme.example'), await begin(unverified), await begin(email)];
    const shown = answers.map(({ status, headers, body }) => ({
      status,
      names: [...headers.keys()],
      members: Object.entries(body).map(([name, value]) => [name, String(value).length]),
    }));
    expect(shown[1]).toEqual(shown[0]);
    expect(shown[2]).toEqual(shown[0]);
    expect((await mailsOf('acme')).length).toBe(before + 1);
    const code = await lastCode();
    for (const answer of answers.slice(0, 2))
      expect((await verify(answer, { code })).body.error).toBe('invalid_code');
  });

  it('accepts a code of twenty callers at two instances once', async () => {
    const begun = await begin(email);
    const code = await lastCode();
    // with connections that are open, the requests come at the same moment
    const none = { ...begun, body: { verification_id: 'none' } };
    await Promise.all(Array.from({ length: 20 }, () => verify(none, { code })));
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(begun, { code })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('has five tries', async () => {
    const at = server.issuer('tried');
    const afterWrong = async (count: number): Promise<Answer> => {
      const begun = await begin(email, at);
      const code = await lastCode('tried');
      for (let attempt = 0; attempt < count; attempt++)
        await verify(begun, { code: `9999999${attempt}` }, at);
      return verify(begun, { code }, at);
    };
    expect((await afterWrong(5)).body.error).toBe('invalid_code');
    expect((await afterWrong(4)).status).toBe(200);
  });

  it('asks for the second factor of the person', async () => {
    const at = server.issuer('factor');
    const browser = createBrowser();
    const request = { issuer: at, client: web, extra: { acr_values: 'mfa' } };
    const { page } = await afterPassword(browser, request);
    const { redirectUri } = web;
    const { app: phone } = await setUpApp(browser, page, { redirectUri, nowMs: () => clock.now() });
    const nextCode = (): string => {
      clock.advance(30_000);
      return phone.next();
    };
    const begun = await begin(email, at);
    const token = String(begun.body.access_token);
    const asked = await verify(begun, { code: await lastCode('factor') }, at);
    expect([asked.status, asked.body.error]).toEqual([401, 'mfa_required']);
    expect((await userinfo(at, token)).status).toBe(401);
    const mfa_token = String(asked.body.mfa_token);
    const login = { client_id: app.id, mfa_token, otp: nextCode() };
    expect((await ask('/login', { body: login, at })).body.error).toBe('invalid_mfa_token');
    expect((await verify(await begin(email, at), { mfa_token, otp: nextCode() }, at)).body.error).toBe(
      'invalid_mfa_token',
    );
    const done = await verify(begun, { mfa_token, otp: nextCode() }, at);
    expect([done.status, done.body.access_token]).toEqual([200, token]);

    const late = await begin(email, at);
    const { body } = await verify(late, { code: await lastCode('factor') }, at);
    const sources = [{ id: 'local', type: 'local' as const, clients: [web.id] }];
    await server.putTenant('factor', { ...tenant, sources });
    const refused = await verify(late, { mfa_token: String(body.mfa_token), otp: nextCode() }, at);
    expect(refused.body.error).toBe('invalid_mfa_token');
  });

  it('sends an address five mails in an hour', async () => {
    const at = server.issuer('flooded');
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) statuses.push((await begin(email, at)).status);
    expect([statuses[4], statuses[5]]).toEqual([200, 429]);
    expect(await mailsOf('flooded')).toHaveLength(5);
  });

  it('has its mail written before the server closes', async () => {
    const closing = await startTestServer({ store: sqliteStore });
    const order: string[] = [];
    closing.instances[0]?.afterAnswer.forTenant('acme')({
      what: 'mail',
      work: async () => {
        await delay(slowMs);
        await closing.storage.forTenant('acme').accounts.findByLogin('alice');
        order.push('written');
      },
    });
    await closing.close();
    order.push('closed');
    expect(order).toEqual(['written', 'closed']);
  });

  it('is for clients with emailCode', async () => {
    const body = { client_id: backend.id, client_secret: secretOf(backend.id), email };
    expect((await ask('/sessions', { body })).status).toBe(404);
    expect((await ask('/sessions', { body: { client_id: web.id, email } })).status).toBe(403);
    expect((await begin('no address')).body.error).toBe('invalid_request');
  });

  it('lives on when it is prolonged, no longer than a session of the tenant', async () => {
    const at = server.issuer('prolonged');
    const begun = await begin(email, at);
    const token = String(begun.body.access_token);
    await verify(begun, { code: await lastCode('prolonged') }, at);
    clock.advance(1_800_000);
    const refreshed = await ask('/session/refresh', { token, at });
    expect(refreshed.body).toEqual({ expires_in: 7200 });
    clock.advance(5_400_000);
    expect((await ask('/session/refresh', { token, at })).body.expires_in).toBe(3600);
    clock.advance(3_601_000);
    expect((await ask('/session', { token, method: 'GET', at })).status).toBe(401);
  });
});
