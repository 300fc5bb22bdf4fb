import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { askApi } from '../support/account-api.ts';
import { basicOf, identifyAt, requestOf, serviceOf } from '../support/callers.ts';
import {
  app,
  challenge,
  directClients,
  firstRequest,
  nextOf,
  redeemDirectly,
} from '../support/direct-login.ts';
import { type Answer, type Parameters, pkce, tokenRequest } from '../support/oauth-client.ts';
import { alice, migrator, sampleClients, sampleTenant } from '../support/sample-tenants.ts';
import { lastMailedCode, shownMails } from '../support/shown-mails.ts';
import { sqliteStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { useServer } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const tenant = sampleTenant({
  clients: [...sampleClients, ...directClients],
  secondFactor: { methods: ['totp', 'passkey', 'email'], required: { everyone: true } },
});
const server = await useServer({
  store: sqliteStore,
  clock,
  instances: 2,
  tenants: { grant: tenant, login: tenant, challenge: tenant, basic: tenant, mailed: tenant },
});
const { username, password } = alice;
const mailsOf = (id: string) => shownMails(server, id);
const lastCode = async (id: string): Promise<string> => {
  const code = await lastMailedCode(server, id);
  clock.advance(1000); // the newest mail is the last one
  return code;
};

describe('a person whose second factor is a code by e-mail', () => {
  it('signs in by the password grant, with the code for its mfa_token', async () => {
    const grant = (form: Parameters): Promise<Answer> =>
      tokenRequest(server.issuer('grant'), migrator, { grant_type: 'password', scope: 'openid', ...form });
    expect((await grant({ username, password: 'wrong' })).body.error).toBe('invalid_grant');
    expect(await mailsOf('grant')).toEqual([]);
    const first = await grant({ username, password, otp: '12345678' });
    expect([first.status, first.body]).toMatchObject([400, { error: 'mfa_required', methods: ['email'] }]);
    const otp = await lastCode('grant');
    const second = await grant({ username, password });
    const ofSecond = String(second.body.mfa_token);
    const swapped = await grant({ mfa_token: ofSecond, otp });
    expect(swapped.body.error_description).toContain('invalid_otp');
    const right = await grant({ mfa_token: String(first.body.mfa_token), otp });
    expect(decodeJwt(right.body.id_token ?? '')).toMatchObject({ acr: 'mfa', amr: ['pwd', 'email', 'mfa'] });
    const again = await grant({ mfa_token: String(first.body.mfa_token), otp });
    expect(again.body.error_description).toContain('mfa_token');
  });

  it('signs in by POST /login', async () => {
    const logIn = (body: object): Promise<Answer> =>
      askApi(server.issuer('login'), '/login', { method: 'POST', body: { client_id: app.id, ...body } });
    const first = await logIn({ username, password });
    expect([first.status, first.body]).toMatchObject([401, { error: 'mfa_required', methods: ['email'] }]);
    const { mfa_token } = first.body;
    const wrong = await logIn({ mfa_token, otp: '00000000' });
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_otp']);
    expect((await logIn({ mfa_token, otp: await lastCode('login') })).status).toBe(200);
    for (let n = 2; n <= 5; n += 1) await logIn({ username, password });
    expect((await logIn({ username, password })).status).toBe(429);
    expect(await mailsOf('login')).toHaveLength(5);
  });

  it('signs in by an authorization challenge, whose sessions change with each step', async () => {
    const at = server.issuer('challenge');
    const proof = pkce();
    const first = await challenge(at, { ...firstRequest(proof), username, password });
    expect(first.body).toMatchObject({ required: ['otp'], methods: ['email'] });
    const wrong = await challenge(at, { ...nextOf(first), otp: '00000000' });
    expect(wrong.body.error_description).toContain('invalid_otp');
    expect(await mailsOf('challenge')).toHaveLength(1);
    const otp = await lastCode('challenge');
    const other = await challenge(at, { ...firstRequest(pkce()), username, password });
    expect((await challenge(at, { ...nextOf(other), otp })).body.error_description).toContain('invalid_otp');
    const asked = await challenge(at, nextOf(wrong));
    expect(await mailsOf('challenge')).toHaveLength(3);
    const tokens = await redeemDirectly(at, await challenge(at, { ...nextOf(asked), otp }), proof);
    expect(decodeJwt(tokens.body.id_token ?? '')).toMatchObject({ acr: 'mfa', amr: ['pwd', 'email', 'mfa'] });
  });

  it('gets no mail for a request with Basic authentication, nor for a session that a mail began', async () => {
    const [instance] = server.instances;
    if (instance === undefined) throw new Error('no instance');
    const authorization = basicOf(username, password);
    const refused = await identifyAt(instance, { clock })(
      requestOf({ authorization, tenant: 'basic', otp: '12345678' }),
      serviceOf({ tenants: ['basic'] }),
    );
    expect(refused).toMatchObject({
      status: 'bad',
      description: expect.stringContaining('sign in with a browser'),
    });
    expect(await mailsOf('basic')).toEqual([]);

    const at = server.issuer('mailed');
    const post = (path: string, body: object) =>
      askApi(at, path, { method: 'POST', body: { client_id: app.id, ...body } });
    const begun = await post('/sessions', { email: 'alice@acme.example' });
    const { verification_id } = begun.body;
    const verified = await post('/session/verify', { verification_id, code: await lastCode('mailed') });
    expect([verified.status, verified.body.error]).toEqual([403, 'mfa_enrolment_required']);
    expect(await mailsOf('mailed')).toHaveLength(1);
  });
});
