import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { askApi } from '../support/account-api.ts';
import { createBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { openApp, signInThere } from '../support/federation.ts';
import { refresh, type TokenBody, tokenRequest, tokensFor, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import { migrator, sampleTenant, type TenantContent, web } from '../support/sample-tenants.ts';
import { type Slapd, startSlapd } from '../support/slapd.ts';
import { describeOnce, eachStore } from '../support/stores.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const anna = { username: 'anna', password: 'anna-Passw0rd' };
const minute = 60_000;

const directoryTenant = (slapd: Slapd, source: object = {}): TenantContent => {
  const { users: _users, ...tenant } = sampleTenant();
  return {
    ...tenant,
    throttle: { account: { attempts: 12 } },
    users: [{ username: 'janitor', password: 'opens without a directory' }],
    sources: [
      { id: 'local', type: 'local' },
      {
        id: 'directory',
        type: 'ldap',
        url: slapd.url,
        insecure: true,
        bind: slapd.service,
        search: { base: `ou=people,${slapd.baseDn}` },
        groups: { from: 'member', base: `ou=groups,${slapd.baseDn}`, nested: 'expand' },
        timeouts: { connect: '1s', operation: '1s' },
        mapping: [
          { role: 'publisher', of: 'groups', equals: 'division' },
          { rename: 'sn', to: 'surname_at_work' },
          { default: 'locale', value: 'fr-CA' },
        ],
        recheck: '5m',
        degraded: { sessions: '30m' },
        ...source,
      },
    ],
  } as TenantContent; // the parts of a source are the schema's to judge
};

eachStore((store) => {
  let slapd: Slapd;
  let server: TestServer;
  let clock: TestClock;
  const issuer = () => server.issuer('acme');

  beforeAll(async () => {
    slapd = await startSlapd();
  });
  afterAll(() => slapd.stop());
  beforeEach(async () => {
    clock = createTestClock(Date.now());
    server = await startTestServer({ store, clock, tenants: { acme: directoryTenant(slapd) } });
  });
  afterEach(() => server.close());

  const signIn = (who: { readonly username: string; readonly password: string }) =>
    tokenRequest(issuer(), migrator, {
      grant_type: 'password',
      scope: 'openid profile groups roles',
      ...who,
    });

  const signedIn = async (): Promise<TokenBody> => {
    const { status, body } = await signIn(anna);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  };

  const changeGroup = (operation: 'add' | 'delete') =>
    slapd.asAdmin(async (client) => {
      const { Attribute, Change } = await import('ldapts');
      await client.modify(
        `cn=team,ou=groups,${slapd.baseDn}`,
        new Change({
          operation,
          modification: new Attribute({
            type: 'member',
            values: [`uid=anna,ou=people,${slapd.baseDn}`],
          }),
        }),
      );
    });

  describe('a person of a directory', () => {
    it('gets tokens with groups in groups and the roles that they map to', async () => {
      const { id_token: idToken } = await signedIn();
      const { sub, groups, roles } = decodeJwt(idToken ?? '');
      expect({ groups, roles }).toEqual({
        groups: ['company', 'division', 'holding', 'team'],
        roles: ['publisher'],
      });
      const again = decodeJwt((await signedIn()).id_token ?? '');
      expect(again.sub).toBe(sub);
    });

    it('has the claims that the mapping makes, the tenant’s own among them', async () => {
      const { body } = await userinfo(issuer(), (await signedIn()).access_token ?? '');
      expect(body).toMatchObject({
        name: 'Anna Adler',
        preferred_username: 'anna',
        surname_at_work: 'Adler',
      });
    });

    it('keeps the language that was chosen here, whatever the directory says', async () => {
      const request = { issuer: issuer(), client: web, scope: 'openid account profile' };
      const { access_token: token } = await tokensFor(createBrowser(), request, anna);
      const choose = (locale: string | null) =>
        askApi(issuer(), '/account', { method: 'PATCH', token, body: { locale } });
      const languageOf = async () =>
        (await userinfo(issuer(), (await signedIn()).access_token ?? '')).body.locale;

      expect(await languageOf()).toBe('fr-CA');
      expect((await choose('de')).body).toMatchObject({ name: 'Anna Adler', locale: 'de' });
      expect(await languageOf()).toBe('de');
      await choose(null);
      expect(await languageOf()).toBe('fr-CA');
    });

    it('is one account, however many first sign-ins there are at once', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => signIn(anna)));
      const subs = answers.map(({ body }) => decodeJwt(body.id_token ?? '').sub);
      expect(new Set(subs).size).toBe(1);
      expect(await server.storage.forTenant('acme').accounts.count()).toBe(2);
    });

    it('has the groups of now after a refresh', async () => {
      const first = await signedIn();
      await changeGroup('delete');
      try {
        const { status, body } = await refresh(issuer(), migrator, first.refresh_token);
        expect(status).toBe(200);
        expect(decodeJwt(body.id_token ?? '').roles).toEqual([]);
      } finally {
        await changeGroup('add');
      }
    });

    it('gets no more tokens once the directory no longer has them', async () => {
      await slapd.asAdmin((client) =>
        client.add(`uid=leaver,ou=people,${slapd.baseDn}`, {
          objectClass: 'inetOrgPerson',
          uid: 'leaver',
          cn: 'Leaver',
          sn: 'Leaver',
          userPassword: 'leaver-Passw0rd',
        }),
      );
      const { body } = await signIn({ username: 'leaver', password: 'leaver-Passw0rd' });
      expect(body.refresh_token).toBeDefined();
      await slapd.asAdmin((client) => client.del(`uid=leaver,ou=people,${slapd.baseDn}`));
      const answer = await refresh(issuer(), migrator, body.refresh_token);
      expect({ status: answer.status, error: answer.body.error }).toEqual({
        status: 400,
        error: 'invalid_grant',
      });
    });

    it.each([
      ['clara', 'password_change_required'],
      ['emil', 'password_expired'],
    ])('reads why a right password is not enough: %s, %s', async (username, code) => {
      const { status, body } = await signIn({ username, password: `${username}-Passw0rd` });
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
      expect(body.error_description).toMatch(new RegExp(`^${code}\\b`));
    });

    it('looks the same as an unknown person, when the password is wrong', async () => {
      const wrong = await signIn({ ...anna, password: 'wrong' });
      const unknown = await signIn({ username: 'nobody', password: 'wrong' });
      expect(wrong.body).toEqual(unknown.body);
      expect(wrong.status).toBe(400);
    });
  });

  describeOnce(store, 'where the directory stops at a limit', () => {
    it('asks nobody to wait: page, token endpoint and log name the limit', async () => {
      const limited = await startSlapd({ settings: ['sizelimit 1'] });
      try {
        await server.putTenant('acme', directoryTenant(limited));
        const bert = { username: 'bert', password: 'bert-Passw0rd' };
        const { status, body, headers } = await signIn(bert);
        expect([status, body.error, headers.get('retry-after')]).toEqual([500, 'server_error', null]);
        expect(body.error_description).toContain('sizeLimitExceeded at 127.0.0.1');

        const browser = createBrowser();
        const page = await signInThere(browser, await openApp(browser, issuer()), { who: bert });
        expect(page.status).toBe(500);
        expect(page.headers.get('x-error')).toContain('sizeLimitExceeded at 127.0.0.1');
        expect(page.headers.get('retry-after')).toBeNull();
        expect(textOf(page)).toContain('sizeLimitExceeded at 127.0.0.1');
        const logged = server.logLines().filter((line) => line.includes('size.prtotal'));
        expect(logged.join('\n')).toContain(limited.url);
      } finally {
        await limited.stop();
      }
    });
  });

  describeOnce(store, 'while the directory is down', () => {
    it('says so, counts nothing, lets the local list in, and recovers by itself', async () => {
      await slapd.kill();
      try {
        for (let attempt = 0; attempt < 15; attempt += 1) {
          const { status, body, headers } = await signIn(anna);
          expect({ status, error: body.error }).toEqual({ status: 503, error: 'temporarily_unavailable' });
          expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
        }
        const local = await signIn({ username: 'janitor', password: 'opens without a directory' });
        expect(local.status).toBe(200);
      } finally {
        await slapd.restart();
      }
      clock.advance(minute);
      await eventually('sign-ins work again', async () => (await signIn(anna)).status === 200, 10_000);
    });

    it('refreshes with what was known last, for as long as the tenant says', async () => {
      const first = await signedIn();
      let refreshToken = first.refresh_token;
      await slapd.kill();
      try {
        clock.advance(20 * minute);
        const inTime = await refresh(issuer(), migrator, refreshToken);
        expect(inTime.status).toBe(200);
        expect(decodeJwt(inTime.body.id_token ?? '').roles).toEqual(['publisher']);
        refreshToken = inTime.body.refresh_token;
        clock.advance(20 * minute);
        const tooLate = await refresh(issuer(), migrator, refreshToken);
        expect({ status: tooLate.status, error: tooLate.body.error }).toEqual({
          status: 503,
          error: 'temporarily_unavailable',
        });
      } finally {
        await slapd.restart();
      }
      clock.advance(minute);
      const back = await refresh(issuer(), migrator, refreshToken);
      expect(back.status).toBe(200);
    });
  });
});
