import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createBrowser, type Page } from '../support/browser.ts';
import { app, directClients, firstRequest } from '../support/direct-login.ts';
import { openHashCount } from '../support/hash-count.ts';
import {
  basicAuthorization,
  formOf,
  goToAuthorization,
  pkce,
  prepareAuthorization,
} from '../support/oauth-client.ts';
import { alice, migrator, sampleClients, sampleTenant, web } from '../support/sample-tenants.ts';
import { afterPassword, setUpApp } from '../support/second-factor.ts';
import { withEachStore } from '../support/use-server.ts';

// of the same length, so that the lengths of the answers are compared too
const unknown = 'niemand';
const people = ['without', 'factors', 'stopped', 'mailers', 'imports', 'machine'] as const;
/** The others get a code by e-mail where a factor is demanded of them. */
const unverified: ReadonlySet<string> = new Set(['without', 'factors']);
const domain = 'people.example';
const right = 'a long and secret passphrase';
/** Of another password, as other software makes it: checking it takes next to no time. */
const bcryptHash = '$2b$04$/dZgbJKaGsCe.5uGv2jCJuj2Xxg.itLhoY.6JeKoWJcm2aJF/t0Ma';
const wrong = 'a long and wrong passphrase!';

interface Seen {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

const json = { 'content-type': 'application/json' };

await withEachStore(
  {
    tenants: {
      acme: sampleTenant({
        clients: [...sampleClients, ...directClients],
        registration: { mode: 'open' },
        recovery: { password: 'mail' },
        secondFactor: { methods: ['totp', 'email'] },
      }),
    },
  },
  (server) => {
    const issuer = server.issuer('acme');
    const addressOf = (name: string): string => `${name}@${domain}`;
    const hashes = openHashCount();
    afterAll(() => hashes.close());

    beforeAll(async () => {
      const users = server.users('acme');
      for (const username of people) {
        const person = { username, email: addressOf(username), emailVerified: !unverified.has(username) };
        const added = await users.add(
          username === 'machine' ? { ...person, isSystem: true } : { ...person, password: right },
        );
        if (!added.ok) throw new Error(added.reason);
      }
      const { accounts } = server.storage.forTenant('acme');
      const imported = await accounts.findByLogin('imports');
      if (imported === undefined) throw new Error('nobody was imported');
      await accounts.update(imported.sub, { passwordHash: bcryptHash }, imported.version);
      const browser = createBrowser();
      const request = { issuer, client: web, extra: { acr_values: 'mfa' } };
      const { page } = await afterPassword(browser, request, { username: 'factors', password: right });
      await setUpApp(browser, page, { redirectUri: web.redirectUri, nowMs: Date.now });
      await users.disable('stopped');
      await afterPassword(createBrowser(), { issuer, client: web }, alice); // demo users are there from now on
    }, 60_000);

    /** Without what differs from answer to answer, and with one name for all. */
    const see = async (name: string, { status, headers, body }: Page | Answered): Promise<Seen> => {
      const mask = (text: string): string =>
        text
          .replaceAll(name, 'NAME')
          .replaceAll(/[\w-]{43,}/g, 'SECRET')
          .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'UUID')
          .replaceAll(/(interaction\/|nonce-|"error_id":")[\w+/=-]+/g, '$1ID');
      const changing = /^(?:date|x-error-id|x-request-id|etag)$/;
      return {
        status,
        headers: [...headers].filter(([key]) => !changing.test(key)).map((header) => mask(header.join(': '))),
        body: mask(body),
      };
    };
    type Answered = { readonly status: number; readonly headers: Headers; readonly body: string };
    const post = async (path: string, body: object | URLSearchParams, headers = {}): Promise<Answered> => {
      const isForm = body instanceof URLSearchParams;
      const answer = await fetch(issuer + path, {
        method: 'POST',
        headers: { ...(isForm ? {} : json), ...headers },
        body: isForm ? body : JSON.stringify(body),
      });
      return { status: answer.status, headers: answer.headers, body: await answer.text() };
    };
    const api = (path: string, body: object): Promise<Answered> =>
      post(`/api/v1${path}`, { client_id: app.id, ...body });
    const page = async (path: string, fields: Readonly<Record<string, string>>): Promise<Page> => {
      const browser = createBrowser();
      return browser.submit(await browser.get(issuer + path), fields);
    };
    const entrances: Readonly<Record<string, readonly [number, (name: string) => Promise<Page | Answered>]>> =
      {
        'the login page': [
          1,
          async (name) => {
            const browser = createBrowser();
            const request = prepareAuthorization({ issuer, client: web });
            const form = await goToAuthorization(browser, request, web.redirectUri);
            return browser.submit(form, { login: name, password: wrong });
          },
        ],
        'POST /login': [1, (username) => api('/login', { username, password: wrong })],
        'POST /login with the e-mail address': [
          1,
          (name) => api('/login', { username: addressOf(name), password: wrong }),
        ],
        'POST /login with a code': [
          1,
          (username) => api('/login', { username, password: wrong, otp: '123456' }),
        ],
        'the authorization challenge endpoint': [
          1,
          (username) =>
            post(
              '/authorize-challenge',
              formOf({ client_id: app.id, ...firstRequest(pkce()), username, password: wrong }),
            ),
        ],
        'the name alone at the authorization challenge endpoint': [
          0,
          (username) =>
            post('/authorize-challenge', formOf({ client_id: app.id, ...firstRequest(pkce()), username })),
        ],
        'the password grant': [
          1,
          (username) =>
            post(
              '/token',
              formOf({ grant_type: 'password', username, password: wrong }),
              basicAuthorization(migrator),
            ),
        ],
        'the page for a forgotten password': [0, (login) => page('/recover', { login })],
        'POST /password-resets': [0, (username) => api('/password-resets', { username })],
        'the page for a new account': [0, (name) => page('/register', { email: addressOf(name) })],
        'POST /registrations': [0, (name) => api('/registrations', { email: addressOf(name) })],
        'POST /sessions': [0, (name) => api('/sessions', { email: addressOf(name) })],
        'POST /session/verify': [
          0,
          async (name) => {
            const { verification_id } = JSON.parse((await api('/sessions', { email: addressOf(name) })).body);
            return api('/session/verify', { verification_id, code: '00000000' });
          },
        ],
      };

    describe.each(Object.entries(entrances))('%s', (_what, [expected, ask]) => {
      it('answers everybody alike, and hashes as often', async () => {
        const asked = async (name: string) => {
          const before = hashes.count();
          const seen = await see(name, await ask(name));
          for (const { afterAnswer } of server.instances) await afterAnswer.idle();
          return { ...seen, hashes: hashes.count() - before };
        };
        const stranger = await asked(unknown);
        expect(stranger.hashes).toBe(expected);
        for (const name of people) expect({ name, ...(await asked(name)) }).toEqual({ name, ...stranger });
      });
    });
  },
);
