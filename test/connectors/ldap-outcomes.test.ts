import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Attribute, Change } from 'ldapts';
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

const find = (who: { subject: string } | { login: string }, changes?: Partial<LdapSource>) => {
  const { lookup } = bench.connector(ldapSource(slapd, changes));
  if (lookup === undefined) throw new Error('a source with an account of its own looks people up');
  return lookup.find(who);
};

const subjects = {
  anna: '00000000-0000-4000-8000-000000000001',
  dora: '00000000-0000-4000-8000-000000000004',
  fritz: '00000000-0000-4000-8000-000000000006',
};

describe('outcomes of an OpenLDAP directory with a password policy', () => {
  it('says that a password must be changed, to who knows it', async () => {
    expect(await signIn('clara', 'clara-Passw0rd')).toMatchObject({
      ok: false,
      reason: 'password_change_required',
    });
    expect(await signIn('clara', 'wrong-Passw0rd')).toMatchObject({ ok: false, reason: 'credentials' });
  });

  it('says that a password has expired, to who knows it', async () => {
    expect(await signIn('emil', 'emil-Passw0rd')).toMatchObject({ ok: false, reason: 'password_expired' });
    expect(await signIn('emil', 'wrong-Passw0rd')).toMatchObject({ ok: false, reason: 'credentials' });
  });

  it('keeps a lock to itself, unless the tenant reveals locks', async () => {
    for (const password of ['dora-Passw0rd', 'wrong-Passw0rd']) {
      expect(await signIn('dora', password)).toMatchObject({ ok: false, reason: 'credentials' });
      expect(await signIn('dora', password, { revealLock: true })).toMatchObject({
        ok: false,
        reason: 'account_locked',
      });
    }
  });

  it('says so when the directory locks after too many attempts', async () => {
    for (let at = 0; at < 2; at += 1)
      expect(await signIn('fritz', 'wrong-Passw0rd', { revealLock: true })).toMatchObject({
        reason: 'credentials',
      });
    expect(await signIn('fritz', 'fritz-Passw0rd', { revealLock: true })).toMatchObject({
      ok: false,
      reason: 'account_locked',
    });
    expect(await find({ subject: subjects.fritz })).toEqual({ status: 'refused', reason: 'account_locked' });
  });
});

describe('a look-up of a person', () => {
  it('finds them by subject and by name', async () => {
    const person = { subject: subjects.anna, attributes: { mail: ['anna@example.org'] } };
    expect(await find({ subject: subjects.anna })).toMatchObject({ status: 'present', person });
    expect(await find({ login: 'anna' })).toMatchObject({ status: 'present', person });
  });

  it('says who is gone, and who is locked out', async () => {
    expect(await find({ subject: '00000000-0000-4000-8000-00000000ffff' })).toEqual({ status: 'absent' });
    expect(await find({ login: 'nobody' })).toEqual({ status: 'absent' });
    expect(await find({ subject: subjects.dora })).toEqual({ status: 'refused', reason: 'account_disabled' });
  });

  it('holds to what the filter asks besides the name', async () => {
    const narrow = (condition: string) => ({
      search: { ...ldapSource(slapd).search, filter: `(&(uid={username})${condition})` },
    });
    expect(await find({ subject: subjects.anna }, narrow('(employeeType=engineer)'))).toMatchObject({
      status: 'present',
    });
    expect(await find({ subject: subjects.anna }, narrow('(employeeType=clerk)'))).toEqual({
      status: 'absent',
    });
  });

  it.each([
    ['the people', `dn.children="ou=people,dc=example,dc=org"`],
    ['everything', '*'],
  ])('is never "absent" where the directory hides %s from the account that searches', async (_, hidden) => {
    const shy = await startSlapd({ settings: [`access to ${hidden} by anonymous auth by * search`] });
    try {
      const { lookup } = bench.connector(ldapSource(shy));
      await expect(lookup?.find({ subject: subjects.anna })).rejects.toMatchObject({
        code: 'unavailable',
        detail: expect.stringContaining('no person at all'),
      });
    } finally {
      await shy.stop();
    }
  });

  it('is not offered where people bind themselves', () => {
    const bind = { as: 'person', dnTemplate: 'uid={username},ou=people,dc=example,dc=org' } as const;
    expect(bench.connector(ldapSource(slapd, { bind })).lookup).toBeUndefined();
  });
});

describe('a search without an account', () => {
  it('works where the directory lets everybody read', async () => {
    const open = await startSlapd({ anonymousReads: true });
    try {
      const passwords = bench.passwords(ldapSource(open, { bind: { as: 'anonymous' } }));
      const attempt = { login: 'anna', password: 'anna-Passw0rd' };
      expect(await passwords.verify(attempt)).toMatchObject({ ok: true, person: { subject: subjects.anna } });
      expect(await passwords.verify({ ...attempt, password: 'wrong' })).toMatchObject({
        ok: false,
        reason: 'credentials',
      });
    } finally {
      await open.stop();
    }
  });
});

describe('a change of password', () => {
  const change = (login: string, password: string, newPassword: string, changes: Partial<LdapSource>) => {
    const passwords = bench.passwords(ldapSource(slapd, changes));
    if (passwords.change === undefined) throw new Error('not offered');
    return passwords.change({ login, password, newPassword });
  };

  it('is offered only where the tenant says so', () => {
    expect(bench.passwords(ldapSource(slapd)).change).toBeUndefined();
  });

  it.each(['modify', 'rfc3062'] as const)('goes to the directory by %s', async (passwordChange) => {
    const first = `gerd-${passwordChange}-1`;
    await resetPassword('gerd', first);
    const changes = { passwordChange };
    expect(await change('gerd', 'wrong-Passw0rd', `${first}-new`, changes)).toEqual({
      ok: false,
      reason: 'credentials',
    });
    expect(await change('nobody', first, `${first}-new`, changes)).toEqual({
      ok: false,
      reason: 'credentials',
    });
    expect(await change('gerd', first, 'short', changes)).toEqual({
      ok: false,
      reason: 'policy',
      message: 'Password fails quality checking policy',
    });
    expect(await change('gerd', first, `${first}-new`, changes)).toEqual({ ok: true });
    expect(await signIn('gerd', first)).toMatchObject({ ok: false, reason: 'credentials' });
    expect(await signIn('gerd', `${first}-new`)).toMatchObject({ ok: true });
    expect(await change('gerd', `${first}-new`, first, changes)).toMatchObject({
      ok: false,
      reason: 'policy',
      message: 'Password is in history of old passwords',
    });
  });

  it.each(['modify', 'rfc3062'] as const)('frees by %s who has to change it', async (passwordChange) => {
    await resetPassword('clara', `clara-${passwordChange}-1`, true);
    const changed = await change('clara', `clara-${passwordChange}-1`, `clara-${passwordChange}-2`, {
      passwordChange,
    });
    expect(changed).toEqual({ ok: true });
    expect(await signIn('clara', `clara-${passwordChange}-2`)).toMatchObject({ ok: true });
  });

  it.each(['modify', 'rfc3062'] as const)(
    'of one that has expired is made by %s by the account of the source, if it may write passwords',
    async (passwordChange) => {
      const writer = `access to attrs=userPassword by dn.exact="${slapd.service.dn}" write`;
      const granting = await startSlapd({
        settings: [`${writer} by anonymous auth by self write by * none`],
      });
      try {
        const passwords = bench.passwords(ldapSource(granting, { passwordChange }));
        const emil = { login: 'emil', password: 'emil-Passw0rd' };
        const newPassword = 'emil-New-Passw0rd';
        expect(await passwords.isExpiredChangeable?.('emil')).toBe(true);
        expect(await passwords.change?.({ ...emil, password: 'wrong-Passw0rd', newPassword })).toEqual({
          ok: false,
          reason: 'credentials',
        });
        expect(await passwords.verify(emil)).toMatchObject({ ok: false, reason: 'password_expired' });
        expect(await passwords.change?.({ ...emil, newPassword })).toEqual({ ok: true });
        expect(await passwords.verify({ ...emil, password: newPassword })).toMatchObject({ ok: true });
        expect(await passwords.verify(emil)).toMatchObject({ ok: false, reason: 'credentials' });
      } finally {
        await granting.stop();
      }
    },
  );

  it('of one that has expired is made by the person, where the policy lets them in for that', async () => {
    const lenient = await startSlapd();
    try {
      const limit = new Attribute({ type: 'pwdGraceAuthNLimit', values: ['9'] });
      await lenient.asAdmin((client) =>
        client.modify(`cn=expiring,ou=policies,${lenient.baseDn}`, [
          new Change({ operation: 'replace', modification: limit }),
        ]),
      );
      const passwords = bench.passwords(ldapSource(lenient, { passwordChange: 'rfc3062' }));
      const emil = { login: 'emil', password: 'emil-Passw0rd' };
      const newPassword = 'emil-New-Passw0rd';
      expect(await passwords.verify(emil)).toMatchObject({ ok: true });
      expect(await passwords.change?.({ ...emil, newPassword })).toEqual({ ok: true });
      expect(await passwords.verify({ ...emil, password: newPassword })).toMatchObject({ ok: true });
    } finally {
      await lenient.stop();
    }
  });

  it('of one that has expired is a matter of rights, not an outage', async () => {
    const passwords = bench.passwords(ldapSource(slapd, { passwordChange: 'rfc3062' }));
    expect(await passwords.isExpiredChangeable?.('emil')).toBe(false);
    const change = { login: 'emil', password: 'emil-Passw0rd', newPassword: 'emil-New-Passw0rd' };
    await expect(passwords.change?.(change)).rejects.toMatchObject({
      isLasting: true,
      message: expect.stringContaining('insufficientAccessRights'),
    });
  });

  it('sends no empty password, old or new', async () => {
    const lines = await slapd.during(async () => {
      const changes = { passwordChange: 'rfc3062' } as const;
      expect(await change('anna', '', 'anna-New-Passw0rd', changes)).toEqual({
        ok: false,
        reason: 'credentials',
      });
      expect(await change('anna', 'anna-Passw0rd', '', changes)).toEqual({ ok: false, reason: 'policy' });
      expect(await change('anna', 'anna-Passw0rd', ' \0', changes)).toEqual({ ok: false, reason: 'policy' });
    });
    expect(lines).toEqual([]);
  });

  const resetPassword = (uid: string, password: string, mustChange = false) =>
    slapd.asAdmin((client) =>
      client.modify(`uid=${uid},ou=people,${slapd.baseDn}`, [
        new Change({
          operation: 'replace',
          modification: new Attribute({ type: 'userPassword', values: [password] }),
        }),
        new Change({
          operation: 'replace',
          modification: new Attribute({ type: 'pwdReset', values: mustChange ? ['TRUE'] : [] }),
        }),
      ]),
    );
});
