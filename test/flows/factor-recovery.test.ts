// A person who has lost their second factor, and the mail that an operator sends for it.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createFactorMails } from '../../src/accounts/factors/factor-recovery.ts';
import { createThrottle } from '../../src/accounts/throttle.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { systemClock } from '../../src/clock.ts';
import { createMasterKey } from '../../src/crypto/master-key.ts';
import { createLog } from '../../src/log.ts';
import { openVerifications } from '../../src/tenants/mailed-proofs.ts';
import { createBrowser } from '../support/browser.ts';
import { dumpStore } from '../support/dump-store.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { isLoginPage } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { sampleTenant, web } from '../support/sample-tenants.ts';
import { afterPassword, isFactorPage, recoveryCodesOn, sendTo, setUpApp } from '../support/second-factor.ts';
import { eachStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const secretKey = 'a-master-key-of-this-test-0123456789-0123456789';
const ruth = { username: 'ruth', password: 'lantern orbit mosaic', email: 'ruth@example.com' };
const { redirectUri } = web;

eachStore((store) => {
  let mail: MailServer;
  let server: TestServer;
  let sub: string;
  const request = (extra = {}) => ({ issuer: server.issuer('acme'), client: web, extra });
  const storage = () => server.storage.forTenant('acme');

  beforeAll(async () => {
    mail = await startMailServer();
  });
  afterAll(() => mail.close());
  beforeEach(async () => {
    mail.taken.splice(0);
    server = await startTestServer({
      store,
      tenants: { acme: sampleTenant() },
      settings: { mail: mail.settings, server: { secretKey } },
      instances: 2,
    });
    const added = await server.users('acme').add({ ...ruth, emailVerified: true });
    if (!added.ok) throw new Error(added.reason);
    sub = added.account.sub;
  });
  afterEach(async () => {
    restoreTime();
    await server.close();
  });

  /** As `user recovery-code --mail` does. */
  const sendMail = async () => {
    const found = await server.instances[0]?.tenants.find('acme');
    if (found?.status !== 'served') throw new Error('acme is not served');
    const { artifacts, accounts, counters, audit } = storage();
    const throttle = createThrottle(counters, systemClock);
    const masterKey = createMasterKey(secretKey);
    const send = createFactorMails({
      issuer: server.issuer('acme'),
      verifications: openVerifications('acme', {
        ...{ storage: { artifacts }, throttle, masterKey, clock: systemClock },
      }),
      mail: found.tenant.mail,
      audit: createAudit({ records: audit, log: createLog({ level: 'silent' }), clock: systemClock }),
      actor: 'cli',
    });
    const account = await accounts.findBySub(sub);
    if (account === undefined) throw new Error('no account');
    return send(account, 'en');
  };
  const linkOf = async (count = 1): Promise<string> => {
    expect(await sendMail()).toEqual({ ok: true, email: ruth.email });
    const taken = (await mail.mailsTo(ruth.email, count)).at(-1);
    return /^https?:\S+\/recover\/factor\?token=[\w-]{43}$/m.exec(taken?.text ?? '')?.[0] ?? '';
  };
  const setUp = async (): Promise<void> => {
    const browser = createBrowser();
    const { page } = await afterPassword(browser, request({ acr_values: 'mfa' }), ruth);
    await setUpApp(browser, page, { redirectUri, nowMs: () => Date.now() });
    await mail.mailsTo(ruth.email);
    mail.taken.splice(0);
  };

  it('gives one recovery code, which takes the place of the factor and not of the password', async () => {
    expect(await sendMail()).toEqual({ ok: false, reason: 'no_factor' });
    await setUp();
    const link = await linkOf();
    // what opens links in mails changes nothing
    for (let n = 0; n < 3; n += 1) expect((await createBrowser().get(link)).status).toBe(200);
    const browser = createBrowser();
    const form = await browser.get(link);
    expect(textOf(form)).toContain('the second factor of the account ruth');
    expect(recoveryCodesOn(form)).toEqual([]);
    const shown = await browser.follow(await browser.submit(form));
    const [code = ''] = recoveryCodesOn(shown);
    expect(recoveryCodesOn(shown)).toHaveLength(1);
    // nobody is signed in by it
    expect(
      browser
        .cookies()
        .map(({ name }) => name)
        .join(),
    ).not.toContain('session');
    expect((await createBrowser().get(link)).status).toBe(400);
    expect((await createBrowser().post(link, {})).status).toBe(400);

    const wrong = await afterPassword(createBrowser(), request(), { ...ruth, password: 'not the password' });
    expect(isLoginPage(wrong.page)).toBe(true);
    const other = createBrowser();
    const { page } = await afterPassword(other, request(), ruth);
    expect(isFactorPage(page)).toBe(true);
    const done = await sendTo(other, page, { fields: { code }, redirectUri });
    expect(done.location).toContain('code=');
    expect((await other.get(`${server.issuer('acme')}/account/factors/totp`)).status).toBe(200);
    const again = createBrowser();
    const second = await afterPassword(again, request(), ruth);
    const used = await sendTo(again, second.page, { fields: { code }, redirectUri });
    expect(used.location).toBeUndefined();

    const actions = (await storage().audit.list({ sub, limit: 50 })).map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['user.recovery_mail', 'recovery.factor']));
    const kept = `${await dumpStore(server.storeUrl)} ${server.logLines().join('\n')}`;
    expect(kept).not.toContain(new URL(link).searchParams.get('token'));
    expect(kept).not.toContain(code);
  });

  it('gives it to one of 20 who use the link at once, on two instances', async () => {
    await setUp();
    const link = await linkOf();
    const before = (await storage().accounts.findBySub(sub))?.factors;
    const answers = await Promise.all(Array.from({ length: 20 }, () => createBrowser().post(link, {})));
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(19);
    const hashesIn = (factors: typeof before) =>
      factors?.flatMap((factor) => (factor.type === 'recovery_codes' ? factor.hashes : [])).length ?? 0;
    const after = (await storage().accounts.findBySub(sub))?.factors;
    expect(hashesIn(after) - hashesIn(before)).toBe(1);
  });

  it('is good for nothing after a day, after a new password, or for a disabled account', async () => {
    await setUp();
    const first = await linkOf();
    await server.users('acme').setPassword('ruth', 'another mosaic in orbit');
    expect((await createBrowser().get(first)).status).toBe(400);
    const second = await linkOf(2);
    expect((await createBrowser().get(second)).status).toBe(200);
    await server.users('acme').disable('ruth');
    expect((await createBrowser().post(second, {})).status).toBe(400);
    await server.users('acme').enable('ruth');
    const third = await linkOf(3);
    expect((await createBrowser().get(third)).status).toBe(200);
    moveTime(24 * 3600);
    expect((await createBrowser().get(third)).status).toBe(400);
    expect((await createBrowser().get(`${server.issuer('acme')}/recover/factor`)).status).toBe(400);
  });
});
