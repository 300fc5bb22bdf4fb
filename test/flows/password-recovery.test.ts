import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { app, backend, directClients } from '../support/direct-login.ts';
import { dumpStore } from '../support/dump-store.ts';
import { eventually } from '../support/eventually.ts';
import { codeOf, openApp, signInThere } from '../support/federation.ts';
import { type MailServer, startMailServer, type TakenMail } from '../support/mail-server.ts';
import { textOf } from '../support/page-text.ts';
import { sampleClients, sampleTenant, web } from '../support/sample-tenants.ts';
import { describeOnce, eachStore, sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const old = 'the old long password of ruth';
const fresh = 'a fresh and long enough secret';
const ruth = { username: 'ruth', password: old, email: 'ruth@example.com' };

eachStore((store) => {
  let mail: MailServer;
  let server: TestServer;
  const issuer = () => server.issuer('acme');
  const recover = () => `${issuer()}/recover`;

  beforeAll(async () => {
    mail = await startMailServer();
  });
  afterAll(() => mail.close());
  beforeEach(async () => {
    mail.taken.splice(0);
    const clients = [...sampleClients, ...directClients];
    const tenant = sampleTenant({ clients, recovery: { password: 'mail' } });
    server = await startTestServer({
      store,
      tenants: { acme: tenant, globex: tenant, off: sampleTenant({ clients }) },
      settings: { mail: mail.settings },
      instances: 2,
    });
    const added = await server.users('acme').add(ruth);
    if (!added.ok) throw new Error(added.reason);
  });
  afterEach(() => server.close());

  const ask = (login: string, browser = createBrowser()) => browser.post(recover(), { login });
  const linkIn = ({ text = '' }: TakenMail): string =>
    /^https?:\S+\/recover\/password\?token=[\w-]{43}$/m.exec(text)?.[0] ?? '';
  const codeIn = ({ text = '' }: TakenMail): string => /^ {4}(\d{8})$/m.exec(text)?.[1] ?? '';
  const mailTo = async (address: string): Promise<TakenMail> => {
    const [first] = await mail.mailsTo(address);
    if (first === undefined) throw new Error('no mail');
    return first;
  };
  const choose = (link: string, password = fresh, browser = createBrowser()) =>
    browser.post(link, { new_password: password, repeated: password });
  const signIn = async (password: string, browser = createBrowser()): Promise<Page> =>
    signInThere(browser, await openApp(browser, issuer()), { who: { ...ruth, password } });
  const canSignIn = async (password: string): Promise<boolean> =>
    (await signIn(password)).location !== undefined;
  const isDone = ({ location }: Page): boolean => location === `${recover()}/done`;

  it('gives a new password to who opens the link of the mail', async () => {
    const elsewhere = createBrowser();
    codeOf(await signIn(old, elsewhere));
    const browser = createBrowser();
    const start = await openApp(browser, issuer());
    expect(start.body).toContain(`href="${recover()}"`);
    const sent = await browser.follow(await browser.submit(await browser.get(recover()), { login: 'Ruth' }));
    expect(textOf(sent)).toContain('a mail is on its way to its address');
    const taken = await mailTo(ruth.email);
    expect(taken.subject).toMatch(/^Choose a new password for /);
    const link = linkIn(taken);
    expect(link.startsWith(`${recover()}/password?`)).toBe(true);

    // what opens links in mails changes nothing
    for (let n = 0; n < 3; n += 1) expect((await createBrowser().get(link)).status).toBe(200);
    const form = await createBrowser().get(link);
    expect(textOf(form)).toContain('for the account ruth');
    const other = createBrowser();
    const done = await other.submit(form, { new_password: fresh, repeated: fresh });
    expect(isDone(done)).toBe(true);
    expect(textOf(await other.follow(done))).toContain('Your password');
    // nobody is signed in by it
    expect([...other.cookies(), ...browser.cookies()].map(({ name }) => name).join()).not.toContain(
      'session',
    );

    expect((await choose(link)).status).toBe(400);
    expect((await createBrowser().get(link)).status).toBe(400);
    expect(await canSignIn(old)).toBe(false);
    expect(await canSignIn(fresh)).toBe(true);
    const session = await elsewhere.get(`${issuer()}/account`);
    expect(session.status).toBe(303);
    const [, notice] = await mail.mailsTo(ruth.email, 2);
    expect(notice?.subject).toMatch(/^Your password at .* was changed$/);
    const audit = await server.storage.forTenant('acme').audit.list({ limit: 20 });
    const actions = audit.map(({ action, outcome }) => `${action} ${outcome}`);
    expect(actions).toEqual(
      expect.arrayContaining(['recovery.begin success', 'recovery.reset success', 'user.passwd success']),
    );
  });

  const askApp = (
    step: '' | '/verify' | '/finish',
    {
      client_id = app.id,
      tenant = 'acme',
      ...body
    }: Readonly<Record<string, unknown>> & { readonly tenant?: string },
  ) =>
    askApi(server.issuer(tenant), `/password-resets${step}`, {
      method: 'POST',
      body: { client_id, ...body },
    });

  it('gives it on pages of an app, by the code of the mail', async () => {
    const elsewhere = createBrowser();
    codeOf(await signIn(old, elsewhere));
    const [begun, unknown] = [
      await askApp('', { username: 'Ruth@example.com' }),
      await askApp('', { username: 'nobody@example.com' }),
    ];
    const shown = ({ status, headers, body }: typeof begun) => ({
      status,
      members: Object.keys(body),
      headers: [...headers.keys()],
    });
    expect([begun.status, begun.body]).toEqual([
      202,
      { reset_id: expect.stringMatching(/^[\w-]{43}$/), code_expires_in: 600 },
    ]);
    expect(shown(unknown)).toEqual(shown(begun));
    const { reset_id } = begun.body;
    const code = codeIn(await mailTo(ruth.email));
    const errorOf = async (step: '/verify' | '/finish', body: Parameters<typeof askApp>[1]) => {
      const { status, headers, body: refused } = await askApp(step, body);
      expect(headers.get('x-error-id')).toEqual(expect.any(String));
      return [status, refused.error];
    };
    expect(await errorOf('/verify', { reset_id: unknown.body.reset_id, code })).toEqual([
      400,
      'invalid_code',
    ]);
    expect(await errorOf('/verify', { reset_id, code, tenant: 'globex' })).toEqual([400, 'invalid_code']);
    expect(await errorOf('/finish', { token: code, password: fresh })).toEqual([400, 'invalid_token']);
    const proven = await Promise.all(Array.from({ length: 20 }, () => askApp('/verify', { reset_id, code })));
    const [{ body: { token } = {} } = {}, ...others] = proven.filter(({ status }) => status === 200);
    expect(others).toEqual([]);
    expect(await errorOf('/finish', { token, password: 'short' })).toEqual([400, 'password_refused']);
    const set = await Promise.all(
      Array.from({ length: 20 }, () => askApp('/finish', { token, password: fresh })),
    );
    expect(set.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(await errorOf('/finish', { token, password: fresh })).toEqual([400, 'invalid_token']);
    expect([await canSignIn(old), await canSignIn(fresh)]).toEqual([false, true]);
    expect((await elsewhere.get(`${issuer()}/account`)).status).toBe(303);
    const dump = (await dumpStore(server.storeUrl)) + server.logLines().join();
    for (const secret of [reset_id, code, token, fresh]) expect(dump).not.toContain(secret);
  });

  it('is offered to apps of the tenant with pages of their own, where the tenant offers it', async () => {
    const statusOf = async (body: Parameters<typeof askApp>[1]) =>
      (await askApp('', { username: ruth.username, ...body })).status;
    expect(await statusOf({ tenant: 'off' })).toBe(404);
    expect(await statusOf({ client_id: web.id })).toBe(403);
    expect(await statusOf({ client_id: backend.id })).toBe(401);
    expect(await statusOf({ username: '' })).toBe(400);
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push(await statusOf({ username: 'RUTH' }));
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
  });

  it('gives it to one of 20 who use link or code at once, on two instances', async () => {
    const browser = createBrowser();
    await ask('ruth@example.com', browser);
    const taken = await mailTo(ruth.email);
    const link = linkIn(taken);
    const tried = await Promise.all(Array.from({ length: 20 }, (_, n) => choose(link, `${fresh} ${n}`)));
    expect(tried.filter(isDone)).toHaveLength(1);
    expect((await browser.post(`${recover()}/code`, { code: codeIn(taken) })).status).toBe(400);
    const winner = tried.findIndex(isDone);
    expect(await canSignIn(`${fresh} ${winner}`)).toBe(true);
  });

  it('keeps no link, code or address in store, log and ledger', async () => {
    const browser = createBrowser();
    await ask('ruth', browser);
    const taken = await mailTo(ruth.email);
    const [link, code] = [linkIn(taken), codeIn(taken)];
    const token = new URL(link).searchParams.get('token') ?? '';
    await createBrowser().get(link);
    const forwarded = await browser.post(`${recover()}/code`, { code });
    const second = new URL(forwarded.location ?? '').searchParams.get('token') ?? '';
    expect(second).toHaveLength(43);
    expect(second).not.toBe(token);
    expect(isDone(await choose(`${forwarded.location}`))).toBe(true);
    const places = [await dumpStore(server.storeUrl), server.logLines().join('\n')];
    const ledger = await server.storage.forTenant('acme').mails.list({ limit: 9 });
    for (const place of [...places, JSON.stringify(ledger)])
      for (const secret of [token, second, code, fresh]) expect(place).not.toContain(secret);
  });

  describeOnce(store, 'whatever the store', () => {
    it('takes the code in the browser that asked alone, and five tries', async () => {
      const browser = createBrowser();
      await ask('ruth', browser);
      const code = codeIn(await mailTo(ruth.email));
      const post = (who: ReturnType<typeof createBrowser>, typed: string) =>
        who.post(`${recover()}/code`, { code: typed });
      expect((await post(createBrowser(), code)).status).toBe(400);
      const wrong = code === '12345678' ? '12345679' : '12345678';
      for (let n = 0; n < 5; n += 1) expect((await post(browser, wrong)).status).toBe(400);
      expect((await post(browser, code)).status).toBe(400);
      // the link still works
      expect(isDone(await choose(linkIn(await mailTo(ruth.email))))).toBe(true);
    });

    it('answers alike whether anybody has the name', async () => {
      const staff = { sub: 'sub-of-lena', logins: ['lena'], username: 'lena', email: 'lena@example.com' };
      const rest = { claims: {}, groups: [], roles: [], createdAt: 1, updatedAt: 1, version: 1 };
      const identity = { source: 'gone', subject: 'lena', linkedAt: 1, checkedAt: 1 };
      await server.storage
        .forTenant('acme')
        .accounts.insert({ ...staff, ...rest, origin: 'source', identities: [identity] });
      const seen = [];
      for (const login of ['ruth', 'nobody', 'lena', 'alice', 'never@example.com', 'not a name\u0000']) {
        server.trips();
        const browser = createBrowser();
        const answer = await ask(login, browser);
        const page = await browser.follow(answer);
        const headers = Object.fromEntries(answer.headers);
        for (const name of ['date', 'x-request-id', 'set-cookie', 'etag']) delete headers[name];
        const wrong = await browser.post(`${recover()}/code`, { code: '00000000' });
        const { length } = browser.cookies().find(({ name }) => name.endsWith('recovery'))?.value ?? '';
        seen.push({
          status: answer.status,
          headers,
          body: answer.body,
          page: page.body,
          length,
          wrong: wrong.status,
        });
      }
      for (const one of seen) expect(one).toEqual(seen[0]);
      expect(seen[0]).toMatchObject({ status: 303, length: 43, wrong: 400 });

      // who has no password here learns where it is
      const [elsewhere] = await mail.mailsTo('lena@example.com');
      expect(elsewhere?.text).toContain('This password is not kept here');
      expect(elsewhere?.text).not.toContain('/recover');
      await mail.mailsTo(ruth.email);
      expect(
        mail.taken.map(({ recipients }) => recipients.join()).filter((to) => to.includes('never')),
      ).toEqual([]);
    });

    it('limits the mails for a name, known or not', async () => {
      for (const login of ['ruth', 'nobody']) {
        for (let n = 0; n < 5; n += 1) expect((await ask(login)).status).toBe(303);
        const refused = await ask(login);
        expect(refused.status).toBe(429);
        expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
        expect(refused.headers.get('x-error')).toBeTruthy();
      }
      expect((await ask('ruth@example.com')).status).toBe(303);
      await mail.mailsTo(ruth.email, 5);
      const isCounted = async () =>
        (await server.storage.forTenant('acme').audit.list({ limit: 50 })).some(
          ({ action, reason }) => action === 'recovery.begin' && reason === 'throttled',
        );
      await eventually('the sixth mail is refused', isCounted, 10_000);
      expect(mail.taken).toHaveLength(5);
    });

    it('refuses a password that the rules refuse, and keeps the link', async () => {
      await ask('ruth');
      const link = linkIn(await mailTo(ruth.email));
      const short = await choose(link, 'short');
      expect(short.status).toBe(400);
      expect(textOf(short)).toContain('too short');
      expect(textOf(await choose(link, 'ruth@example.com-1'))).toContain('easy to guess');
      const different = await createBrowser().post(link, { new_password: fresh, repeated: `${fresh}x` });
      expect(textOf(different)).toContain('The two passwords differ');
      expect(isDone(await choose(link))).toBe(true);
    });

    it('makes what was sent before good for nothing', async () => {
      await ask('ruth');
      await ask('ruth');
      const [first, second] = await mail.mailsTo(ruth.email, 2);
      if (first === undefined || second === undefined) throw new Error('two mails');
      expect(isDone(await choose(linkIn(second)))).toBe(true);
      expect((await choose(linkIn(first), 'yet another long password')).status).toBe(400);
      expect(await canSignIn(fresh)).toBe(true);
    });

    it('is for no account that is disabled, has another address by now, or is of another tenant', async () => {
      await ask('ruth');
      const link = linkIn(await mailTo(ruth.email));
      expect((await choose(link.replace('/acme/', '/globex/'))).status).toBe(400);
      await server.users('acme').edit('ruth', { email: 'new@example.com' });
      expect((await choose(link)).status).toBe(400);
      await server.users('acme').edit('ruth', { email: ruth.email });
      await server.users('acme').disable('ruth');
      expect((await choose(link)).status).toBe(400);
      await ask('ruth');
      await server.users('acme').enable('ruth');
      expect(await canSignIn(old)).toBe(true);
    });

    it('takes no form of another site', async () => {
      const send = (url: string, fields: Readonly<Record<string, string>>) =>
        fetch(url, {
          method: 'POST',
          redirect: 'manual',
          body: new URLSearchParams(fields),
          headers: { 'sec-fetch-site': 'cross-site', accept: 'text/html' },
        });
      await ask('ruth');
      const link = linkIn(await mailTo(ruth.email));
      for (const [url, fields] of [
        [recover(), { login: 'ruth' }],
        [`${recover()}/code`, { code: '00000000' }],
        [link, { new_password: fresh, repeated: fresh }],
      ] as const)
        expect((await send(url, fields)).status).toBe(403);
      expect(mail.taken).toHaveLength(1);
    });

    it('writes links with the public URL, whatever the Host', async () => {
      const page = await createBrowser({ 'x-forwarded-host': 'evil.example' }).post(recover(), {
        login: 'ruth',
      });
      expect(page.status).toBe(303);
      const taken = await mailTo(ruth.email);
      expect(taken.raw).not.toContain('evil.example');
      expect(linkIn(taken).startsWith(server.publicUrl)).toBe(true);
    });
  });
});

describe('a tenant without recovery', () => {
  let server: TestServer;
  afterEach(() => server.close());

  it('has no such pages and no link to them', async () => {
    server = await startTestServer({ store: sqliteStore });
    const browser = createBrowser();
    const issuer = server.issuer('acme');
    expect((await openApp(browser, issuer)).body).not.toContain('/recover');
    for (const path of ['', '/code', '/password', '/done'])
      expect((await browser.get(`${issuer}/recover${path}`)).status).toBe(404);
    expect((await browser.post(`${issuer}/recover`, { login: 'alice' })).status).toBe(404);
  });

  it('cannot switch it on where there is no mail server, unless it is a demo', async () => {
    const tenants = {
      shop: 'displayName: Shop\nrecovery: { password: mail }\n',
      demo: 'displayName: Demo\ndemo: true\nrecovery: { password: mail }\n',
    };
    server = await startTestServer({ store: sqliteStore, tenants });
    expect((await createBrowser().get(`${server.issuer('shop')}/recover`)).status).toBe(503);
    expect(server.logLines().join('\n')).toContain('set mail.host and mail.from');

    const browser = createBrowser();
    await server.users('demo').add(ruth);
    const sent = await browser.follow(
      await browser.post(`${server.issuer('demo')}/recover`, { login: 'ruth' }),
    );
    expect(sent.body).toContain(`href="${server.issuer('demo')}/demo-mail"`);
  });
});
