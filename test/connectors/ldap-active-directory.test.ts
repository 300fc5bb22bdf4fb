import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LdapSource } from '../../src/config/source/source-definition.ts';
import { type LdapBench, openLdapBench } from '../support/ldap-bench.ts';
import { type Samba, startSamba } from '../support/samba.ts';

const password = 'Correct-Horse-7';

let samba: Samba;
let bench: LdapBench;

beforeAll(async () => {
  samba = await startSamba();
  const { tool } = samba;
  tool('domain', 'passwordsettings', 'set', '--account-lockout-threshold=3', '--min-pwd-age=0');
  tool('user', 'create', 'reader', password);
  tool('user', 'create', 'anna', password, '--given-name=Anna', '--surname=Adler', '--mail=anna@ad.test');
  for (const name of ['disabled', 'gone', 'locked', 'mover', 'changer'])
    tool('user', 'create', name, password);
  tool('user', 'create', 'new', password, '--must-change-at-next-login');
  tool('user', 'disable', 'disabled');
  tool('user', 'setexpiry', 'gone', '--days=0');
  for (const group of ['editors', 'staff', 'everybody', 'elsewhere']) tool('group', 'add', group);
  tool('group', 'addmembers', 'editors', 'anna');
  tool('group', 'addmembers', 'staff', 'editors');
  tool('group', 'addmembers', 'everybody', 'staff');
}, 60_000);
afterAll(() => samba.stop());
beforeEach(() => {
  bench = openLdapBench();
});
afterEach(() => bench.directories.close());

const source = (changes: Partial<LdapSource> = {}): LdapSource => ({
  type: 'ldap',
  kind: 'active-directory',
  id: 'ad',
  displayName: 'Windows account',
  domains: [],
  trustedEmailDomains: [],
  mapping: [],
  adopt: 'off',
  recheckSeconds: 300,
  degradedSeconds: 1800,
  revealLock: false,
  urls: [samba.ldapsUrl],
  startTls: false,
  insecure: false,
  tls: { ca: samba.ca, serverName: samba.serverName },
  bind: { as: 'service', dn: `reader@${samba.realm}`, password },
  search: {
    base: samba.baseDn,
    scope: 'sub',
    filter:
      '(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username})))',
  },
  subjectAttribute: 'objectGUID',
  usernameAttribute: 'sAMAccountName',
  attributes: [],
  groups: {
    from: 'memberOf',
    base: samba.baseDn,
    filter: '(objectClass=group)',
    nameAttribute: 'cn',
    nested: 'off',
    depth: 5,
  },
  connectTimeoutMs: 3_000,
  operationTimeoutMs: 5_000,
  poolSize: 2,
  passwordChange: 'off',
  ...changes,
});

const signIn = (login: string, typed = password, changes?: Partial<LdapSource>) =>
  bench.passwords(source(changes)).verify({ login, password: typed });

const reasonOf = async (...attempt: Parameters<typeof signIn>): Promise<string> => {
  const verdict = await signIn(...attempt);
  return verdict.ok ? 'ok' : verdict.reason;
};

const groupsOf = async (nested: LdapSource['groups']['nested']): Promise<readonly string[]> => {
  const verdict = await signIn('anna', password, { groups: { ...source().groups, nested } });
  return verdict.ok ? [...verdict.person.groups].sort() : [verdict.reason];
};

describe('Active Directory', () => {
  it('knows a person by objectGUID, through a rename and a move', async () => {
    const before = await signIn('mover');
    samba.tool('user', 'rename', 'mover', '--samaccountname=moved', '--force-new-cn=moved');
    samba.tool('ou', 'create', `OU=branch,${samba.baseDn}`);
    samba.tool('user', 'move', 'moved', `OU=branch,${samba.baseDn}`);
    const after = await signIn('moved');
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
    expect(before).toMatchObject({ ok: true, person: { subject: expect.stringMatching(form) } });
    expect(after).toMatchObject({
      ok: true,
      person: { subject: before.ok ? before.person.subject : '', attributes: { sAMAccountName: ['moved'] } },
    });
  });

  it('takes the user principal name as well', async () => {
    expect(await signIn(`anna@${samba.realm}`)).toMatchObject({
      ok: true,
      person: { attributes: { mail: ['anna@ad.test'], givenName: ['Anna'] } },
    });
  });

  it.each(['ad', 'AD', 'Ad.Test'])(
    'takes the name with the domain %s in front, and no other domain',
    async (domain) => {
      const person = { attributes: { sAMAccountName: ['anna'] } };
      expect(await signIn(`${domain}\\anna`)).toMatchObject({ ok: true, person });
      expect(await reasonOf(`${domain}\\anna`, 'wrong')).toBe('credentials');
      expect(await reasonOf(`other\\anna`)).toBe('unknown');
      expect(await signIn('own\\anna', password, { netbiosName: 'OWN' })).toMatchObject({ ok: true, person });
      const { lookup } = bench.connector(source());
      expect(await lookup?.find({ login: `${domain}\\anna` })).toMatchObject({ status: 'present', person });
    },
  );

  it('takes the e-mail address where the file has no filter of its own', async () => {
    const search = { ...source().search, isMailTried: true };
    samba.modify(`dn: CN=changer,CN=Users,${samba.baseDn}
changetype: modify
replace: mail
mail: somebody@mail.example
`);
    expect(await reasonOf('somebody@mail.example', password, { search })).toBe('ok');
    expect(await reasonOf('somebody@mail.example')).toBe('unknown');
    expect(await reasonOf('nobody@mail.example', password, { search })).toBe('unknown');
  });

  it('says whom it refuses, whatever the suffix of the name: attempts are counted for the person', async () => {
    samba.modify(`dn: CN=changer,CN=Users,${samba.baseDn}
changetype: modify
replace: userPrincipalName
userPrincipalName: changer@suffix.example
`);
    const [plain, suffixed] = [
      await signIn('changer', 'wrong'),
      await signIn('changer@suffix.example', 'wrong'),
    ];
    expect(plain).toMatchObject({ ok: false, reason: 'credentials', subject: expect.any(String) });
    expect(suffixed).toEqual(plain);
    expect(await reasonOf('changer@suffix.example')).toBe('ok');
    expect(await signIn('nobody', 'wrong')).toEqual({ ok: false, reason: 'unknown' });
  });

  it.each([
    ['hours', `logonHours:: ${Buffer.alloc(21).toString('base64')}`, 'hours_restricted'],
    ['workstations', 'userWorkstations: OTHERPC', 'workstation_restricted'],
  ])('refuses outside of the %s of a person, which the operator can read', async (_, value, reason) => {
    const [attribute] = value.split(':');
    const change = (line: string): void =>
      samba.modify(`dn: CN=Anna Adler,CN=Users,${samba.baseDn}
changetype: modify
${line}
`);
    change(`replace: ${attribute}\n${value}`);
    try {
      expect(await signIn('anna')).toMatchObject({ reason: 'credentials', detail: reason });
      expect(await reasonOf('anna', password, { revealLock: true })).toBe(reason);
      expect(await signIn('anna', 'wrong')).toMatchObject({ reason: 'credentials' });
    } finally {
      change(`delete: ${attribute}`);
    }
    expect(await reasonOf('anna')).toBe('ok');
  });

  it('distinguishes what a right password is not enough for, and nothing for a wrong one', async () => {
    expect(await reasonOf('anna', 'wrong')).toBe('credentials');
    expect(await reasonOf('nobody')).toBe('unknown');
    expect(await reasonOf('disabled')).toBe('account_disabled');
    expect(await reasonOf('disabled', 'wrong')).toBe('credentials');
    expect(await reasonOf('gone')).toBe('account_disabled');
    expect(await reasonOf('gone', 'wrong')).toBe('credentials');
    expect(await reasonOf('new')).toBe('password_change_required');
    expect(await reasonOf('new', 'wrong')).toBe('credentials');
  });

  it('reports a lock where the tenant reveals locks', async () => {
    for (let guess = 0; guess < 4; guess += 1) await signIn('locked', 'wrong');
    expect(await reasonOf('locked', password)).toBe('credentials');
    expect(await reasonOf('locked', password, { revealLock: true })).toBe('account_locked');
  });

  it('finds nested groups in one question, or level by level', async () => {
    expect(await groupsOf('off')).toEqual(['editors']);
    expect(await groupsOf('in-chain')).toEqual(['editors', 'everybody', 'staff']);
    expect(await groupsOf('expand')).toEqual(['editors', 'everybody', 'staff']);
  });

  it('finds people again without their password, as they are now', async () => {
    const { lookup } = bench.connector(source());
    expect(await lookup?.find({ login: 'disabled' })).toEqual({
      status: 'refused',
      reason: 'account_disabled',
    });
    expect(await lookup?.find({ login: 'gone' })).toEqual({ status: 'refused', reason: 'account_disabled' });
    expect(await lookup?.find({ login: 'nobody' })).toEqual({ status: 'absent' });
    const known = await signIn('anna');
    const subject = known.ok ? known.person.subject : '';
    expect(await lookup?.find({ subject })).toMatchObject({
      status: 'present',
      person: { subject, groups: ['editors'] },
    });
  });

  it('changes a password as the person, by the rules of the domain', async () => {
    const change = (old: string, newPassword: string) =>
      bench
        .passwords(source({ passwordChange: 'modify' }))
        .change?.({ login: 'changer', password: old, newPassword });
    expect(await change('wrong', 'Another-Staple-8')).toEqual({ ok: false, reason: 'credentials' });
    expect(await change(password, 'short')).toMatchObject({ ok: false, reason: 'policy' });
    expect(await reasonOf('changer')).toBe('ok');
    expect(await change(password, 'Another-Staple-8')).toEqual({ ok: true });
    expect(await reasonOf('changer', 'Another-Staple-8')).toBe('ok');
  });

  it('sends no empty password, which the domain would accept as an anonymous bind', async () => {
    expect(await reasonOf('anna', '')).toBe('credentials');
  });

  it('refuses a certificate of an unknown authority, and a name that is not in it', async () => {
    await expect(signIn('anna', password, { tls: { serverName: samba.serverName } })).rejects.toMatchObject({
      code: 'unavailable',
    });
    await expect(
      signIn('anna', password, { tls: { ca: samba.ca, serverName: 'other.ad.test' } }),
    ).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is unavailable while the controller is down, and back without a word', async () => {
    await samba.kill();
    await expect(signIn('anna')).rejects.toMatchObject({ code: 'unavailable' });
    await samba.restart();
    bench.clock.advance(60_000);
    expect(await reasonOf('anna')).toBe('ok');
  });
});
