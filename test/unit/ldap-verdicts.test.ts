import { describe, expect, it } from '@jest/globals';
import { accountState } from '../../src/connectors/ldap/account-state.ts';
import { bindDetail, bindRefusal } from '../../src/connectors/ldap/bind-verdict.ts';
import { entryOf } from '../../src/connectors/ldap/entry.ts';
import { createServerHealth } from '../../src/connectors/ldap/server-health.ts';
import { createTestClock } from '../support/test-clock.ts';

const refusalOf = (diagnostic: string, revealLock = false) =>
  bindRefusal(
    { ok: false, code: 49, diagnostic, policy: undefined },
    { kind: 'active-directory', revealLock },
  );

const windows = (data: string) =>
  `80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data ${data}, v3839`;

describe('a refusal of Active Directory', () => {
  it.each([
    ['525', 'unknown'],
    ['52e', 'credentials'],
    ['530', 'credentials'],
    ['531', 'credentials'],
    ['532', 'password_expired'],
    ['533', 'account_disabled'],
    ['701', 'account_disabled'],
    ['773', 'password_change_required'],
    ['775', 'credentials'],
  ])('%s is %s', (data, reason) => {
    expect(refusalOf(windows(data))).toBe(reason);
    expect(
      refusalOf(
        `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data ${data}, v1db1`,
      ),
    ).toBe(reason);
  });

  it('775 is a lock where the tenant reveals locks', () => {
    expect(refusalOf(windows('775'), true)).toBe('account_locked');
  });

  it.each([
    ['530', 'hours_restricted'],
    ['531', 'workstation_restricted'],
    ['775', 'account_locked'],
    ['568', 'active_directory_568'],
    ['52e', undefined],
    ['525', undefined],
  ])('%s is %s for the operator, and for the person where the tenant reveals locks', (data, detail) => {
    const answer = { ok: false, code: 49, diagnostic: windows(data), policy: undefined } as const;
    expect(bindDetail(answer, { kind: 'active-directory' })).toBe(detail);
    if (detail !== undefined && !detail.startsWith('active'))
      expect(refusalOf(windows(data), true)).toBe(detail);
  });

  it('without a word is a wrong password', () => {
    expect(refusalOf('')).toBe('credentials');
  });
});

describe('the state of an entry', () => {
  const nowMs = Date.UTC(2031, 0, 1);
  const fileTime = (ms: number) => `${(BigInt(ms) + 11_644_473_600_000n) * 10_000n}`;
  const stateAt = (kind: 'openldap' | 'active-directory', attributes: Record<string, string>) =>
    accountState(entryOf({ dn: 'cn=x', ...attributes }), kind, nowMs);

  it.each([
    [{ userAccountControl: '512' }, 'usable'],
    [{ useraccountcontrol: '514' }, 'account_disabled'],
    [{ userAccountControl: '66050' }, 'account_disabled'],
    [{ accountExpires: '0' }, 'usable'],
    [{ accountExpires: '9223372036854775807' }, 'usable'],
    [{ accountExpires: fileTime(nowMs - 1) }, 'account_disabled'],
    [{ accountExpires: fileTime(nowMs + 60_000) }, 'usable'],
    [{ lockoutTime: '0' }, 'usable'],
    [{ lockoutTime: fileTime(nowMs - 1_000) }, 'account_locked'],
    // the lock is over, and lockoutTime stays until the next sign-in
    [{ lockoutTime: fileTime(nowMs - 1_000), 'msDS-User-Account-Control-Computed': '0' }, 'usable'],
    [{ lockoutTime: '0', 'msDS-User-Account-Control-Computed': '16' }, 'account_locked'],
  ])('of Active Directory: %j is %s', (attributes, state) => {
    expect(stateAt('active-directory', attributes)).toBe(state);
  });

  it.each([
    [{}, 'usable'],
    [{ pwdAccountLockedTime: '20301231235900Z' }, 'account_locked'],
    [{ pwdAccountLockedTime: '000001010000Z' }, 'account_disabled'],
    [{ nsAccountLock: 'true' }, 'account_disabled'],
  ])('of OpenLDAP and 389: %j is %s', (attributes, state) => {
    expect(stateAt('openldap', attributes)).toBe(state);
  });
});

describe('the health of a server', () => {
  const failNow = (health: ReturnType<typeof createServerHealth>) => health.failed(health.successCount);

  it('is not doubted for one operation that was slow while others went well', () => {
    const health = createServerHealth(createTestClock(0));
    const before = health.successCount;
    health.succeeded();
    expect(health.failed(before)).toBeUndefined();
    expect(health.isGood).toBe(true);
  });

  it('is doubted for longer each time, and begins anew after a good minute', () => {
    const clock = createTestClock(0);
    const health = createServerHealth(clock);
    const seen: (number | undefined)[] = [];
    for (let at = 0; at < 6; at += 1) {
      seen.push(failNow(health));
      clock.advance(20_000);
      expect(health.isDue).toBe(true);
      health.recovered();
    }
    expect(seen).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    clock.advance(60_001);
    expect(failNow(health)).toBe(1_000);
  });

  it('takes many failures at once for one', () => {
    const clock = createTestClock(0);
    const health = createServerHealth(clock);
    const counts = Array.from({ length: 50 }, () => health.successCount);
    expect(counts.map((count) => health.failed(count)).filter((forMs) => forMs !== undefined)).toEqual([
      1_000,
    ]);
    expect(health.isDue).toBe(false);
    clock.advance(1_000);
    expect(health.isDue).toBe(true);
  });
});
