import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Attribute, Change } from 'ldapts';
import type { LdapGroups } from '../../src/config/source/source-definition.ts';
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

const passwordsWith = (groups: Partial<LdapGroups>) => {
  const plain = ldapSource(slapd);
  return bench.passwords({ ...plain, groups: { ...plain.groups, ...groups } });
};

const groupsOf = async (login: string, groups: Partial<LdapGroups>): Promise<readonly string[]> => {
  const verdict = await passwordsWith(groups).verify({ login, password: `${login}-Passw0rd` });
  if (!verdict.ok) throw new Error(verdict.reason);
  return [...verdict.person.groups].sort();
};

describe('groups of an LDAP directory', () => {
  it('come from memberOf', async () => {
    expect(await groupsOf('anna', { from: 'memberOf' })).toEqual(['team']);
    expect(await groupsOf('bert', { from: 'memberOf' })).toEqual(['Sales, North+', 'team']);
    expect(await groupsOf('gerd', { from: 'memberOf' })).toEqual([]);
  });

  it('come from a search for member, uniqueMember or memberUid', async () => {
    expect(await groupsOf('bert', { from: 'member' })).toEqual(['Sales, North+', 'team']);
    expect(await groupsOf('anna', { from: 'uniqueMember' })).toEqual(['choir']);
    expect(await groupsOf('anna', { from: 'memberUid' })).toEqual(['staff']);
    expect(await groupsOf('bert', { from: 'memberUid' })).toEqual([]);
  });

  it('are narrowed by a filter', async () => {
    expect(
      await groupsOf('bert', { from: 'member', filter: '(&(objectClass=groupOfNames)(cn=t*))' }),
    ).toEqual(['team']);
  });

  it.each(['memberOf', 'member'] as const)(
    'in groups are found, and a circle comes to an end: %s',
    async (from) => {
      const nested = 'expand';
      expect(await groupsOf('anna', { from, nested, depth: 10 })).toEqual([
        'company',
        'division',
        'holding',
        'team',
      ]);
      expect(await groupsOf('anna', { from, nested, depth: 1 })).toEqual(['division', 'team']);
      expect(await groupsOf('anna', { from, nested, depth: 0 })).toEqual(['team']);
      expect(await groupsOf('anna', { from, nested: 'off', depth: 10 })).toEqual(['team']);
    },
  );

  it('in a circle are asked about once each', async () => {
    const lines = await slapd.during(() => groupsOf('anna', { from: 'member', nested: 'expand', depth: 20 }));
    // the person, their groups, and what team, division, company and holding are in
    expect(lines.filter((line) => line.includes('SRCH'))).toHaveLength(6);
  });

  it('in groups are found for uniqueMember too', async () => {
    expect(await groupsOf('anna', { from: 'uniqueMember', nested: 'expand' })).toEqual(['choir', 'union']);
  });

  it('are expanded where the server knows no in-chain search, which would find no one', async () => {
    expect(await groupsOf('anna', { from: 'member', nested: 'in-chain' })).toEqual([
      'company',
      'division',
      'holding',
      'team',
    ]);
  });

  it('have the name that the attribute says, or else their own', async () => {
    const dn = `cn=team,ou=groups,${slapd.baseDn}`;
    await slapd.asAdmin((client) =>
      client.modify(
        dn,
        new Change({
          operation: 'add',
          modification: new Attribute({ type: 'description', values: ['The Team'] }),
        }),
      ),
    );
    for (const from of ['memberOf', 'member'] as const)
      expect(await groupsOf('bert', { from, nameAttribute: 'description' })).toEqual([
        'Sales, North+',
        'The Team',
      ]);
  });

  it('cost few searches, however many they are', async () => {
    const names = Array.from({ length: 120 }, (_, at) => `many-${at}`);
    const member = `uid=gerd,ou=people,${slapd.baseDn}`;
    const dnOf = (name: string) => `cn=${name},ou=groups,${slapd.baseDn}`;
    await slapd.asAdmin(async (client) => {
      for (const cn of names) await client.add(dnOf(cn), { objectClass: 'groupOfNames', cn, member });
      const tops = names.map(dnOf);
      await client.add(dnOf('above'), { objectClass: 'groupOfNames', cn: 'above', member: tops });
    });
    const lines = await slapd.during(async () => {
      expect(await groupsOf('gerd', { from: 'member', nested: 'expand' })).toHaveLength(121);
    });
    // the person, their groups, three parts of a level, the level above
    expect(lines.filter((line) => line.includes('SRCH'))).toHaveLength(6);
  });

  it.each([
    ['the search for them fails', { base: 'ou=nowhere,dc=example,dc=org' }],
    ['their filter is none', { filter: '(((' }],
  ])('are never "none" because %s', async (_, groups) => {
    const passwords = passwordsWith({ from: 'member', ...groups });
    const attempt = { login: 'anna', password: 'anna-Passw0rd' };
    await expect(passwords.verify(attempt)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await passwords.verify({ ...attempt, password: 'wrong-Passw0rd' })).toMatchObject({
      ok: false,
      reason: 'credentials',
    });
  });

  it('are never half of them because the server sends no more', async () => {
    const limited = await startSlapd({ settings: ['sizelimit 1'] });
    try {
      const plain = ldapSource(limited);
      const source = { ...plain, groups: { ...plain.groups, from: 'member' } } as const;
      const attempt = { login: 'bert', password: 'bert-Passw0rd' };
      await expect(bench.passwords(source).verify(attempt)).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      await limited.stop();
    }
  });
});
