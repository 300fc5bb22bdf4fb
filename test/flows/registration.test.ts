import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, hasForm, type Page } from '../support/browser.ts';
import { dumpStore } from '../support/dump-store.ts';
import { eventually } from '../support/eventually.ts';
import { codeOf, openApp, signInThere } from '../support/federation.ts';
import { type MailServer, startMailServer, type TakenMail } from '../support/mail-server.ts';
import { textOf } from '../support/page-text.ts';
import { type KnownClient, sampleTenant, shop, type TenantContent, web } from '../support/sample-tenants.ts';
import { describeOnce, eachStore, sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'a fresh and long enough secret';
const dora = 'dora@example.com';

const linkIn = ({ text = '' }: TakenMail): string =>
  /^https?:\S+\/register\/account\?token=[\w-]{43}$/m.exec(text)?.[0] ?? '';
const codeIn = ({ text = '' }: TakenMail): string => /^ {4}(\d{8})$/m.exec(text)?.[1] ?? '';
const submitAccount = (link: string, fields: Readonly<Record<string, string>> = {}) =>
  createBrowser().post(link, {
    ...{ name: 'Dora Dean', username: dora, new_password: password, repeated: password },
    ...fields,
  });
/** The sign-in page is next. */
const isDone = ({ status, location = '' }: Page): boolean =>
  status === 303 && location.includes('login_hint=');

eachStore((store) => {
  let mail: MailServer;
  let server: TestServer;
  const issuer = () => server.issuer('acme');
  const register = () => `${issuer()}/register`;
  const tenantWith = (registration: TenantContent['registration']) =>
    sampleTenant({ registration, recovery: { password: 'mail' } });

  beforeAll(async () => {
    mail = await startMailServer();
  });
  afterAll(() => mail.close());
  beforeEach(async () => {
    mail.taken.splice(0);
    const tenant = tenantWith({ mode: 'open', roles: ['member'], groups: ['new'] });
    server = await startTestServer({
      store,
      tenants: { acme: tenant, globex: tenant },
      settings: { mail: mail.settings },
      instances: 2,
    });
  });
  afterEach(() => server.close());

  const ask = (email: string, browser = createBrowser()) => browser.post(register(), { email });
  const mailTo = async (address: string): Promise<TakenMail> => {
    const [first] = await mail.mailsTo(address);
    if (first === undefined) throw new Error('no mail');
    return first;
  };
  const accountOf = (login: string) => server.storage.forTenant('acme').accounts.findByLogin(login);
  const auditOf = async (action: string) =>
    (await server.storage.forTenant('acme').audit.list({ limit: 100 })).filter(
      (one) => one.action === action,
    );
  const signIn = async (username: string, browser = createBrowser()): Promise<Page> =>
    signInThere(browser, await openApp(browser, issuer()), { who: { username, password } });

  it('gives an account to who opens the link of the mail, and goes on to the app', async () => {
    const browser = createBrowser();
    const start = await openApp(browser, issuer());
    const { href = '' } =
      /href="(?<href>[^"]*\/register\?interaction=[\w-]+)"/.exec(start.body)?.groups ?? {};
    const form = await browser.get(href);
    expect(textOf(form)).toContain('Create an account');
    const sent = await browser.follow(await browser.submit(form, { email: 'Dora@Example.com' }));
    expect(textOf(sent)).toContain('A mail is on its way');
    const taken = await mailTo(dora);
    const link = linkIn(taken);
    expect(link.startsWith(server.publicUrl)).toBe(true);

    // what opens links in mails changes nothing
    for (let n = 0; n < 3; n += 1) expect((await createBrowser().get(link)).status).toBe(200);
    expect(await accountOf(dora)).toBeUndefined();
    const account = await browser.get(link);
    expect(textOf(account)).toContain(`Your e-mail address ${dora} is confirmed`);
    const done = await browser.submit(account, {
      ...{ name: 'Dora Dean', username: 'Dora', new_password: password, repeated: password },
    });
    expect(done.body).toMatch(/name="login"[^>]* value="Dora"/);
    expect(browser.cookies().map(({ name }) => name)).not.toContain('drawbridge.session');
    codeOf(await signInThere(browser, done, { who: { username: 'dora', password } }));

    expect(await accountOf('dora')).toMatchObject({
      ...{ logins: ['dora', dora], username: 'Dora', email: dora, emailVerified: true, origin: 'local' },
      ...{ roles: ['member'], groups: ['new'], claims: { name: 'Dora Dean', locale: 'en' } },
    });
    expect((await createBrowser().get(link)).status).toBe(400);
    expect(await auditOf('registration.begin')).toMatchObject([{ actor: dora, outcome: 'success' }]);
    const { sub } = (await accountOf(dora)) ?? {};
    for (const action of ['registration.finish', 'user.add'])
      expect(await auditOf(action)).toMatchObject([{ actor: sub, object: sub, outcome: 'success' }]);
    codeOf(await signIn(dora));
  });

  it('takes the code of the mail in the browser that asked', async () => {
    const browser = createBrowser();
    const page = await browser.follow(await ask(dora, browser));
    const code = codeIn(await mailTo(dora));
    expect((await createBrowser().post(`${register()}/code`, { code })).status).toBe(400);
    const account = await browser.follow(await browser.submit(page, { code }));
    expect(hasForm(account, { name: '', username: '', new_password: '' })).toBe(true);
    const done = await browser.follow(
      await browser.submit(account, { name: 'Dora', new_password: password, repeated: password }),
    );
    expect(done.body).toMatch(new RegExp(`name="login"[^>]* value="${dora}"`));
    expect((await accountOf(dora))?.logins).toEqual([dora]);
  });

  it('makes one account of 20 callers with several links, on two instances', async () => {
    await ask(dora);
    await ask(dora);
    const links = (await mail.mailsTo(dora, 2)).map(linkIn);
    const tried = await Promise.all(
      Array.from({ length: 20 }, (_, n) => submitAccount(links[n % 2] ?? '', { username: `dora-${n}` })),
    );
    expect(tried.filter(isDone)).toHaveLength(1);
    const { accounts } = server.storage.forTenant('acme');
    const made = (await accounts.list({ limit: 100 })).filter(({ email }) => email === dora);
    expect(made).toHaveLength(1);
    expect(made[0]?.username).toBe(`dora-${tried.findIndex(isDone)}`);
    for (const link of links) {
      const late = await submitAccount(link);
      // 429: the twenty may have used up the tries of the address
      expect([400, 409, 429]).toContain(late.status);
    }
  });

  it('is for the address once, whatever becomes of the account, until somebody asks again', async () => {
    await ask(dora);
    await ask(dora);
    const [first = '', second = ''] = (await mail.mailsTo(dora, 2)).map(linkIn);
    expect(isDone(await submitAccount(first))).toBe(true);
    const { sub = '' } = (await accountOf(dora)) ?? {};
    const { accounts } = server.storage.forTenant('acme');
    expect((await submitAccount(second)).status).toBe(409);
    const moved = 'dora@moved.example';
    await accounts.update(sub, { email: moved, username: moved, logins: [moved] });
    expect((await submitAccount(second)).status).toBe(400);
    await server.storage.purgeAccount('acme', sub);
    expect((await createBrowser().get(second)).status).toBe(400);
    expect((await submitAccount(second)).status).toBe(400);
    expect(await accountOf(dora)).toBeUndefined();

    await ask(dora);
    const later = (await mail.mailsTo(dora, 3)).map(linkIn)[2] ?? '';
    expect(isDone(await submitAccount(later))).toBe(true);
  });

  it('keeps no link, code, address or password in store and log', async () => {
    const browser = createBrowser();
    await ask(dora, browser);
    const taken = await mailTo(dora);
    const token = new URL(linkIn(taken)).searchParams.get('token') ?? '';
    const code = codeIn(taken);
    const forwarded = await browser.post(`${register()}/code`, { code });
    const second = new URL(forwarded.location ?? '').searchParams.get('token') ?? '';
    expect(isDone(await submitAccount(`${forwarded.location}`))).toBe(true);
    for (const place of [await dumpStore(server.storeUrl), server.logLines().join('\n')])
      for (const secret of [token, second, code, password]) {
        expect(secret).not.toBe('');
        expect(place).not.toContain(secret);
      }
  });

  describeOnce(store, 'whatever the store', () => {
    it('answers alike whether there is an account, and tells the address', async () => {
      const seen = [];
      for (const email of ['alice@acme.example', 'nobody@acme.example']) {
        const browser = createBrowser();
        const answer = await ask(email, browser);
        const page = await browser.follow(answer);
        const headers = Object.fromEntries(answer.headers);
        for (const name of ['date', 'x-request-id', 'set-cookie', 'etag']) delete headers[name];
        const wrong = await browser.post(`${register()}/code`, { code: '00000000' });
        seen.push({ status: answer.status, headers, page: page.body, wrong: wrong.status });
      }
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[0]).toMatchObject({ status: 303, wrong: 400 });
      const known = await mailTo('alice@acme.example');
      expect(known.subject).toBe('You have an account at Acme');
      expect(known.text).toContain(`${issuer()}/recover`);
      expect(linkIn(known)).toBe('');
      expect(linkIn(await mailTo('nobody@acme.example'))).not.toBe('');
    });

    it('refuses a taken, reserved or foreign user name, and a weak password, and keeps the link', async () => {
      await ask(dora);
      const link = linkIn(await mailTo(dora));
      const refusalOf = async (fields: Readonly<Record<string, string>>) => {
        const page = await submitAccount(link, fields);
        return { status: page.status, text: textOf(page) };
      };
      expect(await refusalOf({ username: 'ALICE' })).toMatchObject({
        ...{ status: 409, text: expect.stringContaining('is taken') },
      });
      for (const username of ['Administrator', 'bob@example.com', 'corp\\dora', 'local:dora', 'a\u0000b'])
        expect(await refusalOf({ username })).toMatchObject({
          ...{ status: 400, text: expect.stringContaining('user name cannot be used') },
        });
      expect((await refusalOf({ new_password: 'short', repeated: 'short' })).text).toContain('too short');
      expect((await refusalOf({ repeated: `${password}x` })).text).toContain('two passwords differ');
      expect((await refusalOf({ name: ' ' })).text).toContain('enter your name');
      expect((await refusalOf({ name: 'Dora\u202edean' })).text).toContain('name cannot be used');
      expect(isDone(await submitAccount(link))).toBe(true);
    });

    it('is no list of user names: twenty tries for one address', async () => {
      await ask(dora);
      const link = linkIn(await mailTo(dora));
      for (let n = 0; n < 20; n += 1)
        expect((await submitAccount(link, { username: 'alice' })).status).toBe(409);
      expect((await submitAccount(link, { username: 'alice' })).status).toBe(429);
    });

    it('is for no account whose address was taken since, and for no other tenant', async () => {
      await ask(dora);
      const link = linkIn(await mailTo(dora));
      expect((await submitAccount(link.replace('/acme/', '/globex/'))).status).toBe(400);
      await server.users('acme').add({ username: 'other', password, email: dora });
      const late = await submitAccount(link);
      expect(late.status).toBe(409);
      expect(textOf(late)).toContain('There is an account with this e-mail address already');
    });

    it('drops what fills in the field that people do not see', async () => {
      const bot = createBrowser();
      const answer = await bot.post(register(), { email: dora, homepage: 'https://spam.example' });
      expect(answer.location).toBe(`${register()}/code`);
      await ask('people@example.com');
      await mailTo('people@example.com');
      expect(mail.taken).toHaveLength(1);
      expect(await auditOf('registration.begin')).toEqual(
        expect.arrayContaining([expect.objectContaining({ reason: 'hidden_field', outcome: 'failure' })]),
      );
    });

    it('limits the mails to an address, whatever its spelling', async () => {
      for (const email of [dora, 'DORA@example.com', ' dora@EXAMPLE.com', dora, dora])
        expect((await ask(email)).status).toBe(303);
      const refused = await ask(dora);
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      await mail.mailsTo(dora, 5);
      for (let n = 0; n < 3; n += 1) await ask(dora);
      const throttled = (await auditOf('registration.begin')).filter(({ reason }) => reason === 'throttled');
      expect(throttled).toHaveLength(1);
    });

    it('counts by IP address before anything is kept of the address', async () => {
      await server.putTenant('acme', {
        ...tenantWith({ mode: 'open' }),
        throttle: { address: { attempts: 2, window: '15m' } },
      });
      const statuses = [];
      for (let n = 0; n < 6; n += 1) statuses.push((await ask(`flood-${n}@example.com`)).status);
      expect(statuses).toEqual([303, 303, 429, 429, 429, 429]);
      await mail.mailsTo('flood-1@example.com');
      expect(mail.taken).toHaveLength(2);
      server.trips();
      await ask('flood-7@example.com');
      expect(server.trips().filter((name) => name.startsWith('counter'))).toHaveLength(1);
    });

    it('takes addresses of the domains alone, and leads people of a source there', async () => {
      await server.putTenant('acme', {
        ...tenantWith({ mode: 'domains', domains: ['acme.example'] }),
        sources: [
          { id: 'local', type: 'local' },
          {
            ...{ id: 'legacy', type: 'http', displayName: 'Contoso', domains: ['contoso.example'] },
            url: 'http://127.0.0.1:9/verify',
          },
        ],
      });
      const other = await ask(dora);
      expect(other.status).toBe(403);
      expect(textOf(other)).toContain('an address of this domain');
      const elsewhere = await ask('carol@contoso.example');
      expect(elsewhere.status).toBe(403);
      expect(textOf(elsewhere)).toContain('Continue with Contoso');
      const leading = createBrowser();
      const asked = await ask('carol@contoso.example', leading);
      const signInPage = await leading.follow(await leading.submit(asked));
      expect(signInPage.body).toMatch(/name="login"[^>]* value="carol@contoso.example"/);
      expect(signInPage.url).toContain('/interaction/');

      // the same within the sign-in that the person came from
      const start = await openApp(leading, issuer());
      const [, uid = ''] = /\/register\?interaction=([\w-]+)"/.exec(start.body) ?? [];
      const inside = await leading.post(`${register()}?interaction=${uid}`, {
        email: 'carol@contoso.example',
      });
      const again = await leading.submit(inside);
      expect(again.url).toContain(`/interaction/${uid}?`);
      expect(again.body).toMatch(/name="login"[^>]* value="carol@contoso.example"/);
      expect((await ask('no address')).status).toBe(400);
      expect((await ask('dora@acme.example')).status).toBe(303);
      // a source names people too, so nobody chooses a user name
      const link = linkIn(await mailTo('dora@acme.example'));
      expect((await createBrowser().get(link)).body).not.toMatch(/type="text"[^>]*id="username"/);
      expect((await submitAccount(link, { username: 'root' })).status).toBe(400);
      expect((await submitAccount(link, { username: 'dora' })).status).toBe(400);
      expect(isDone(await submitAccount(link, { username: '' }))).toBe(true);
      expect(mail.taken).toHaveLength(1);
    });

    it('is offered on the sign-in page of apps for local users', async () => {
      const sources = [{ id: 'local', type: 'local' as const, clients: ['shop'] }];
      await server.putTenant('acme', { ...tenantWith({ mode: 'open' }), sources });
      const pageOf = async (client: KnownClient) =>
        (await openApp(createBrowser(), issuer(), { client })).body;
      expect(await pageOf(shop)).toContain('/register?interaction=');
      expect(await pageOf(web)).not.toContain('/register');
    });

    it('makes links good for nothing when the rules change', async () => {
      await ask(dora);
      const link = linkIn(await mailTo(dora));
      for (const registration of [
        { mode: 'invited' as const },
        { mode: 'domains' as const, domains: ['acme.example'] },
      ]) {
        await server.putTenant('acme', tenantWith(registration));
        expect((await submitAccount(link)).status).toBe(400);
      }
    });

    it('takes no form of another site', async () => {
      await ask(dora);
      const link = linkIn(await mailTo(dora));
      for (const [url, fields] of [
        [register(), { email: dora }],
        [`${register()}/code`, { code: '00000000' }],
        [link, { name: 'Dora', username: dora, new_password: password, repeated: password }],
      ] as const) {
        const body = new URLSearchParams(fields);
        const headers = { 'sec-fetch-site': 'cross-site', accept: 'text/html' };
        expect((await fetch(url, { method: 'POST', redirect: 'manual', body, headers })).status).toBe(403);
      }
      expect(mail.taken).toHaveLength(1);
    });

    it('finds an account that a source has proven the address of', async () => {
      const { emailKey } = await import('../../src/accounts/linked-identities.ts');
      await server.storage.forTenant('acme').accounts.insert({
        ...{ sub: 'sub-of-lena', logins: [], username: 'lena', email: dora, emailVerified: true },
        ...{ claims: {}, groups: [], roles: [], createdAt: 1, updatedAt: 1, version: 1, origin: 'source' },
        ...{ identityKeys: [emailKey(dora)] },
      });
      await ask(dora);
      expect((await mailTo(dora)).subject).toBe('You have an account at Acme');
    });
  });
});

describe('a tenant without open registration', () => {
  let server: TestServer;
  afterEach(() => server.close());

  const statusesOf = async (browser: Browser, issuer: string) => {
    const statuses = [];
    for (const path of ['', '/code', '/account?token='])
      statuses.push((await browser.get(`${issuer}/register${path}`)).status);
    return [...statuses, (await browser.post(`${issuer}/register`, { email: dora })).status];
  };

  it('has no such pages and no link to them', async () => {
    server = await startTestServer({
      store: sqliteStore,
      tenants: { acme: sampleTenant(), invited: sampleTenant({ registration: { mode: 'invited' } }) },
    });
    for (const tenant of ['acme', 'invited'])
      expect((await openApp(createBrowser(), server.issuer(tenant))).body).not.toContain('/register');
    expect(await statusesOf(createBrowser(), server.issuer('acme'))).toEqual([404, 404, 404, 404]);
    // an invitation leads to the last page
    expect(await statusesOf(createBrowser(), server.issuer('invited'))).toEqual([404, 404, 400, 404]);
  });

  it('cannot switch it on where there is no mail server, unless it is a demo', async () => {
    const tenants = {
      shop: 'displayName: Shop\nregistration: { mode: open }\n',
      demo: 'displayName: Demo\ndemo: true\nregistration: { mode: open }\n',
    };
    server = await startTestServer({ store: sqliteStore, tenants });
    expect((await createBrowser().get(`${server.issuer('shop')}/register`)).status).toBe(503);
    expect(server.logLines().join('\n')).toContain('registration');
    const browser = createBrowser();
    const sent = await browser.follow(
      await browser.post(`${server.issuer('demo')}/register`, { email: dora }),
    );
    expect(sent.body).toContain(`href="${server.issuer('demo')}/demo-mail"`);
    await eventually(
      'the mail is shown',
      async () =>
        (await browser.get(`${server.issuer('demo')}/demo-mail`)).body.includes('/register/account?'),
      10_000,
    );
  });
});
