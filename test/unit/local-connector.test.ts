import { expect, it } from '@jest/globals';
import { hash as bcrypt } from 'bcrypt';
import { faultOfPassword } from '../../src/accounts/password-rules.ts';
import { createLocalConnector } from '../../src/connectors/local/local-connector.ts';
import { localSource, openPeople } from '../support/people.ts';

it('the local list knows no person whom another source made, until their password is here', async () => {
  const people = await openPeople();
  try {
    const records = people.tenant('acme').accounts;
    await records.insert({
      ...{ sub: 'sub-of-eve', logins: ['eve'], username: 'eve', claims: {}, groups: [], roles: [] },
      ...{ origin: 'source', createdAt: 1, updatedAt: 1, version: 1 },
    });
    const statusWhen = async (isHere: boolean) => {
      const parts = { tenant: 'acme', records, hasher: people.hasher, log: people.log, faultOfPassword };
      const connector = createLocalConnector(localSource, { ...parts, hasLocalPassword: () => isHere });
      return (await connector.lookup?.find({ login: 'eve' }))?.status;
    };
    expect(await statusWhen(false)).toBe('absent');
    expect(await statusWhen(true)).toBe('present');
  } finally {
    await people.close();
  }
});

it('an imported bcrypt hash stays when more was typed than bcrypt reads, and the password stays the same', async () => {
  const people = await openPeople();
  try {
    const records = people.tenant('acme').accounts;
    const [long, short] = ['y'.repeat(100), 'y'.repeat(71)];
    for (const [sub, password] of [
      ['long', long],
      ['short', short],
    ] as const) {
      await records.insert({
        ...{ sub, logins: [sub], username: sub, claims: {}, groups: [], roles: [], origin: 'local' },
        ...{ createdAt: 1, updatedAt: 1, version: 1, passwordHash: await bcrypt(password, 4) },
      });
    }
    const parts = { tenant: 'acme', records, hasher: people.hasher, log: people.log, faultOfPassword };
    const { passwords } = createLocalConnector(localSource, { ...parts, hasLocalPassword: () => true });
    const isAccepted = async (login: string, password: string) =>
      (await passwords?.verify({ login, password }))?.ok;
    const hashOf = async (sub: string) => (await records.findBySub(sub))?.passwordHash;

    expect(await isAccepted('long', `${long}JUNK`)).toBe(true);
    expect(await isAccepted('long', long)).toBe(true);
    expect(await hashOf('long')).toMatch(/^\$2b\$/);
    expect(await isAccepted('short', short)).toBe(true);
    expect(await hashOf('short')).toMatch(/^\$argon2id\$/);
    expect(await isAccepted('short', short)).toBe(true);
  } finally {
    await people.close();
  }
});

it('a person of the local list changes the password, by the rules for new ones', async () => {
  const people = await openPeople();
  try {
    const old = 'lantern orbit mosaic';
    await people.users().add({ username: 'alice', password: old });
    const accounts = people.accounts();
    const changeTo = (newPassword: string, password = old) =>
      accounts.changePassword({ login: 'alice', password, newPassword, address: '192.0.2.1', via: 'page' });
    expect(await changeTo('short')).toMatchObject({
      ok: false,
      reason: 'policy',
      message: expect.any(String),
    });
    expect(await changeTo(old)).toMatchObject({ ok: false, reason: 'policy' });
    expect(await changeTo('another lantern in orbit', 'wrong')).toEqual({ ok: false, reason: 'credentials' });
    expect(people.ended).toEqual([]);
    expect(await changeTo('another lantern in orbit')).toMatchObject({ ok: true, source: 'local' });
    expect(people.ended).toEqual([expect.stringContaining('user.passwd')]);
    const signIn = async (password: string) =>
      (await accounts.signIn({ login: 'alice', password, address: '192.0.2.1', via: 'page' })).ok;
    expect([await signIn(old), await signIn('another lantern in orbit')]).toEqual([false, true]);
  } finally {
    await people.close();
  }
});
