import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';
import { packageRoot } from '../../src/package-root.ts';
import { openTexts } from '../../src/web/texts.ts';
import { secondFactor } from '../support/people.ts';
import { createTestClock } from '../support/test-clock.ts';

const clock = createTestClock(Date.UTC(2030, 0, 1));
const tenant = { id: 'acme', displayName: 'Northwind Traders', secondFactor };
const alice = {
  username: 'alice',
  logins: ['alice', 'a.liddell@mailhost.example'],
  email: 'a.liddell@mailhost.example',
  claims: { name: 'Alice Pleasance', given_name: 'Alice' },
  roles: [],
  groups: ['staff'],
};
const faultOf = createPasswordRules(tenant, clock);

describe('a new password', () => {
  it.each([
    'lantern orbit mosaic',
    'k7!pq-Zw29xLb$m',
    'über den Wolken',
    'adminton racket club',
    '🦊🐢🦉🐙🦀🐝🦋🐌🐞🦎🐍🦖🐳🦜🦔',
    'x9x9x9x9lantern-orbit',
    'lantern '.repeat(16),
    '가나다라마바사아자차카타파하거너',
    // words of the account are no fault where enough else is there
    'alice lantern orbit',
  ])('may be %s', (password) => {
    expect(faultOf(password, alice)).toBeUndefined();
  });

  it.each([
    ['fourteen chars', /at least 15 characters/],
    ['🦊'.repeat(14), /at least 15 characters/],
    // fifteen code points when typed, but eight characters after NFKC
    [`${'u\u0308'.repeat(7)}x`, /at least 15 characters/],
    ['lantern orbit '.repeat(10), /at most 128/],
    [`${'lantern '.repeat(16)}x`, /at most 128/],
    ['x'.repeat(1_000_000), /at most 128/],
    ['lantern\torbit mosaic', /control characters/],
    ['passwordpassword', /easy to guess/],
    ['Password12345678', /easy to guess/],
    ['P@ssw0rd P@ssw0rd!', /easy to guess/],
    ['The quick brown fox!', /easy to guess/],
    ['123456789012345', /easy to guess/],
    ['qwertyuiop123456', /easy to guess/],
    ['1q2w3e4r5t6y7u8i', /easy to guess/],
    ['aaaaaaaaaaaaaaaa', /easy to guess/],
    ['abababababababab', /easy to guess/],
    ['iloveyou-football', /easy to guess/],
    ['a.liddell@mailhost.example', /easy to guess/],
    ['AliceAliceAlice2024', /easy to guess/],
    ['Alice Pleasance 2024', /easy to guess/],
    ['mailhost-liddell-24', /easy to guess/],
    ['Acme-Northwind-2024!', /easy to guess/],
    ['northwindtraders99', /easy to guess/],
    ['Ａｌｉｃｅ Ｐｌｅａｓａｎｃｅ 99', /easy to guess/],
  ])('may not be %j', (password, fault) => {
    expect(faultOf(password, alice)).toMatch(fault);
  });

  it.each([
    ['of everyone', { everyone: true }, undefined, /too short/, 8],
    ['of a group', { groups: ['staff'] }, undefined, /too short/, 8],
    ['of another group', { groups: ['board'] }, undefined, /too short/, 15],
    ['of users of one app', { clients: ['payroll'] }, undefined, /too short/, 15],
    ['after a deadline', { everyone: true }, clock.now(), /too short/, 8],
    ['before a deadline', { everyone: true }, clock.now() + 1, /too short/, 15],
  ])(
    'is as short as a second factor allows that is required %s',
    (_who, required, deadline, fault, least) => {
      const rules = {
        ...secondFactor,
        required: { ...secondFactor.required, ...required },
        ...(deadline === undefined ? {} : { deadline }),
      };
      const faultThen = createPasswordRules({ ...tenant, secondFactor: rules }, clock);
      const password = 'kv7wqhzmbtxgrpd';
      expect(faultThen(password.slice(0, least), alice)).toBeUndefined();
      expect(faultThen(password.slice(0, least - 1), alice)).toMatch(fault);
      for (const common of ['Football', 'google123', 'q1w2e3r4', '123qweasd', 'Samsung1', '147258369'])
        expect(faultThen(common, alice)).toBeDefined();
    },
  );

  it('is long where a second factor is required that nobody can set up', () => {
    const rules = { ...secondFactor, methods: [], required: { ...secondFactor.required, everyone: true } };
    expect(createPasswordRules({ ...tenant, secondFactor: rules }, clock)('kv7wqhzm', alice)).toMatch(/15/);
  });

  it.each(['fourteen chars', 'x'.repeat(129), 'lantern\torbit mosaic', 'passwordpassword'])(
    'is refused in German on a German page: %j',
    (password) => {
      const texts = openTexts(join(packageRoot(), 'views/locales'), clock).de;
      const everyone = { ...secondFactor.required, everyone: true };
      const withFactor = createPasswordRules(
        { ...tenant, secondFactor: { ...secondFactor, required: everyone } },
        clock,
      );
      const faults = [faultOf(password, alice), withFactor(password.slice(0, 7), alice)];
      for (const fault of faults) expect(texts.reason(fault ?? '')).toMatchObject({ locale: 'de' });
    },
  );
});
