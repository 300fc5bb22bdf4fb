import { randomBytes } from 'node:crypto';
import { fetchUserInfo } from 'openid-client';
import { TOTP } from 'otpauth';
import { connectApp, type SignInOptions, signIn } from './apps.ts';
import { type Browser, createBrowser, describePage, type Page } from './browser.ts';
import { demoMail } from './demo-mail.ts';
import type { DemoTenant, DemoUser } from './demo-tenant.ts';
import { expectSame, expectThat, present } from './expectations.ts';
import type { Step } from './play-tenant.ts';

/** A person who has registered, with what only they have. */
export interface Person {
  readonly user: DemoUser;
  /** Each is good once. */
  readonly recoveryCodes: string[];
}

const passphrase = (): string => `a long passphrase ${randomBytes(8).toString('hex')}`;

export interface AccountParts {
  readonly step: Step;
  /** Uses a passkey; undefined where no browser is that has them. */
  readonly withPasskey: ((person: Person) => Promise<void>) | undefined;
}

/** What people do with their own account: from the registration to the deletion, through the pages. */
export const playAccount = async (tenant: DemoTenant, { step, withPasskey }: AccountParts): Promise<void> => {
  const { issuer } = tenant;
  const { origin } = new URL(issuer);
  const browser = createBrowser(origin);
  const web = await connectApp(tenant, 'web');
  const username = `eva-${randomBytes(4).toString('hex')}@default.example`;
  const user = { username, password: passphrase(), email: username };
  const signInAs = (person: DemoUser, options: Partial<SignInOptions> = {}) =>
    signIn(web, { browser: createBrowser(origin), user: person, scope: 'openid email', ...options });

  await step('Registration: a code by mail proves the address', async () => {
    const asked = await browser.submit(await browser.open(`${issuer}/register`), {
      fields: { email: username },
    });
    const { code } = await demoMail(issuer, { to: username, link: '/register' });
    const form = await browser.submit(asked, { fields: { code: present('code in the mail', code) } });
    const { password } = user;
    const fields = { name: 'Eva Example', new_password: password, repeated: password };
    const done = await browser.submit(form, { fields });
    expectThat(isSignInPage(done), 'the sign-in page', describePage(done));
  });

  const sub = await step('Sign-in with the new account; its address is verified', async () => {
    const tokens = await signInAs(user, { browser });
    const subject = present('sub', tokens.claims()?.sub);
    const { email, email_verified } = await fetchUserInfo(web.config, tokens.access_token, subject);
    expectSame('email, email_verified', [username, true], [email, email_verified]);
    return subject;
  });

  const { app, recoveryCodes } = await step('An authenticator app, with recovery codes', () =>
    setUpApp(browser, issuer),
  );

  await step('The next sign-in asks for its code, and says so', async () => {
    const claims = (await signInAs(user, { code: app() })).claims();
    expectSame('acr, amr', ['mfa', ['pwd', 'otp', 'mfa']], [claims?.acr, claims?.amr]);
  });

  if (withPasskey !== undefined)
    await step('A passkey, which then signs in alone', () => withPasskey({ user, recoveryCodes }));

  await step('A forgotten password: a link by mail, the factor stays', async () => {
    const stranger = createBrowser(origin);
    await stranger.submit(await stranger.open(`${issuer}/recover`), { fields: { login: username } });
    const { link } = await demoMail(issuer, { to: username, link: '/recover/' });
    const password = passphrase();
    const fields = { new_password: password, repeated: password };
    await stranger.submit(await stranger.open(link), { fields });
    const code = takeOne(recoveryCodes);
    const claims = (await signInAs({ ...user, password }, { browser, code })).claims();
    expectSame('sub, acr', [sub, 'mfa'], [claims?.sub, claims?.acr]);
  });

  await step('Deletion: everything ends at once, the account after a week', async () => {
    const page = await browser.open(`${issuer}/account/delete`);
    const done = await browser.submit(page, { fields: { username } });
    expectThat(done.text.includes('deleted'), 'a page that says when it is deleted', describePage(done));
    const account = await browser.open(`${issuer}/account`);
    expectThat(isSignInPage(account), 'the sign-in page', describePage(account));
  });
};

export const takeOne = (recoveryCodes: string[]): string =>
  present('a recovery code that is left', recoveryCodes.pop());

const isSignInPage = ({ isAtApp, text }: Page): boolean => !isAtApp && text.includes('name="login"');

/** The app shows one code in 30 seconds; each call gives that of the next half-minute, as a code is good once. */
const setUpApp = async (
  browser: Browser,
  issuer: string,
): Promise<{ readonly app: () => string; readonly recoveryCodes: string[] }> => {
  const page = await browser.open(`${issuer}/account/factors/totp`);
  const secret = /<code class="secret">([A-Z2-7 ]+)<\/code>/.exec(page.text)?.[1]?.replaceAll(' ', '');
  const totp = new TOTP({ secret: present('key of the app', secret) });
  const startMs = Date.now();
  let steps = 0;
  const app = (): string => {
    steps += 1;
    return totp.generate({ timestamp: startMs + (steps - 1) * totp.period * 1000 });
  };
  const shown = await browser.submit(page, { fields: { code: app(), name: 'Phone' } });
  const recoveryCodes = [...shown.text.matchAll(/<li><code>([0-9a-z-]+)<\/code>/g)].map(
    ([, code = '']) => code,
  );
  expectSame('recovery codes', 10, recoveryCodes.length);
  return { app, recoveryCodes };
};
