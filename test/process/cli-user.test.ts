import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { startMailServer } from '../support/mail-server.ts';
import { recoveryCodesOn, setUpApp } from '../support/second-factor.ts';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, passwordGrant, serviceTenant } from './installation.ts';

const password = 'correct horse battery staple';

let home: Installation;
beforeAll(ensureBuilt, 120_000);
beforeEach(async () => {
  home = await createInstallation();
  home.putTenant('acme', serviceTenant());
});
afterEach(() => home.remove());

const user = (verb: string, ...args: readonly string[]) => home.run(['user', verb, 'acme', ...args]);
const add = (name: string, ...flags: readonly string[]) =>
  home.run(['user', 'add', 'acme', name, '--password-stdin', ...flags], { input: password });

describe('user', () => {
  it('edits a person and finds people by what they are', async () => {
    await add('alice', '--email', 'alice@acme.example', '--group', 'staff', '--role', 'editor');
    await add('bob', '--name', 'Bob Marley');
    const edited = await user('edit', 'alice', '--name', 'Alice Adams', '--add-group', 'board', '--no-roles');
    expect([edited.code, edited.stderr]).toEqual([0, '']);

    const find = async (...filter: readonly string[]): Promise<readonly string[]> => {
      const { stdout, code } = await user('list', ...filter, '--json');
      expect(code).toBe(0);
      return (JSON.parse(stdout) as { username: string }[]).map(({ username }) => username);
    };
    const { stdout } = await user('list', '--search', 'ADAMS', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { username: 'alice', groups: ['staff', 'board'], roles: [], claims: { name: 'Alice Adams' } },
    ]);
    expect((await find()).toSorted()).toEqual(['alice', 'bob']);
    expect(await find('--search', 'marley')).toEqual(['bob']);
    expect(await find('--group', 'board')).toEqual(['alice']);
    expect(await find('--group', 'nobody')).toEqual([]);
    await user('disable', 'bob');
    expect(await find('--disabled')).toEqual(['bob']);
    expect(await find('--enabled')).toEqual(['alice']);
    const table = (await user('list', '--disabled')).stdout.trim().split('\n');
    expect(table).toEqual([
      expect.stringMatching(/^USER +E-MAIL +STATUS/),
      expect.stringMatching(/^bob +- +disabled/),
    ]);
  });

  it('warns of an address in a domain for which another source is believed', async () => {
    const partner = { id: 'partner', type: 'http', url: 'https://old.test/check', domains: ['partner.test'] };
    const local = { id: 'local', type: 'local', trustedEmailDomains: ['acme.test'] };
    home.putTenant('acme', serviceTenant({ sources: [local, partner] }));
    const listed = await add('alice', '--email', 'alice@acme.test');
    const other = await add('bob', '--email', 'bob@other.test');
    const edited = await user('edit', 'alice', '--email', 'alice@Other.test');
    expect([listed.code, listed.stderr]).toEqual([0, '']);
    for (const { code, stderr } of [other, edited]) {
      expect(code).toBe(0);
      expect(stderr).toContain(
        'warning no source lists other.test: partner can give people verified addresses',
      );
    }
  });

  it('helps a person who has lost the second factor', async () => {
    await add('alice');
    const without = await user('recovery-code', 'alice');
    expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('has no second factor')]);
    const unmailed = await user('recovery-code', 'alice', '--mail');
    expect([unmailed.code, unmailed.stderr]).toEqual([1, expect.stringContaining('There is no mail server')]);
    const unsure = await user('mfa-reset', 'alice');
    expect([unsure.code, unsure.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    const done = await user('mfa-reset', 'alice', '--yes', '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ reset: true });
  });

  it('mails a person who has lost the second factor a link to one recovery code', async () => {
    const smtp = await startMailServer();
    try {
      const { host, port, from } = smtp.settings;
      const env = { MAIL__HOST: host, MAIL__PORT: `${port}`, MAIL__FROM: from, MAIL__TLS: 'none' };
      const mailing = Object.fromEntries(
        Object.entries(env).map(([name, value]) => [`DRAWBRIDGE_${name}`, value]),
      );
      const send = () => home.run(['user', 'recovery-code', 'acme', 'ruth', '--mail'], { env: mailing });
      home.putTenant('acme', serviceTenant({ secondFactor: { required: { everyone: true } } }));
      await add('ruth', '--email', 'ruth@example.com');
      const server = await home.start(mailing);

      const browser = createBrowser();
      const login = await browser.follow(await browser.get(home.issuer('acme')));
      const asked = await browser.follow(await browser.submit(login, { login: 'ruth', password }));
      await setUpApp(browser, asked, { redirectUri: 'https://none.test/', nowMs: Date.now });
      const unverified = await send();
      expect([unverified.code, unverified.stderr]).toEqual([
        1,
        expect.stringContaining('no verified e-mail'),
      ]);
      await user('edit', 'ruth', '--email-verified');

      const tested = await home.run(['doctor', 'acme', '--mail-to', 'ops@example.com'], { env: mailing });
      expect(tested.stdout).toContain('took a test mail');
      expect(await smtp.mailsTo('ops@example.com')).toMatchObject([{ subject: 'Test mail from Acme' }]);

      const sent = await send();
      expect([sent.code, sent.stderr]).toEqual([0, '']);
      expect(sent.stdout).toContain('A mail goes to r…@example.com.');
      const [mail] = await smtp.mailsTo('ruth@example.com');
      const [link = ''] = /http:\S+\/recover\/factor\?token=[\w-]{43}/.exec(mail?.text ?? '') ?? [];
      expect(link).toMatch(new RegExp(`^${home.issuer('acme')}/`));
      const form = await createBrowser().get(link);
      const shown = await browser.follow(await browser.submit(form));
      expect(recoveryCodesOn(shown)).toHaveLength(1);
      expect((await createBrowser().get(link)).status).toBe(400);

      const isListed = async (): Promise<boolean> => {
        const { stdout } = await home.run(['mail', 'list', 'acme', '--json']);
        return (JSON.parse(stdout) as { state: string }[]).every(({ state }) => state === 'delivered');
      };
      await eventually('the record of the mail', isListed, 20_000);
      const { stdout: record } = await home.run(['mail', 'list', 'acme', '--json']);
      expect(JSON.parse(record)).toMatchObject([{ purpose: 'factor_recovery', address: 'r…@example.com' }]);
      const token = new URL(link).searchParams.get('token') ?? '';
      for (const text of [record, sent.stdout, server.words(), JSON.stringify(server.log())]) {
        expect(text).not.toContain(token);
        expect(text).not.toContain('ruth@example.com');
      }
    } finally {
      await smtp.close();
    }
  }, 60_000);

  it('says what is missing and what cannot be', async () => {
    await add('alice');
    const nothing = await user('edit', 'alice');
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('--name')]);
    const nobody = await user('edit', 'eve', '--name', 'Eve');
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('No account of acme')]);
  });

  it('deletes a person only when that is meant', async () => {
    await home.start();
    await add('alice');
    expect((await passwordGrant(home.issuer('acme'), { username: 'alice', password })).status).toBe(200);
    const unsure = await user('delete', 'alice');
    expect([unsure.code, unsure.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    const deleted = await user('delete', 'alice', '--yes');
    expect([deleted.code, deleted.stderr]).toEqual([0, '']);
    expect((await passwordGrant(home.issuer('acme'), { username: 'alice', password })).status).toBe(400);
    expect((await user('list', '--json')).stdout).toBe('[]\n');
  });

  it('lists and ends sessions', async () => {
    await add('alice');
    expect((await user('sessions', 'alice')).stdout).toBe('alice has no sessions.\n');
    expect((await user('sessions', 'alice', '--end-all')).stdout).toBe('0 sessions of alice ended.\n');
    expect((await user('sessions', 'alice', '--end', 'x')).code).toBe(1);
    for (const wrong of [
      ['--limit', '0'],
      ['--limit', 'x'],
      ['--kind', 'x'],
      ['--with-keys'],
      ['--end', 'x', '--end-all'],
    ])
      expect((await user('sessions', 'alice', ...wrong)).code).toBe(2);
    const bad = await user('sessions', 'alice', '--cursor', 'x');
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('begin without it')]);
  });

  it('shows what else is signed in, page by page, and ends it', async () => {
    await home.start();
    await add('alice');
    for (const note of ['one', 'two'])
      expect((await home.run(['api-key', 'create', 'acme', 'alice', '--note', note])).code).toBe(0);
    const grant = await passwordGrant(home.issuer('acme'), { username: 'alice', password });
    expect(grant.status).toBe(200);

    const shown = JSON.parse((await user('sessions', 'alice', '--limit', '1', '--json')).stdout);
    expect(shown).toMatchObject({ entries: [{ kind: expect.any(String) }], next: expect.any(String) });
    const rest = await user('sessions', 'alice', '--cursor', shown.next);
    expect(rest.stdout).toContain('api_key');
    const keys = JSON.parse((await user('sessions', 'alice', '--kind', 'api_key', '--json')).stdout);
    expect(keys.entries.map(({ name }: { name: string }) => name).sort()).toEqual(['one', 'two']);
    expect((await user('sessions', 'alice', '--end', keys.entries[0].id)).stdout).toBe(
      'The key of alice was ended.\n',
    );
    expect((await user('sessions', 'alice', '--end-all', '--with-keys')).stdout).toContain('1 key revoked.');
    expect((await user('sessions', 'alice')).stdout).toBe('alice has no sessions.\n');
  });

  it('invites somebody, whose roles travel with the mail', async () => {
    expect(await user('invite', 'dora@example.com')).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('Write registration: { mode: invited }') },
    });
    home.putTenant('acme', serviceTenant({ registration: { mode: 'invited' } }));
    expect(await user('invite', 'dora@example.com')).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('set mail.host and mail.from') },
    });

    const invited = { mode: 'invited', groups: ['new'] };
    const contoso = { id: 'contoso', type: 'http', url: 'https://c.test/check', domains: ['c.test'] };
    const sources = [{ id: 'local', type: 'local' }, contoso];
    home.putTenant('acme', serviceTenant({ demo: true, registration: invited, sources }));
    for (const [address, words] of [
      ['dora', 'is not one plain e-mail address'],
      ['carol@c.test', 'People of this domain sign in with contoso'],
    ] as const)
      expect(await user('invite', address)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(words),
      });
    for (const role of ['editor', 'author'])
      expect(await user('invite', 'Dora@example.com', '--role', role, '--group', 'board')).toMatchObject({
        ...{ code: 0, stdout: expect.stringContaining('dora@example.com is invited') },
      });

    await home.start();
    const mails = await (await fetch(`${home.issuer('acme')}/demo-mail`)).text();
    const links = [...new Set(mails.match(/http[^"\s<]+\/register\/account\?token=[\w-]{43}/g) ?? [])];
    expect(links).toHaveLength(2);
    const form = { name: 'Dora Dean', new_password: password, repeated: password };
    const statuses = [];
    for (const link of links) {
      const body = new URLSearchParams(form);
      statuses.push((await fetch(link, { method: 'POST', body, redirect: 'manual' })).status);
    }
    // the newest mail is shown first
    expect(statuses).toEqual([303, 409]);
    const { stdout } = await user('list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      {
        ...{ username: 'dora@example.com', emailVerified: true, claims: { name: 'Dora Dean' } },
        ...{ roles: ['author'], groups: ['new', 'board'] },
      },
    ]);
    expect(await user('invite', 'dora@example.com')).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('has this address already') },
    });
  });
});
