// What people change of their own profile: name, language, user name.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { askApi } from '../support/account-api.ts';
import { createBrowser, formsOf, type Page } from '../support/browser.ts';
import { instanceHeader } from '../support/instances-front.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { addNewPerson, type NewPerson } from '../support/new-person.ts';
import { type Answer, tokenRequest, tokensFor, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { migrator, sampleTenant, web } from '../support/sample-tenants.ts';
import { describeOnce, eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const scope = 'openid account profile email';

eachStore((store) => {
  let mail: MailServer;
  let server: TestServer;
  let person: NewPerson;
  let sub: string;

  beforeAll(async () => {
    mail = await startMailServer();
    server = await startTestServer({
      store,
      tenants: { acme: sampleTenant({ accounts: { usernameChange: true } }), globex: sampleTenant() },
      settings: { mail: mail.settings },
      instances: 2,
    });
  });
  afterAll(async () => {
    await server.close();
    await mail.close();
  });
  beforeEach(async () => {
    ({ person, sub } = await addNewPerson(server));
  });
  afterEach(restoreTime);

  const issuer = () => server.issuer('acme');
  const account = (path = '') => `${issuer()}/account${path}`;
  const tokenOf = async (who = person, browser = createBrowser()): Promise<string> =>
    (await tokensFor(browser, { issuer: issuer(), client: web, scope }, who)).access_token;
  const patch = (token: string, body: object, headers = {}): Promise<Answer> =>
    askApi(issuer(), '/account', { method: 'PATCH', token, body, headers });
  /** At both instances, which both keep answers for moments. */
  const claimsOf = (token: string) =>
    Promise.all(
      ['0', '1'].map(async (index) => (await userinfo(issuer(), token, { [instanceHeader]: index })).body),
    );
  const passwordGrant = (username: string, password = person.password): Promise<Answer> =>
    tokenRequest(issuer(), migrator, { grant_type: 'password', username, password, scope: 'openid' });
  const stored = () => server.storage.forTenant('acme').accounts.findBySub(sub);
  const audited = async () =>
    (await server.storage.forTenant('acme').audit.list({ sub, limit: 20 })).map(
      ({ action, outcome, reason }) => [action, outcome, reason].filter(Boolean).join(' '),
    );

  describe('name and language', () => {
    it('are changed on a page, and known to apps at once', async () => {
      const browser = createBrowser();
      const token = await tokenOf(person, browser);
      await claimsOf(token);
      const overview = await browser.get(account());
      expect(overview.body).toContain(`href="${account('/profile')}"`);
      const form = await browser.get(account('/profile'));
      const done = await browser.follow(await browser.submit(form, { name: ' Dana  Doe ', language: 'de' }));
      expect(textOf(done)).toContain('Your profile was changed');
      for (const claims of await claimsOf(token))
        expect(claims).toMatchObject({ sub, name: 'Dana  Doe', locale: 'de' });
      expect(await audited()).toContain('account.profile success locale name');

      await browser.submit(await browser.get(account('/profile')), { name: '', language: '' });
      const [claims] = await claimsOf(token);
      expect(claims).not.toHaveProperty('name');
      expect(claims).not.toHaveProperty('locale');
    });

    it('are changed by the API, all at once from many places', async () => {
      const token = await tokenOf();
      const changes = Array.from({ length: 10 }, (_, n) => [{ name: `Dana ${n}` }, { locale: 'de' }]).flat();
      const answers = await Promise.all(
        changes.map((body, index) => patch(token, body, { [instanceHeader]: `${index % 2}` })),
      );
      expect(answers.map(({ status }) => status)).toEqual(changes.map(() => 200));
      for (const claims of await claimsOf(token))
        expect(claims).toMatchObject({ name: expect.stringMatching(/^Dana \d$/), locale: 'de' });
    });
  });

  describe('a user name', () => {
    it('is one of 20 people who ask for it at once', async () => {
      const people = await Promise.all(Array.from({ length: 20 }, () => addNewPerson(server)));
      const tokens = [];
      for (const { person: each } of people) tokens.push(await tokenOf(each));
      const answers = await Promise.all(
        tokens.map((token, index) =>
          patch(token, { username: 'Highlander' }, { [instanceHeader]: `${index % 2}` }),
        ),
      );
      const won = answers.filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      const lost = answers.filter(({ status }) => status !== 200);
      for (const { status, body } of lost) expect([status, body.error]).toEqual([409, 'username_taken']);
      const winner = people[answers.findIndex(({ status }) => status === 200)]?.person;
      expect((await passwordGrant('highlander', winner?.password)).status).toBe(200);
      expect((await passwordGrant(winner?.username ?? '')).status).toBe(400);
    });

    it('is changed on a page after a sign-in of the last five minutes', async () => {
      const browser = createBrowser();
      const token = await tokenOf(person, browser);
      await server.users('acme').edit(person.username, { emailVerified: true });
      const form = await browser.get(account('/username'));
      moveTime(6 * 60);
      const late = await browser.submit(form, { username: 'newcomer' });
      expect(late.location).toContain('/auth?');
      expect((await patch(token, { username: 'newcomer' })).headers.get('www-authenticate')).toContain(
        'max_age="300"',
      );
      expect((await patch(token, { name: 'Still Allowed' })).status).toBe(200);
      restoreTime();
      const username = `newcomer-${person.username}`;
      const done = await browser.follow(await browser.submit(form, { username }));
      expect(textOf(done)).toContain('Your user name was changed');
      expect((await passwordGrant(username)).status).toBe(200);
      expect((await passwordGrant(person.username)).status).toBe(400);
      expect((await claimsOf(token))[1]).toMatchObject({ sub, preferred_username: username });
      const [notice] = await mail.mailsTo(`${person.username}@acme.example`);
      expect(notice?.text).toContain(`has the user name ${username} now`);
      expect(await audited()).toContain('account.username success');
    });
  });

  describeOnce(store, 'whatever the store', () => {
    it.each([
      ['a line break', 'Dana\nDoe'],
      ['a change of direction', 'Dana \u202eeoD'],
      ['too many characters', 'D'.repeat(101)],
    ])('refuses a name with %s', async (_what, name) => {
      const browser = createBrowser();
      const token = await tokenOf(person, browser);
      const form = await browser.get(account('/profile'));
      const refused = await browser.submit(form, { name, language: 'de' });
      expect(refused.status).toBe(400);
      expect(textOf(refused)).toContain('at most 100 characters');
      expect((await patch(token, { name })).status).toBe(400);
      const half = { name: '\ud800', username: `other-${person.username}` };
      expect((await patch(token, half)).status).toBe(400);
      expect((await stored())?.claims).toEqual({});
      expect((await stored())?.username).toBe(person.username);
    });

    it.each([
      ['an address of nobody here', 'nobody@example.com', 'address'],
      ['an invisible name', '\u200b', 'visible characters'],
      ['a name for operators', 'Admin', 'for operators'],
      ['a name of a domain', 'acme\\dana', 'visible characters'],
      ['a name with a hidden character', 'da\u200bna', 'visible characters'],
    ])('refuses %s as a user name', async (_what, username, words) => {
      const browser = createBrowser();
      const token = await tokenOf(person, browser);
      const form = await browser.get(account('/username'));
      const refused = await browser.submit(form, { username });
      expect([refused.status, textOf(refused)]).toEqual([400, expect.stringContaining(words)]);
      const { status, body } = await patch(token, { username });
      expect([status, body.error]).toEqual([400, 'username_refused']);
      expect((await stored())?.username).toBe(person.username);
    });

    it('takes the own verified address as a user name', async () => {
      const token = await tokenOf();
      const username = `${person.username}@acme.example`;
      expect((await patch(token, { username })).status).toBe(400);
      await server.users('acme').edit(person.username, { emailVerified: true });
      expect((await patch(token, { username })).body).toMatchObject({ username });
    });

    it('limits the user names that one person tries', async () => {
      const token = await tokenOf();
      const { person: other } = await addNewPerson(server);
      const tries = [];
      for (let n = 0; n < 11; n += 1) tries.push(await patch(token, { username: other.username }));
      expect(tries.map(({ status }) => status)).toEqual([...Array(10).fill(409), 429]);
      expect(tries.at(-1)?.headers.get('retry-after')).toMatch(/^\d+$/);
    });

    it('has no change of user names where the tenant does not allow it', async () => {
      const browser = createBrowser();
      const here = { issuer: server.issuer('globex'), client: web, scope };
      const { access_token: token } = await tokensFor(browser, here);
      const body = { username: 'alicia' };
      const refused = await askApi(here.issuer, '/account', { method: 'PATCH', token, body });
      expect([refused.status, refused.body.error]).toEqual([404, 'not_found']);
      expect((await browser.get(`${here.issuer}/account/username`)).status).toBe(404);
      expect((await browser.get(`${here.issuer}/account`)).body).not.toContain('/account/username');
    });

    it('leaves the profile of people of a source to the source', async () => {
      const accounts = server.storage.forTenant('acme').accounts;
      const browser = createBrowser();
      const token = await tokenOf(person, browser);
      const identities = [{ source: 'gone', subject: 'lena', linkedAt: 1, checkedAt: 1 }];
      await accounts.update(sub, { origin: 'source', identities });
      expect((await patch(token, { name: 'Mallory', locale: 'de' })).status).toBe(404);
      expect((await browser.get(account('/username'))).status).toBe(404);
      const page: Page = await browser.get(account('/profile'));
      const { action, fields } = formsOf(page)[0] ?? { action: '', fields: {} };
      expect(fields).not.toHaveProperty('name');
      expect((await browser.post(action, { ...fields, name: 'Mallory', language: 'de' })).status).toBe(303);
      expect(await stored()).toMatchObject({ claims: {}, chosenLocale: 'de' });
      expect((await browser.get(account('/profile'))).body).toMatch(/value="de"[^>]* selected/);
    });
  });
});
