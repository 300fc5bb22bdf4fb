// Another e-mail address: proven at the new one, with a notice to the old one, which can be put back for three days.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { type Browser, createBrowser, formsOf, type Page } from '../support/browser.ts';
import { dumpStore } from '../support/dump-store.ts';
import { instanceHeader } from '../support/instances-front.ts';
import { type MailServer, startMailServer, type TakenMail } from '../support/mail-server.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { addNewPerson, type NewPerson } from '../support/new-person.ts';
import { type Answer, tokenRequest, tokensFor, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { migrator, sampleTenant, web } from '../support/sample-tenants.ts';
import { describeOnce, eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const scope = 'openid account profile email';
const day = 24 * 3600;

eachStore((store) => {
  let mail: MailServer;
  let server: TestServer;
  let person: NewPerson;
  let sub: string;
  let old: string;
  let fresh: string;
  let browser: Browser;
  let token: string;

  beforeAll(async () => {
    mail = await startMailServer();
    const acme = sampleTenant({ recovery: { password: 'mail' }, registration: { mode: 'open' } });
    server = await startTestServer({
      store,
      tenants: { acme },
      settings: { mail: mail.settings },
      instances: 2,
    });
  });
  afterAll(async () => {
    await server.close();
    await mail.close();
  });
  const issuer = () => server.issuer('acme');
  const place = (path = '') => `${issuer()}/account/email${path}`;
  const tokenOf = async (who: NewPerson, at = createBrowser()): Promise<string> =>
    (await tokensFor(at, { issuer: issuer(), client: web, scope }, who)).access_token;
  beforeEach(async () => {
    ({ person, sub } = await addNewPerson(server));
    old = `${person.username}@acme.example`;
    await server.storage.forTenant('acme').accounts.update(sub, { emailVerified: true });
    fresh = `new-${person.username}@acme.example`;
    browser = createBrowser();
    token = await tokenOf(person, browser);
  });
  afterEach(restoreTime);

  const stored = async () => {
    const account = await server.storage.forTenant('acme').accounts.findBySub(sub);
    if (account === undefined) throw new Error('no account');
    return account;
  };
  const audited = async () =>
    (await server.storage.forTenant('acme').audit.list({ sub, limit: 30 })).map(
      ({ action, outcome, reason }) => [action, outcome, reason].filter(Boolean).join(' '),
    );
  const ask = async (email = fresh, at = browser): Promise<Page> =>
    at.submit(await at.get(place()), { email });
  const linkIn = ({ text = '' } = {} as TakenMail): string =>
    /^https?:\S+\?token=[\w-]{43}$/m.exec(text ?? '')?.[0] ?? '';
  const codeIn = ({ text = '' } = {} as TakenMail): string => /^ {4}(\d{8})$/m.exec(text ?? '')?.[1] ?? '';
  const lastTo = async (address: string, count = 1): Promise<TakenMail> => {
    const last = (await mail.mailsTo(address, count)).at(-1);
    if (last === undefined) throw new Error('no mail');
    return last;
  };
  const enter = async (code: string, at = browser): Promise<Page> =>
    at.submit(await at.get(place('/code')), { code });
  const isDone = ({ location }: Page): boolean => location === `${issuer()}/account?outcome=email_changed`;
  const change = async (email = fresh, count = 1): Promise<void> => {
    await ask(email);
    expect(isDone(await enter(codeIn(await lastTo(email, count))))).toBe(true);
  };
  const undoLink = async (address = old, count = 1): Promise<string> => linkIn(await lastTo(address, count));
  const undo = async (link: string): Promise<Page> => {
    const form = await createBrowser().get(link);
    return form.status === 200 ? createBrowser().submit(form) : form;
  };
  const signInWith = async (username: string): Promise<number> =>
    (
      await tokenRequest(issuer(), migrator, {
        ...{ grant_type: 'password', username, password: person.password, scope: 'openid' },
      })
    ).status;
  const api = (path: string, body: object, headers = {}, bearer = token): Promise<Answer> =>
    askApi(issuer(), path, { method: 'POST', token: bearer, body, headers });

  it('is proven by the link of a mail, and the old address signs in no more', async () => {
    expect((await browser.get(`${issuer()}/account`)).body).toContain(`href="${place()}"`);
    const sent = await ask();
    expect(sent.location).toBe(place('/code'));
    expect(textOf(await browser.follow(sent))).toContain('A mail is on its way to the new address');
    const link = linkIn(await lastTo(fresh));
    expect((await stored()).email).toBe(old);

    // who opens the link without being that person changes nothing, programs that open links neither
    const stranger = createBrowser();
    expect(textOf(await stranger.get(link))).toContain(`Sign in as ${person.username}`);
    const { person: other } = await addNewPerson(server);
    const otherBrowser = createBrowser();
    await tokenOf(other, otherBrowser);
    expect(textOf(await otherBrowser.get(link))).toContain(`Sign in as ${person.username}`);
    const [csrf] = formsOf(await otherBrowser.get(`${issuer()}/account/profile`)).map(
      ({ fields }) => fields.csrf,
    );
    expect((await otherBrowser.post(link, { csrf: csrf ?? '' })).status).toBe(400);
    const form = await browser.get(link);
    expect(textOf(form)).toContain(`The account ${person.username} gets the address ${fresh}`);
    expect((await stored()).email).toBe(old);
    expect(isDone(await browser.submit(form))).toBe(true);

    expect(await stored()).toMatchObject({ email: fresh, emailVerified: true });
    for (const index of ['0', '1'])
      expect((await userinfo(issuer(), token, { [instanceHeader]: index })).body).toMatchObject({
        ...{ sub, email: fresh, email_verified: true },
      });
    expect([await signInWith(fresh), await signInWith(old), await signInWith(person.username)]).toEqual([
      200, 400, 200,
    ]);
    expect((await browser.get(link)).status).toBe(400);
    expect(await audited()).toEqual(
      expect.arrayContaining(['account.email_begin success', 'account.email success']),
    );
  });

  it('goes to one of 20 who use link and code at once, on two instances', async () => {
    await ask();
    const taken = await lastTo(fresh);
    const [byLink, byCode] = [await browser.get(linkIn(taken)), await browser.get(place('/code'))];
    const code = codeIn(taken);
    const tried = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        n % 5 === 0 ? browser.submit(byCode, { code }) : browser.submit(byLink),
      ),
    );
    expect(tried.filter(isDone)).toHaveLength(1);
    expect((await stored()).formerEmails).toHaveLength(1);
    expect(await mail.mailsTo(old)).toHaveLength(1);
  });

  it('goes to one of two people who confirm the same address', async () => {
    const { person: rival } = await addNewPerson(server);
    const rivalToken = await tokenOf(rival);
    const ids = [];
    for (const each of [token, rivalToken]) {
      const begun = await api('/email-changes', { email: fresh }, {}, each);
      expect(begun.status).toBe(202);
      ids.push(begun.body.verification_id);
    }
    const codes = (await mail.mailsTo(fresh, 2)).map((each) => ({
      code: codeIn(each),
      isOurs: each.text?.includes(`The account ${person.username} `) === true,
    }));
    const codeOf = (isOurs: boolean) => codes.find((each) => each.isOurs === isOurs)?.code;
    const answers = await Promise.all([
      api(
        '/email-changes/verify',
        { verification_id: ids[0], code: codeOf(true) },
        { [instanceHeader]: '0' },
      ),
      api(
        '/email-changes/verify',
        { verification_id: ids[1], code: codeOf(false) },
        { [instanceHeader]: '1' },
        rivalToken,
      ),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.error).toBe('email_taken');
  });

  it('is put back by the link in the mail to the old address, once, and everybody is signed out', async () => {
    await change();
    const link = await undoLink();
    const thief = createBrowser();
    await thief.post(`${issuer()}/recover`, { login: fresh });
    const reset = linkIn(await lastTo(fresh, 2));
    expect((await thief.get(reset)).status).toBe(200);
    await ask(`next-${fresh}`);
    const pending = linkIn(await lastTo(`next-${fresh}`));

    const form = await createBrowser().get(link);
    expect(textOf(form)).toContain(`The account ${person.username} gets the address ${old} again`);
    expect((await stored()).email).toBe(fresh);
    const tried = await Promise.all(Array.from({ length: 20 }, () => createBrowser().submit(form)));
    expect(tried.filter(({ location }) => location === `${issuer()}/email-undo/done`)).toHaveLength(1);
    for (const again of [await createBrowser().submit(form), await createBrowser().get(link)])
      expect([again.status, textOf(again)]).toEqual([
        200,
        expect.stringContaining(`The account ${person.username} has the address ${old} again`),
      ]);

    expect(await stored()).toMatchObject({ email: old, emailVerified: true, formerEmails: [] });
    expect((await browser.get(`${issuer()}/account`)).status).toBe(303);
    for (const index of ['0', '1'])
      expect((await userinfo(issuer(), token, { [instanceHeader]: index })).status).toBe(401);
    expect((await thief.get(reset)).status).toBe(400);
    expect((await createBrowser().get(pending)).status).toBe(400);
    expect([await signInWith(old), await signInWith(fresh)]).toEqual([200, 400]);
    expect(await audited()).toContain('account.email_undo success');
    expect(textOf(await createBrowser().get(`${issuer()}/email-undo/done`))).toContain(
      'signed out everywhere',
    );
  });

  it('is put back with password and factors of then, whoever has changed them since', async () => {
    await change();
    const back = await undoLink();
    const thief = createBrowser();
    await thief.post(`${issuer()}/recover`, { login: fresh });
    const form = await thief.get(linkIn(await lastTo(fresh, 2)));
    const chosen = 'another mosaic in orbit';
    const reset = await thief.submit(form, { new_password: chosen, repeated: chosen });
    expect(reset.location).toBe(`${issuer()}/recover/done`);
    expect(await signInWith(old)).toBe(400);
    expect((await mail.mailsTo(old, 2)).at(-1)?.subject).toContain('password');
    const codes = { type: 'recovery_codes', createdAt: 1, hashes: ['x'] } as const;
    const patch = { factors: [codes], deleteAt: Date.now() + 3600_000 };
    expect(await server.storage.forTenant('acme').accounts.update(sub, patch)).toBe(true);

    expect((await undo(back)).location).toBe(`${issuer()}/email-undo/done`);
    expect(await signInWith(old)).toBe(200);
    const after = await stored();
    for (const gone of ['factors', 'deleteAt', 'identities', 'identityKeys'])
      expect(after).not.toHaveProperty(gone);
    expect(await audited()).toEqual(
      expect.arrayContaining(['account.email_undo success', 'account.delete_undo success']),
    );
  });

  it('leaves the old address to nobody else while it can be put back', async () => {
    await change();
    const back = await undoLink();
    await createBrowser().post(`${issuer()}/register`, { email: old });
    expect((await lastTo(old, 2)).text).toContain('There is one already');
    const { person: rival } = await addNewPerson(server);
    const begun = await api('/email-changes', { email: old }, {}, await tokenOf(rival));
    expect(begun.status).toBe(202);
    expect((await lastTo(old, 3)).text).toContain('It belongs to your account already');
    await createBrowser().post(`${issuer()}/recover`, { login: old });
    const reminder = await lastTo(old, 4);
    expect(reminder.text).toContain(`${person.username} had this address until lately`);
    expect(textOf(await createBrowser().get(linkIn(reminder)))).toContain(`gets the address ${old} again`);
    expect(await audited()).toContain('recovery.begin failure former_address');
    expect((await undo(back)).location).toBe(`${issuer()}/email-undo/done`);
    expect(await stored()).toMatchObject({ email: old });
  });

  it('keeps no link and code in store and log', async () => {
    await ask();
    const taken = await lastTo(fresh);
    const [link, code] = [linkIn(taken), codeIn(taken)];
    await createBrowser().get(link);
    await browser.submit(await browser.get(link));
    const back = await undoLink();
    await createBrowser().get(back);
    const places = [await dumpStore(server.storeUrl), server.logLines().join('\n')];
    for (const where of places)
      for (const secret of [
        new URL(link).searchParams.get('token'),
        new URL(back).searchParams.get('token'),
        code,
      ])
        expect(where).not.toContain(secret);
  });

  describeOnce(store, 'whatever the store', () => {
    it('answers alike for an address of somebody else, and asks that person for nothing', async () => {
      const { person: owner } = await addNewPerson(server);
      const theirs = `${owner.username}@acme.example`;
      const answers = [];
      for (const email of [fresh, theirs.toUpperCase()]) {
        const sent = await ask(email);
        const page = await browser.follow(sent);
        const headers = Object.fromEntries(page.headers);
        for (const name of ['date', 'x-request-id', 'set-cookie', 'etag']) delete headers[name];
        answers.push({ status: sent.status, location: sent.location, headers, body: page.body });
      }
      expect(answers[1]).toEqual(answers[0]);
      const taken = await lastTo(theirs);
      expect(taken.text).toContain('It belongs to your account already');
      expect([linkIn(taken), codeIn(taken), taken.text?.includes(person.username)]).toEqual(['', '', false]);
      const activity = await audited();
      expect(activity.filter((line) => line.startsWith('account.email'))).toEqual([
        'account.email_begin success',
        'account.email_begin success',
      ]);
    });

    it('needs a sign-in of the last five minutes', async () => {
      const form = await browser.get(place());
      moveTime(6 * 60);
      expect((await browser.get(place())).location).toContain('max_age=300');
      expect((await browser.submit(form, { email: fresh })).location).toContain('max_age=300');
      const refused = await api('/email-changes', { email: fresh });
      expect(refused.headers.get('www-authenticate')).toContain('max_age="300"');
    });

    it.each([
      ['no address', 'nobody', 'one e-mail address'],
      ['two addresses', 'a@example.com,b@example.com', 'one e-mail address'],
    ])('refuses %s', async (_what, email, words) => {
      const refused = await ask(email);
      expect([refused.status, textOf(refused)]).toEqual([400, expect.stringContaining(words)]);
      const { status, body } = await api('/email-changes', { email });
      expect([status, body.error]).toEqual([400, 'email_refused']);
    });

    it('verifies an address that the account has already, which is refused after that', async () => {
      await server.storage.forTenant('acme').accounts.update(sub, { emailVerified: false });
      await change(old);
      expect(await stored()).toMatchObject({ email: old, emailVerified: true });
      expect((await stored()).formerEmails ?? []).toEqual([]);
      expect(textOf(await ask(old))).toContain('This is your address already');
    });

    it('takes a code in the browser that asked alone, and five tries', async () => {
      await ask();
      const code = codeIn(await lastTo(fresh));
      const elsewhere = createBrowser();
      await tokenOf(person, elsewhere);
      expect((await enter(code, elsewhere)).status).toBe(400);
      const wrong = code === '12345678' ? '12345679' : '12345678';
      for (let n = 0; n < 5; n += 1) expect((await enter(wrong)).status).toBe(400);
      expect((await enter(code)).status).toBe(400);
      expect((await stored()).email).toBe(old);
    });

    it('counts the mails of one account and to one address', async () => {
      const { person: other } = await addNewPerson(server);
      const otherToken = await tokenOf(other);
      for (let n = 0; n < 5; n += 1) expect((await api('/email-changes', { email: fresh })).status).toBe(202);
      const refused = await api('/email-changes', { email: `more-${fresh}` });
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.any(String)]);
      expect((await api('/email-changes', { email: fresh }, {}, otherToken)).status).toBe(429);
      const page = await ask(`more-${fresh}`);
      expect([page.status, textOf(page)]).toEqual([429, expect.stringContaining('Too many')]);
    });

    it('changes a user name that is the old address too, and back', async () => {
      const accounts = server.storage.forTenant('acme').accounts;
      await accounts.update(sub, { username: old, logins: [old] });
      await change();
      expect(await stored()).toMatchObject({ username: fresh, logins: [fresh] });
      await undo(await undoLink());
      expect(await stored()).toMatchObject({ username: old, logins: [old] });
    });

    it('lets an older address win over a newer one, not the other way round', async () => {
      const second = `second-${fresh}`;
      await change(fresh);
      await change(second);
      const [fromOld, fromFresh] = [await undoLink(old), await undoLink(fresh, 2)];
      expect((await undo(fromOld)).location).toBe(`${issuer()}/email-undo/done`);
      expect((await stored()).email).toBe(old);
      expect((await undo(fromFresh)).status).toBe(400);
      expect((await stored()).email).toBe(old);
    });

    it('keeps the older address for the person after a newer one was put back', async () => {
      const second = `second-${fresh}`;
      await change(fresh);
      await change(second);
      const [fromOld, fromFresh] = [await undoLink(old), await undoLink(fresh, 2)];
      await undo(fromFresh);
      expect((await stored()).email).toBe(fresh);
      await undo(fromOld);
      expect((await stored()).email).toBe(old);
    });

    it('is not put back in place of one that an operator chose', async () => {
      await change();
      const chosen = `chosen-${fresh}`;
      expect((await server.users('acme').edit(person.username, { email: chosen })).ok).toBe(true);
      expect((await undo(await undoLink())).status).toBe(400);
      expect((await stored()).email).toBe(chosen);
    });

    it('can be put back for three days', async () => {
      await change();
      const link = await undoLink();
      moveTime(3 * day - 60);
      expect((await createBrowser().get(link)).status).toBe(200);
      restoreTime();
      moveTime(3 * day + 60);
      expect((await createBrowser().get(link)).status).toBe(400);
    });

    it('is not put back when the old address belongs to somebody else', async () => {
      await change();
      const added = await server
        .users('acme')
        .add({ ...person, username: `next-${person.username}`, email: old });
      expect(added.ok).toBe(true);
      const refused = await undo(await undoLink());
      expect([refused.status, textOf(refused)]).toEqual([409, expect.stringContaining('another account')]);
      expect((await stored()).email).toBe(fresh);
    });

    it('is no change for people of a source', async () => {
      const identities = [{ source: 'gone', subject: 'x', linkedAt: 1, checkedAt: 1 }];
      await server.storage.forTenant('acme').accounts.update(sub, { origin: 'source', identities });
      expect((await browser.get(place())).status).toBe(404);
      expect((await api('/email-changes', { email: fresh })).status).toBe(404);
    });
  });
});
