import { expect, it } from '@jest/globals';
import { hash as bcrypt } from 'bcrypt';
import { createLocalConnector } from '../../src/connectors/local/local-connector.ts';
import { localSource, openPeople, secondFactor } from '../support/people.ts';

it('the local list knows no person whom another source made, until their password is here', async () => {
  const people = await openPeople();
  try {
    const records = people.tenant('acme').accounts;
    await records.insert({
      ...{ sub: 'sub-of-eve', logins: ['eve'], username: 'eve', claims: {}, groups: [], roles: [] },
      ...{ origin: 'source', createdAt: 1, updatedAt: 1, version: 1 },
    });
    const statusWhen = async (isHere: boolean) => {
      const parts = {
        tenant: 'acme',
        records,
        hasher: people.hasher,
        log: people.log,
        faultOfPassword: () => undefined,
      };
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
    const parts = {
      tenant: 'acme',
      records,
      hasher: people.hasher,
      log: people.log,
      faultOfPassword: () => undefined,
    };
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

it('a password older than the rules signs in, and the next one is as long as the person needs', async () => {
  const people = await openPeople();
  try {
    const passwordHash = await people.hasher.hash('acme', 'old one');
    for (const [username, groups] of [
      ['alice', []],
      ['bob', ['staff']],
    ] as const) {
      await people.tenant('acme').accounts.insert({
        ...{ sub: username, logins: [username], username, passwordHash, claims: {}, groups, roles: [] },
        ...{ origin: 'local', createdAt: 1, updatedAt: 1, version: 1 },
      });
    }
    const required = { ...secondFactor.required, groups: ['staff'] };
    const accounts = people.accounts({ secondFactor: { ...secondFactor, required } });
    const sent = { password: 'old one', address: '192.0.2.1', via: 'page' } as const;
    const change = (login: string, newPassword: string) =>
      accounts.changePassword({ ...sent, login, newPassword });

    expect(await accounts.signIn({ ...sent, login: 'alice' })).toMatchObject({ ok: true });
    expect(await change('alice', 'vk7whqzm')).toMatchObject({
      reason: 'policy',
      message: expect.stringContaining('at least 15 characters'),
    });
    expect(await change('alice', 'Acme-Acme-Acme-2029')).toMatchObject({ reason: 'policy' });
    expect(await change('bob', 'vk7whqzm')).toMatchObject({ ok: true });
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
