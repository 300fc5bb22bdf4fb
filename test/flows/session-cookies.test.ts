import { type ClientRequest, request } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { type Browser, createBrowser, formsOf } from '../support/browser.ts';
import { prepareAuthorization, signIn } from '../support/oauth-client.ts';
import { bob, sampleTenant, web } from '../support/sample-tenants.ts';
import { withEachStore } from '../support/use-server.ts';

/** A form POST whose body is held back: the server reads the session first and then waits. */
const holdPost = async (
  url: string,
  { cookie, body }: { readonly cookie: string; readonly body: string },
) => {
  const { hostname, host, port, pathname } = new URL(url);
  const headers = {
    host,
    cookie,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': body.length,
  };
  let sent: ClientRequest | undefined;
  const answered = new Promise<number>((resolve, reject) => {
    sent = request({ hostname, port, path: pathname, method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', reject);
  });
  sent?.write(body.slice(0, 3));
  // an answer to a later request says that the server has taken in what was sent before
  await fetch(url.replace('/device', '/account'), { headers: { cookie }, redirect: 'manual' });
  return {
    finish: (): Promise<number> => {
      sent?.end(body.slice(3));
      return answered;
    },
  };
};

const sessionCookie = (browser: Browser): string =>
  browser
    .cookies()
    .filter(({ name }) => name.includes('session'))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');

await withEachStore({ tenants: { acme: sampleTenant() } }, (server) => {
  describe('session cookies', () => {
    const issuer = server.issuer('acme');

    /** Where a silent sign-in with this cookie alone leads. */
    const silently = async (cookie: string): Promise<URL> => {
      const { url } = prepareAuthorization({ issuer, client: web, extra: { prompt: 'none' } });
      const { headers } = await fetch(url, { redirect: 'manual', headers: { cookie } });
      return new URL(headers.get('location') ?? '');
    };

    it('that a sign-in replaced stay dead, also for a request that began before it', async () => {
      const browser = createBrowser();
      const page = await browser.get(`${issuer}/device`);
      const attacker = sessionCookie(browser);
      const [form] = formsOf(page);
      const body = `xsrf=${form?.fields.xsrf}&user_code=`;
      const held = await holdPost(`${issuer}/device`, { cookie: attacker, body });

      expect((await signIn(browser, { issuer, client: web })).code).toEqual(expect.any(String));
      await held.finish();
      expect((await silently(attacker)).searchParams.get('error')).toBe('login_required');
      expect((await silently(sessionCookie(browser))).searchParams.get('code')).toEqual(expect.any(String));
    });

    it('that were stolen end with a password change, also for a request that began before', async () => {
      const browser = createBrowser();
      await signIn(browser, { issuer, client: web }, bob);
      const stolen = sessionCookie(browser);
      const password = 'a new and long pass phrase';
      await server.users('acme').setPassword(bob.username, password);
      const [form] = formsOf(await browser.get(`${issuer}/device`));
      const body = `xsrf=${form?.fields.xsrf}&user_code=`;
      const held = await holdPost(`${issuer}/device`, { cookie: stolen, body });

      await signIn(browser, { issuer, client: web }, { username: bob.username, password });
      await held.finish();
      expect((await silently(stolen)).searchParams.get('error')).toBe('login_required');
      expect((await silently(sessionCookie(browser))).searchParams.get('code')).toEqual(expect.any(String));
    });
  });
});
