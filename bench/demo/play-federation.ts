import { setTimeout as delay } from 'node:timers/promises';
import { genericGrantRequest } from 'openid-client';
import type { BenchDirectory } from '../directory/start-slapd.ts';
import { type App, connectApp, signIn, signOut } from './apps.ts';
import { createBrowser } from './browser.ts';
import { type DemoUser, loadDemoTenant } from './demo-tenant.ts';
import { expectRefusal, expectSame, expectThat, present } from './expectations.ts';
import type { OwnServer } from './own-server.ts';
import type { Step } from './play-tenant.ts';

/** Someone of the directory, in a group that is in a group. */
export const dora = {
  username: 'dora',
  password: 'kept in the directory',
  email: 'dora@example.com',
  name: 'Dora Dean',
  groups: ['editors'],
} as const;

/** A person of another OpenID provider: there and back again, and out at both. */
export const playUpstream = async ({ url, tenantsDirectory }: OwnServer, step: Step): Promise<void> => {
  const home = loadDemoTenant(tenantsDirectory, 'head-office', url);
  const branch = loadDemoTenant(tenantsDirectory, 'branch', url);
  const alice = home.user('alice');
  const browser = createBrowser(url);
  const web = await connectApp(branch, 'web');
  const wishes = { user: alice, scope: 'openid email', idpHint: 'head-office' };

  const tokens = await step('Sign-in at another OpenID provider, and back', () =>
    signIn(web, { ...wishes, browser }),
  );
  const sub = present('sub', tokens.claims()?.sub);

  await step('The same person gets the same sub', async () => {
    const again = await signIn(web, { ...wishes, browser: createBrowser(url) });
    expectSame('sub', sub, again.claims()?.sub);
  });

  await step('Sign-out goes on to the other provider', async () => {
    await signOut(web, browser, present('id_token', tokens.id_token));
    const page = await browser.open(`${home.issuer}/account`);
    expectThat(page.text.includes('name="password"'), 'the sign-in form there', `status ${page.status}`);
  });
};

/** A person of a directory, on good days and bad ones. */
export const playDirectory = async (
  { url, tenantsDirectory }: OwnServer,
  directory: BenchDirectory,
  step: Step,
): Promise<void> => {
  const branch = loadDemoTenant(tenantsDirectory, 'branch', url);
  const [web, migrator] = [await connectApp(branch, 'web'), await connectApp(branch, 'migrator')];

  await step('Sign-in at an LDAP directory, nested groups, a role', async () => {
    const browser = createBrowser(url);
    const tokens = await signIn(web, { browser, user: dora, scope: 'openid groups roles' });
    const { groups, roles } = present('claims', tokens.claims());
    expectSame('groups', ['editors', 'staff'], [...(groups as readonly string[])].sort());
    expectSame('roles', ['publisher'], roles);
  });

  await step('A wrong password of the directory is refused', () =>
    expectRefusal('wrong password', 'invalid_grant', askForTokens(migrator, { ...dora, password: 'guess' })),
  );

  await step('Directory down: unavailable, and never a wrong password', async () => {
    await directory.kill();
    expectSame('status while it is down', 503, await statusOf(askForTokens(migrator, dora)));
  });

  await step('… people of the local list still sign in', () =>
    askForTokens(migrator, branch.user('janitor')),
  );

  await step('… and it is back without a restart', async () => {
    await directory.restart();
    await untilServed(() => askForTokens(migrator, dora));
  });
};

const askForTokens = (app: App, { username, password }: DemoUser) =>
  genericGrantRequest(app.config, 'password', { username, password, scope: 'openid' });

const timeoutMs = 15_000;

/** What the token endpoint answered: 200, or the status that openid-client has no words for. */
const statusOf = async (attempt: Promise<unknown>): Promise<number> => {
  try {
    await attempt;
    return 200;
  } catch (failure) {
    const { cause } = failure as { readonly cause?: unknown }; // the answer itself, where it is no OAuth error
    if (cause instanceof Response) return cause.status;
    throw failure;
  }
};

/** A server that failed is tried again after a pause that grows. */
const untilServed = async (attempt: () => Promise<unknown>): Promise<void> => {
  const startedAt = performance.now();
  while ((await statusOf(attempt())) !== 200) {
    if (performance.now() - startedAt > timeoutMs) throw new Error('the directory was not used again');
    await delay(200);
  }
};
