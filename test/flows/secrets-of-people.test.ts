import { expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import {
  app,
  challenge,
  createDpopKey,
  directClients,
  firstRequest,
  nextOf,
  redeemDirectly,
} from '../support/direct-login.ts';
import { dumpStore } from '../support/dump-store.ts';
import { type Answer, pkce } from '../support/oauth-client.ts';
import { sampleClients, sampleTenant } from '../support/sample-tenants.ts';
import { authenticatorApp } from '../support/second-factor.ts';
import { lastMailedCode, shownMails } from '../support/shown-mails.ts';
import { createTestClock } from '../support/test-clock.ts';
import { withEachStore } from '../support/use-server.ts';

const clock = createTestClock(Date.now());
const clients = [...sampleClients, ...directClients];
const tenants = {
  acme: sampleTenant({
    clients,
    registration: { mode: 'open' },
    recovery: { password: 'mail' },
    // the provider's own clock stands still while the test's goes on
    lifetimes: { authorizationCode: '10m' },
  }),
};

// a whole life with an app's own pages: who reads the store, the log or the mail ledger can act as nobody
await withEachStore({ clock, tenants }, (server) => {
  const issuer = server.issuer('acme');
  const secrets = new Map<string, string>();
  const note = (name: string, value: unknown): string => {
    if (typeof value !== 'string' || value.length < 6) throw new Error(`${name} was not given: ${value}`);
    secrets.set(name, value);
    return value;
  };
  const noteAll = (what: string, { status, body }: Answer, ...members: readonly string[]) => {
    if (status >= 300 && status !== 401 && status !== 403)
      throw new Error(`${what}: ${JSON.stringify(body)}`);
    return members.map((member) => note(`${member} of ${what}`, body[member]));
  };
  const post = async (path: string, body: object = {}, token?: string): Promise<Answer> => {
    const named = token === undefined ? { client_id: app.id, ...body } : body;
    const answer = await askApi(issuer, path, { method: 'POST', token, body: named });
    clock.advance(1000); // so that the newest mail is the last one
    return answer;
  };
  const mailedCode = async (what: string): Promise<string> =>
    note(`code of the mail: ${what}`, await lastMailedCode(server, 'acme'));
  const nowMs = () => clock.now();

  it('keeps no secret of a person in store, log or ledger', async () => {
    const email = 'dora@acme.example';
    const password = note('first password', 'the first long passphrase of dora');
    const username = 'dora';
    const begun = noteAll('registration', await post('/registrations', { email }), 'registration_id');
    const proof = { registration_id: begun[0], code: await mailedCode('registration') };
    const [token] = noteAll('verified address', await post('/registrations/verify', proof), 'token');
    noteAll('new account', await post('/registrations/finish', { token, name: 'Dora', username, password }));

    const pending = await post('/sessions', { email });
    const [, verification_id] = noteAll('session by mail', pending, 'access_token', 'verification_id');
    const code = await mailedCode('session');
    noteAll('verified session', await post('/session/verify', { verification_id, code }), 'access_token');
    noteAll('unused session by mail', await post('/sessions', { email }), 'access_token', 'verification_id');
    await mailedCode('unused session');

    const wrong = note('mistyped password', 'a mistyped passphrase of dora');
    expect((await post('/login', { username, password: wrong })).status).toBe(401);
    const [direct = ''] = noteAll('login', await post('/login', { username, password }), 'access_token');
    const [secret = '', set_up] = noteAll(
      'authenticator app',
      await post('/totp', {}, direct),
      'secret',
      'set_up',
    );
    const authenticator = authenticatorApp(secret, nowMs);
    const added = await post('/factors', { set_up, name: 'Phone', code: authenticator.next() }, direct);
    for (const [index, one] of (added.body.recovery_codes as readonly string[]).entries()) {
      note(`recovery code ${index}`, one);
      note(`recovery code ${index}, as typed`, one.replaceAll('-', ''));
    }
    const recoveryCode = secrets.get('recovery code 0');
    noteAll('unused factor step', await post('/login', { username, password }), 'mfa_token');
    const [mfa_token] = noteAll('factor step', await post('/login', { username, password }), 'mfa_token');
    const [strong = ''] = noteAll(
      'login with a recovery code',
      await post('/login', { mfa_token, otp: recoveryCode }),
      'access_token',
    );

    const here = `${issuer}/authorize-challenge`;
    const key = await createDpopKey();
    const pkcePair = pkce();
    note('verifier', pkcePair.verifier);
    const ask = async (form: object) =>
      challenge(
        issuer,
        { ...form },
        { headers: await key.proofFor(here, { iat: Math.floor(nowMs() / 1000) }) },
      );
    const first = await ask({ ...firstRequest(pkcePair), username, password });
    noteAll('challenge', first, 'auth_session');
    clock.advance(30_000);
    const done = await ask({ ...nextOf(first), otp: authenticator.next() });
    noteAll('challenge done', done, 'authorization_code');
    const headers = await key.proofFor(`${issuer}/token`);
    noteAll(
      'token request',
      await redeemDirectly(issuer, done, { ...pkcePair, headers }),
      ...['access_token', 'refresh_token', 'id_token'],
    );
    noteAll('unused challenge', await ask({ ...firstRequest(pkce()), username }), 'auth_session');

    const changed = await post('/email-changes', { email: 'dora@new.example' }, strong);
    const [change] = noteAll('new address', changed, 'verification_id');
    const proven = { verification_id: change, code: await mailedCode('new address') };
    expect((await post('/email-changes/verify', proven, strong)).status).toBe(204);

    const [reset_id] = noteAll('reset', await post('/password-resets', { username }), 'reset_id');
    const reset = { reset_id, code: await mailedCode('reset') };
    const [resetToken] = noteAll('verified reset', await post('/password-resets/verify', reset), 'token');
    const renewed = note('second password', 'the second long passphrase of dora');
    expect((await post('/password-resets/finish', { token: resetToken, password: renewed })).status).toBe(
      204,
    );
    for (const { text } of await shownMails(server, 'acme'))
      for (const [, linked] of text.matchAll(/token=([\w-]{43})/g)) note(`link ${linked}`, linked);

    const dump = await dumpStore(server.storeUrl);
    const ledger = JSON.stringify(await server.storage.forTenant('acme').mails.list({ limit: 50 }));
    const places = { dump, ledger, log: server.logLines().join('\n') };
    expect(secrets.size).toBeGreaterThan(45);
    expect(dump).toContain(username);
    expect(ledger).toContain('password_reset');
    const found = Object.entries(places).flatMap(([place, text]) =>
      [...secrets].flatMap(([name, value]) => (text.includes(value) ? [`${name} in ${place}`] : [])),
    );
    expect(found).toEqual([]);
  }, 60_000);
});
