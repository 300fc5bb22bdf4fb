import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureBuilt } from './built.ts';
import { createInstallation, type Installation, passwordGrant, serviceTenant } from './installation.ts';

let home: Installation;
beforeAll(ensureBuilt, 120_000);
beforeEach(async () => {
  home = await createInstallation();
  home.putTenant('acme', serviceTenant());
});
afterEach(() => home.remove());

describe('user import', () => {
  // made by slappasswd, passlib and argon2-cffi
  const horse = 'correct horse battery';
  const ssha = '{SSHA}dyR1Mq+iYbiZLE0umII53FDIb/W89vpr';
  const bcrypt = '{CRYPT}$2b$05$NI7N9X7FXhyBQLBqFlxITexFQcNWY7gCoGjOaLkkXdIW1kMqhnXmW';
  const argon2i = '$argon2i$v=19$m=256,t=1,p=2$ez7/+Ekuf7icfusMOyro2g$rvemY4INF7lB/12G3ZLme4bpS2w';

  const putLines = (lines: readonly (object | string)[]): void =>
    writeFileSync(
      join(home.folder, 'people.jsonl'),
      lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    );

  const importPeople = (...more: readonly string[]) =>
    home.run(['user', 'import', 'acme', 'people.jsonl', ...more]);

  const listed = async () =>
    JSON.parse((await home.run(['user', 'list', 'acme', '--json'])).stdout) as Record<string, unknown>[];

  const signIn = (username: string, password: string) =>
    passwordGrant(home.issuer('acme'), { username, password });

  it('brings people who sign in with the passwords they had, beside a running server', async () => {
    await home.start();
    putLines([
      {
        username: 'Alice',
        email: 'alice@acme.example',
        email_verified: true,
        password_hash: ssha,
        claims: { name: 'Alice Adams' },
        groups: ['staff'],
        roles: ['admin'],
      },
      { username: 'bob', password_hash: bcrypt },
      { username: 'carol', password_hash: argon2i, email: null },
      { username: 'dave', password_hash: ssha, disabled: true },
      { username: 'erin' },
    ]);
    const { code, stdout } = await importPeople();
    expect(code).toBe(0);
    expect(stdout).toBe('5 imported (1 without a password), 0 there already, 0 wrong.\n');
    expect((await signIn('alice', horse)).status).toBe(200);
    expect((await signIn('ALICE@acme.example', horse)).status).toBe(200);
    expect((await signIn('alice', 'correct horse batterz')).status).toBe(400);
    expect((await signIn('bob', 'Grüße aus Wien 2019')).status).toBe(200);
    expect((await signIn('carol', 'Grüße aus Wien 2019')).status).toBe(200);
    expect((await signIn('dave', horse)).status).toBe(400);
    expect((await signIn('erin', horse)).status).toBe(400);
    expect(await listed()).toContainEqual(
      expect.objectContaining({
        username: 'Alice',
        email: 'alice@acme.example',
        emailVerified: true,
        claims: { name: 'Alice Adams' },
        groups: ['staff'],
        roles: ['admin'],
        origin: 'local',
        hasPassword: true,
      }),
    );
  });

  it('reports all faults with their lines, and imports the rest', async () => {
    putLines([
      { username: 'alice', password_hash: ssha },
      '{"username": "bob", ',
      '',
      { username: '', email: 'a@x,b@evil', email_verified: 'true', groups: 'staff' },
      { username: 'carol', password_hash: '$2b$31$viFQc8HTpmx5EGCu3kq1J.LOokBrARXWpcaVOHfsb1jEXbvD2r0Li' },
      { username: 'dave', password: 'in the clear', usrname: 'dave' },
      { username: 'erin', claims: { full_name: 'Erin', nmae: 'Erin' } },
      { username: 'ALICE' },
      { username: 'frank', email: 'alice' },
      { username: 'grace', password_hash: '{MD5}X03MO1qnZdYdgyfeuILPmQ==' },
      { username: 'heidi', email_verified: true },
      ['ivan'],
      { username: 'zoe', password_hash: bcrypt },
    ]);
    const { code, stdout, stderr } = await importPeople();
    expect(code).toBe(1);
    expect(stdout).toBe('2 imported, 0 there already, 10 wrong.\n');
    for (const fault of [
      'people.jsonl:2 the line is no JSON object',
      'people.jsonl:4 username: must be a text of 1 to 256 characters',
      'people.jsonl:4 email: is not one plain e-mail address',
      'people.jsonl:4 email_verified: must be true or false',
      'people.jsonl:4 groups: must be a list',
      'people.jsonl:5 password_hash: bcrypt with a cost of 31: it must be 4 to 15',
      'people.jsonl:6 password: passwords in the clear are not imported; give password_hash',
      'people.jsonl:6 usrname: is not known; did you mean username?',
      'people.jsonl:7 claims.full_name: is not a claim that is kept',
      'people.jsonl:7 claims.nmae: is not a claim that is kept; did you mean name?',
      'people.jsonl:8 alice is the name or e-mail address of line 1 already',
      'people.jsonl:9 email: is not one plain e-mail address',
      'people.jsonl:10 password_hash: {MD5}, which is not known; known are argon2, bcrypt',
      'people.jsonl:11 email_verified: there is no email',
      'people.jsonl:12 the line is no JSON object',
    ]) {
      expect(stderr).toContain(fault);
    }
    expect(stderr).not.toMatch(/viFQc8HT|X03MO1qn|in the clear'/);
    expect((await listed()).map(({ username }) => username).sort()).toEqual(['alice', 'zoe']);
  });

  it('can be run again, and leaves alone who is there', async () => {
    putLines([{ username: 'alice', password_hash: ssha }]);
    await importPeople();
    const before = await listed();
    putLines([
      { username: 'Alice', password_hash: bcrypt, disabled: true },
      { username: 'bob', email: 'bob@acme.example' },
    ]);
    expect(JSON.parse((await importPeople('--json')).stdout)).toMatchObject({
      imported: 1,
      skipped: 1,
      wrong: 0,
      withoutPassword: 1,
    });
    expect(await listed()).toEqual(expect.arrayContaining(before));
    putLines([
      { username: 'bob@acme.example' },
      { username: 'robert', email: 'bob@acme.example' },
      { username: 'bob' },
    ]);
    const { stdout, stderr } = await importPeople();
    expect(stdout).toContain('0 imported, 1 there already, 2 wrong.');
    expect(stderr).toContain(
      'people.jsonl:1 username: bob@acme.example is the e-mail address of bob already',
    );
    expect(stderr).toContain(
      'people.jsonl:2 bob@acme.example is the name or e-mail address of line 1 already',
    );
    putLines([{ username: 'robert', email: 'bob@acme.example' }]);
    expect((await importPeople()).stderr).toContain('people.jsonl:1 email: it belongs to bob already');
  });

  it('only says what it would do with --dry-run', async () => {
    putLines([
      { username: 'alice', password_hash: ssha },
      { username: 'bob', password_hash: 'nothing' },
    ]);
    const { code, stdout } = await importPeople('--dry-run');
    expect(code).toBe(1);
    expect(stdout).toBe('1 would be imported, 0 there already, 1 wrong.\n');
    expect(await listed()).toEqual([]);
  });

  it('takes ten thousand people in seconds, from standard input', async () => {
    const people = Array.from({ length: 10_000 }, (_, index) => ({
      username: `user${index}`,
      email: `user${index}@acme.example`,
      password_hash: ssha,
    }));
    const input = `\uFEFF${people.map((line) => JSON.stringify(line)).join('\r\n')}\r\n`;
    const startedAt = performance.now();
    const { code, stdout } = await home.run(['user', 'import', 'acme', '-'], { input });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(code).toBe(0);
    expect(stdout).toBe('10000 imported, 0 there already, 0 wrong.\n');
  });

  it('says what is wrong with the file or the tenant', async () => {
    expect((await importPeople()).stderr).toContain('people.jsonl cannot be read (ENOENT)');
    expect((await home.run(['user', 'import', 'acme', '.'])).stderr).toContain('. is no file');
    expect((await home.run(['user', 'import', 'acne', '-'])).stderr).toContain('Did you mean acme?');
    writeFileSync(join(home.folder, 'people.jsonl'), Buffer.from('{"username":"j\xf6rg"}', 'latin1'));
    expect((await importPeople()).stderr).toContain('people.jsonl:1 the line is not UTF-8');
  });
});
