import { describe, expect, it } from '@jest/globals';
import { factorDemandOf, type JudgedQuestion } from '../../src/accounts/factors/factor-demand.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';
import type { FactorMethod, SecondFactorRules } from '../../src/config/tenant/tenant-definition.ts';
import { account } from '../contract/storage-samples.ts';

const nobody = { everyone: false, roles: [], groups: [], clients: [] };
const everyone = { ...nobody, everyone: true };
const rulesWith = (changes: Partial<SecondFactorRules> = {}): SecondFactorRules => ({
  methods: ['totp', 'passkey', 'email'],
  passwordless: true,
  required: everyone,
  ...changes,
});
const alice = account({ email: 'alice@example.com', emailVerified: true });
const app = { type: 'totp', id: 'a', name: 'A', createdAt: 0, sealedSecret: '', lastStep: 0 } as const;
const demandOf = (question: Partial<JudgedQuestion>, rules = rulesWith()) =>
  factorDemandOf(rules, { account: alice, ...question }, 0);

describe('a code by e-mail', () => {
  it('is demanded of whoever has a verified address and no factor that counts', () => {
    expect(demandOf({})).toBe('email_code');
    const recoveryCodes = { type: 'recovery_codes', createdAt: 0, hashes: ['x'] } as const;
    expect(demandOf({ account: { ...alice, factors: [recoveryCodes] } })).toBe('email_code');
    expect(demandOf({ account: { ...alice, factors: [app] } })).toBe('factor');
    expect(demandOf({ account: { ...alice, emailVerified: false } })).toBe('enrolment');
    const { email: _, ...unaddressed } = alice;
    expect(demandOf({ account: unaddressed })).toBe('enrolment');
    expect(demandOf({}, rulesWith({ methods: ['totp', 'passkey'] }))).toBe('enrolment');
  });

  it('is demanded by nothing else than other factors are', () => {
    const free = rulesWith({ required: nobody });
    expect(demandOf({}, free)).toBe('none');
    expect(demandOf({ acrValues: ['mfa'] }, free)).toBe('email_code');
    expect(demandOf({ clientId: 'shop' }, rulesWith({ required: { ...nobody, clients: ['shop'] } }))).toBe(
      'email_code',
    );
    expect(demandOf({}, rulesWith({ deadline: 1 }))).toBe('enrolment_advised');
    expect(demandOf({ acr: 'mfa' })).toBe('none');
    expect(demandOf({ isRemembered: true })).toBe('email_code');
  });

  it('comes before the passkey that phr demands, and does not meet that', () => {
    const phr = { acrValues: ['phr'] };
    expect(demandOf(phr)).toBe('email_code');
    expect(demandOf({ ...phr, acr: 'mfa' })).toBe('enrolment');
  });

  it('does not complete a sign-in that a code by e-mail began', () => {
    expect(demandOf({ amr: ['email'] })).toBe('enrolment');
    expect(demandOf({ amr: ['pwd'] })).toBe('email_code');
  });

  it('does not make a shorter password enough', () => {
    const faultWith = (methods: readonly FactorMethod[]) =>
      createPasswordRules(
        { id: 'acme', displayName: 'Acme', secondFactor: rulesWith({ methods }) },
        { now: () => 0 },
      )('vq7 mzkd', alice);
    expect(faultWith(['totp'])).toBeUndefined();
    expect(faultWith(['totp', 'email'])).toContain('at least 15 characters');
  });
});
