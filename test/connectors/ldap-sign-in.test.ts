import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LdapSource } from '../../src/config/source/source-definition.ts';
import { type LdapBench, openLdapBench } from '../support/ldap-bench.ts';
import { type Slapd, startSlapd } from '../support/slapd.ts';
import { ldapSource } from '../support/slapd-source.ts';

let slapd: Slapd;
let bench: LdapBench;

beforeAll(async () => {
  slapd = await startSlapd();
});
afterAll(() => slapd.stop());
beforeEach(() => {
  bench = openLdapBench();
});
afterEach(() => bench.directories.close());

const signIn = (login: string, password: string, changes?: Partial<LdapSource>) =>
  bench.passwords(ldapSource(slapd, changes)).verify({ login, password });

describe('a sign-in at an LDAP directory', () => {
  it('knows a person by the id that stays, with what the directory says about them', async () => {
    expect(await signIn('anna', 'anna-Passw0rd', { attributes: ['employeeType', 'jpegPhoto'] })).toEqual({
      ok: true,
      person: {
        subject: '00000000-0000-4000-8000-000000000001',
        amr: ['pwd'],
        groups: [],
        attributes: {
          uid: ['anna'],
          cn: ['Anna Adler'],
          sn: ['Adler'],
          givenName: ['Anna'],
          mail: ['anna@example.org'],
          telephoneNumber: ['+49 30 1234'],
          employeeType: ['engineer'],
        },
      },
    });
  });

  it('refuses a wrong password', async () => {
    expect(await signIn('anna', 'bert-Passw0rd')).toMatchObject({ ok: false, reason: 'credentials' });
  });

  it('refuses a person who does not exist, or not below the search base', async () => {
    expect(await signIn('nobody', 'anna-Passw0rd')).toEqual({ ok: false, reason: 'unknown' });
    expect(await signIn('outside', 'outside-Passw0rd')).toEqual({ ok: false, reason: 'unknown' });
  });

  it('binds for a person who does not exist too, so that the time reveals nothing', async () => {
    const forKnown = await slapd.during(() => signIn('anna', 'wrong-Passw0rd'));
    const forUnknown = await slapd.during(() => signIn('nobody', 'wrong-Passw0rd'));
    const forDecoy = await slapd.during(async () => {
      await bench.passwords(ldapSource(slapd)).decoy?.();
    });
    const operations = (lines: readonly string[]) => lines.map((line) => / op=\d+ (\w+)/.exec(line)?.[1]);
    // the first sign-in opened the connections
    expect(operations(forUnknown)).toEqual(operations(forKnown).slice(-2));
    expect(operations(forDecoy)).toEqual(operations(forUnknown));
    expect(forUnknown.join('\n')).toMatch(/BIND dn="cn=[\w-]+,ou=people,dc=example,dc=org" method=128/);
  });

  it('refuses a name that two people have, and logs it for the operator', async () => {
    const search = { base: slapd.baseDn, scope: 'sub', filter: '(uid={username})' } as const;
    expect(await signIn('double', 'double-Passw0rd', { search })).toEqual({ ok: false, reason: 'unknown' });
    expect(bench.logged.join('')).toContain('more than one entry');
    expect(await signIn('anna', 'anna-Passw0rd', { search })).toMatchObject({ ok: true });
  });

  it.each(['', ' ', '\t \n', '\0', 'anna-Passw0rd\0', '\0\0'])(
    'sends no such password: %j',
    async (password) => {
      const lines = await slapd.during(async () => {
        expect(await signIn('anna', password)).toMatchObject({ ok: false, reason: 'credentials' });
      });
      expect(lines).toEqual([]);
    },
  );

  it.each([
    '*',
    'a*',
    '*)(uid=*',
    'anna)(&)',
    'anna)(|(uid=*',
    '\\2a',
    'EXTERNAL',
    'PLAIN',
    'uid=anna,ou=people,dc=example,dc=org',
    'x'.repeat(500),
    'anna\0',
    '\0',
    '{username}',
    '$&',
  ])('finds nobody called %j', async (login) => {
    const lines = await slapd.during(async () => {
      expect(await signIn(login, 'anna-Passw0rd')).toEqual({ ok: false, reason: 'unknown' });
    });
    expect(lines.filter((line) => line.includes('method=') && !line.includes('method=128'))).toEqual([]);
  });

  it('signs in a person whose name must be escaped everywhere', async () => {
    const login = 'jörg, "d+r";<b>=c\\';
    expect(await signIn(login, 'odd-Passw0rd')).toMatchObject({
      ok: true,
      person: { attributes: { uid: [login], cn: ['Odd (Name) *'] } },
    });
    const bind = { as: 'person', dnTemplate: 'uid={username},ou=people,dc=example,dc=org' } as const;
    expect(await signIn(login, 'odd-Passw0rd', { bind })).toMatchObject({
      ok: true,
      person: { subject: '00000000-0000-4000-8000-000000000099' },
    });
  });

  it('reads bytes in a filter of the file as RFC 4515 means them', async () => {
    const search = {
      base: slapd.baseDn,
      scope: 'sub',
      filter: '(|(uid=j\\c3\\b6rg*)(uid={username}))',
    } as const;
    expect(await signIn('nobody', 'odd-Passw0rd', { search })).toMatchObject({ ok: true });
  });

  it('does not work with a name in place of an id', async () => {
    const signingIn = signIn('anna', 'anna-Passw0rd', { subjectAttribute: 'employeeNumber' });
    await expect(signingIn).rejects.toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('employeeNumber'),
    });
  });

  it('never takes an entry of someone else for the person who has bound', async () => {
    const bind = { as: 'person', dnTemplate: 'uid={username},ou=people,dc=example,dc=org' } as const;
    const search = {
      base: slapd.baseDn,
      scope: 'sub',
      filter: '(|(mail={username}@example.org)(uid=gerd))',
    } as const;
    expect(await signIn('bert', 'bert-Passw0rd', { bind, search })).toMatchObject({
      ok: true,
      person: { attributes: { uid: ['bert'] } },
    });
    const elsewhere = { ...search, filter: '(uid=gerd)' };
    expect(await signIn('bert', 'bert-Passw0rd', { bind, search: elsewhere })).toEqual({
      ok: false,
      reason: 'unknown',
    });
  });

  it.each(['EXTERNAL', 'PLAIN', '*', 'x'.repeat(300), 'anna,ou=others', ' '])(
    'binds directly as nobody called %j, and never by SASL',
    async (login) => {
      for (const dnTemplate of ['{username}', 'uid={username},ou=people,dc=example,dc=org']) {
        const lines = await slapd.during(async () => {
          const verdict = await signIn(login, 'anna-Passw0rd', { bind: { as: 'person', dnTemplate } });
          expect(verdict).toMatchObject({ ok: false });
        });
        expect(lines.filter((line) => /method=(?!128)/.test(line))).toEqual([]);
      }
    },
  );

  it('accepts no person by the bind of another, however many sign in at once', async () => {
    const people = ['anna', 'bert', 'gerd'];
    const attempts = Array.from({ length: 300 }, (_, at) => {
      const login = people[at % 3] ?? '';
      const isRight = at % 2 === 0;
      return { login, isRight, password: isRight ? `${login}-Passw0rd` : `${people[(at + 1) % 3]}-Passw0rd` };
    });
    const passwords = bench.passwords(ldapSource(slapd, { operationTimeoutMs: 60_000 }));
    const verdicts = await Promise.all(attempts.map((attempt) => passwords.verify(attempt)));
    for (const [at, verdict] of verdicts.entries()) {
      const attempt = attempts[at];
      expect(verdict.ok).toBe(attempt?.isRight);
      if (verdict.ok) expect(verdict.person.attributes.uid).toEqual([attempt?.login]);
    }
    expect(bench.directories.size).toBeLessThanOrEqual(4);
  });

  it('searches never on a connection on which a person has bound', async () => {
    const lines = await slapd.during(async () => {
      for (let at = 0; at < 3; at += 1) await signIn('anna', 'anna-Passw0rd');
    });
    const connections = new Map<string, Set<string>>();
    for (const line of lines) {
      const [, id = '', operation = ''] = /conn=(\d+) op=\d+ (BIND dn="uid=|SRCH)/.exec(line) ?? [];
      if (id !== '') connections.set(id, (connections.get(id) ?? new Set()).add(operation));
    }
    expect(connections.size).toBe(2);
    for (const operations of connections.values()) expect(operations.size).toBe(1);
  });
});
