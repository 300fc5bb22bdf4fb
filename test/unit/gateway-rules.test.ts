import { describe, expect, it } from '@jest/globals';
import type { AccessRule } from '../../src/config/gateway/gateway-definition.ts';
import { readPath } from '../../src/gateway/decision/path-readings.ts';
import {
  isForService,
  judge,
  type Question,
  stricter,
  type Verdict,
} from '../../src/gateway/decision/rules.ts';
import type { Caller } from '../../src/gateway/gateway-types.ts';

const now = 1_700_000_000;
const alice: Caller = {
  tenant: 'acme',
  issuer: 'https://login.example.com/oauth/acme',
  sub: 'a1',
  kind: 'person',
  method: 'session',
  username: 'alice',
  emailVerified: true,
  groups: ['staff'],
  roles: ['editor'],
  amr: ['pwd'],
  acr: 'silver',
  authTime: now - 600,
  revocationIds: [],
};

const unknownCase = { ignoreCase: false, caseSensitive: false };
const ignored = { letterCase: { ...unknownCase, ignoreCase: true } };
const distinguished = { letterCase: { ...unknownCase, caseSensitive: true } };

const rule = (said: Partial<AccessRule>): AccessRule => ({ access: 'allow', ...said });

type Asked = Partial<Omit<Question, 'rules'>> & { readonly path?: string };

const ask = (rules: readonly Partial<AccessRule>[], { path = '/', ...asked }: Asked = {}): Verdict =>
  judge({
    rules: rules.map(rule),
    readings: readPath(path)?.readings ?? [],
    method: 'GET',
    letterCase: unknownCase,
    resources: [],
    nowSeconds: now,
    ...asked,
  });

const asAlice = (more: Partial<Caller> = {}): Asked => ({ caller: { ...alice, ...more } });
const said = (rules: readonly Partial<AccessRule>[], asked?: Asked): string => ask(rules, asked).verdict;

describe('the first rule that matches', () => {
  it('is not needed: without rules everybody may who is known', () => {
    expect(said([], asAlice())).toBe('allow');
    expect(said([])).toBe('sign_in');
  });

  it('decides, and the others are not asked', () => {
    const rules = [{ paths: ['/a'] }, { access: 'deny' }] as const;
    expect(said(rules, { ...asAlice(), path: '/a' })).toBe('allow');
    expect(said(rules, { ...asAlice(), path: '/b' })).toBe('deny');
    expect(said([...rules].reverse(), { ...asAlice(), path: '/a' })).toBe('deny');
  });

  it('is missing: known people are denied, others are asked to sign in', () => {
    expect(ask([{ paths: ['/a'] }], { ...asAlice(), path: '/b' })).toEqual({
      verdict: 'deny',
      reason: 'no_rule',
    });
    expect(said([{ paths: ['/a'] }], { path: '/b' })).toBe('sign_in');
  });

  it('may let anyone through, and knows the rest', () => {
    const rules = [{ paths: ['/assets/**'], access: 'anyone' }, {}] as const;
    expect(said(rules, { path: '/assets/a.css' })).toBe('anyone');
    expect(said(rules, { path: '/assets/a.css', ...asAlice() })).toBe('anyone');
    expect(said(rules, { path: '/' })).toBe('sign_in');
    expect(said(rules, { path: '/', ...asAlice() })).toBe('allow');
  });

  it('denies those too who are not known', () => {
    expect(ask([{ access: 'deny' }])).toEqual({ verdict: 'deny', reason: 'rule' });
  });

  it('asks for a sign-in before the rest is denied, when an earlier rule could then allow the person', () => {
    const rules = [{ roles: ['admin'], paths: ['/a/**'] }, { access: 'deny' }] as const;
    expect(said(rules, { path: '/a' })).toBe('sign_in');
    expect(said(rules, { path: '/b' })).toBe('deny');
    expect(said(rules, { path: '/a', ...asAlice() })).toBe('deny');
    expect(said([{ roles: ['guest'], access: 'deny' }, { access: 'deny' }])).toBe('deny');
    const ofAcme = [{ tenants: ['acme'] }, { access: 'deny' }] as const;
    expect(said(ofAcme)).toBe('sign_in');
    expect(said(ofAcme, { tenant: 'acme' })).toBe('sign_in');
    expect(said(ofAcme, { tenant: 'other' })).toBe('deny');
  });
});

describe('a path in a rule', () => {
  it.each([
    ['/', '/', true],
    ['/', '/a', false],
    ['/a', '/a', true],
    ['/a', '/a/', true],
    ['/a/', '/a', true],
    ['/a', '/a/b', false],
    ['/a', '/ab', false],
    ['/a', '/A', false],
    ['/a/*', '/a/b', true],
    ['/a/*', '/a/b/', true],
    ['/a/*', '/a', false],
    ['/a/*', '/a/', false],
    ['/a/*', '/a/b/c', false],
    ['/*', '/', false],
    ['/a/*/c', '/a/b/c', true],
    ['/a/*/c', '/a/b/d', false],
    ['/a/**', '/a', true],
    ['/a/**', '/a/', true],
    ['/a/**', '/a/b/c', true],
    ['/a/**', '/ab', false],
    ['/**', '/', true],
    ['/**', '/a/b', true],
    ['/a/*/c/**', '/a/b/c/d', true],
    ['/a%20b', '/a%20b', true],
  ])('%s matches %s: %s', (pattern, path, matches) => {
    expect(said([{ paths: [pattern] }], { ...asAlice(), path })).toBe(matches ? 'allow' : 'deny');
  });

  it('is one of several', () => {
    expect(said([{ paths: ['/a', '/b'] }], { ...asAlice(), path: '/b' })).toBe('allow');
  });

  it('does not take an escaped star for one', () => {
    expect(said([{ paths: ['/%2A'] }], { ...asAlice(), path: '/x', ...ignored })).toBe('deny');
  });
});

describe('letter case', () => {
  const closed = [{ paths: ['/Admin/**', '/%C3%84rger', '/sink'], access: 'deny' }, {}] as const;

  it.each([
    '/admin/x',
    '/ADMIN/x',
    '/%61DMIN',
    '/%2561DMIN/x',
    '/x/..;/aDMIN',
    '/%c3%a4rger',
    '/%C3%84RGER',
    '/%25C3%2584RGER',
    // letters whose capital or small form is a letter of the rule: long s, the sign of Kelvin, i with and without dot
    '/%C5%BFink',
    '/sin%E2%84%AA',
    '/s%C4%B0nk',
    '/s%C4%B1nk',
  ])('escapes no rule, unless the service distinguishes it: %s', (path) => {
    expect(said(closed, { ...asAlice(), path })).toBe('deny');
    expect(said(closed, { ...asAlice(), path, ...ignored })).toBe('deny');
    expect(said(closed, { ...asAlice(), path, ...distinguished })).toBe('allow');
  });

  it('is that of the rule, where the service distinguishes it', () => {
    expect(said(closed, { ...asAlice(), path: '/Admin/x', ...distinguished })).toBe('deny');
  });

  it('gives nobody more than the rule says, unless the service ignores it', () => {
    const rules = [{ paths: ['/Public/**'], access: 'anyone' }, {}] as const;
    expect(said(rules, { path: '/Public/x' })).toBe('anyone');
    expect(said(rules, { path: '/public/x' })).toBe('sign_in');
    expect(said(rules, { path: '/public/x', ...distinguished })).toBe('sign_in');
    expect(said(rules, { path: '/public/x', ...ignored })).toBe('anyone');
  });

  it('does not keep those out whom the rules allow in either reading', () => {
    const rules = [
      { paths: ['/admin/**'], roles: ['editor'] },
      { paths: ['/admin/**'], access: 'deny' },
      {},
    ] as const;
    expect(said(rules, { ...asAlice(), path: '/ADMIN/x' })).toBe('allow');
    expect(said(rules, { ...asAlice({ roles: [] }), path: '/ADMIN/x' })).toBe('deny');
  });

  it('decides between two rules that differ in nothing else, and the stricter counts for a third spelling', () => {
    const rules = [
      { paths: ['/Docs/**'], access: 'anyone' },
      { paths: ['/docs/**'], access: 'deny' },
    ] as const;
    expect(said(rules, { path: '/Docs/x' })).toBe('anyone');
    expect(said(rules, { path: '/docs/x' })).toBe('deny');
    expect(said(rules, { path: '/DOCS/x' })).toBe('sign_in');
  });
});

describe('the readings of a path', () => {
  const open = [
    { paths: ['/admin/**'], roles: ['admin'] },
    { paths: ['/admin/**'], access: 'deny' },
    {},
  ] as const;
  it.each([
    '/public/..;/admin',
    '/public/%2e%2e/admin',
    '/public/..%2fadmin/users',
    '//admin',
    '/admin;x=1',
    '/admin/;x',
    '/public/%252e%252e/admin',
    '/%61dmin',
    '/admin%2Fusers',
    '/admin/',
  ])('are all judged, and the strictest counts: %s', (path) => {
    expect(said(open, { ...asAlice(), path })).toBe('deny');
  });

  it('let anyone through only together', () => {
    const rules = [{ paths: ['/public/**'], access: 'anyone' }, {}] as const;
    expect(said(rules, { path: '/public/x' })).toBe('anyone');
    expect(said(rules, { path: '/public/..%2fx' })).toBe('sign_in');
    expect(said(rules, { path: '/public/..%2fx', ...asAlice() })).toBe('allow');
  });
});

describe('a rule for some', () => {
  const token = asAlice({ scopes: ['read', 'write'], audiences: ['https://a'], clientId: 'app' });
  it.each<[string, Partial<AccessRule>, Asked, boolean]>([
    ['a method', { methods: ['POST', 'GET'] }, asAlice(), true],
    ['another method', { methods: ['POST'] }, asAlice(), false],
    ['HEAD as GET', { methods: ['GET'] }, { ...asAlice(), method: 'HEAD' }, true],
    ['GET not as HEAD', { methods: ['HEAD'] }, asAlice(), false],
    ['a tenant', { tenants: ['acme'] }, asAlice(), true],
    ['another tenant', { tenants: ['other'] }, asAlice(), false],
    [
      "another tenant, though it is asked at the rule's",
      { tenants: ['other'] },
      { ...asAlice(), tenant: 'other' },
      false,
    ],
    ['one of the roles', { roles: ['admin', 'editor'] }, asAlice(), true],
    ['no such role', { roles: ['admin'] }, asAlice(), false],
    ['one of the groups', { groups: ['x', 'staff'] }, asAlice(), true],
    ['no such group', { groups: ['editor'] }, asAlice(), false],
    ['all scopes', { scopes: ['read', 'write'], audiences: ['https://a'] }, token, true],
    ['a scope that is missing', { scopes: ['read', 'admin'], audiences: ['https://a'] }, token, false],
    ['scopes, and a session has none', { scopes: ['read'] }, asAlice(), false],
    ['an audience', { audiences: ['https://b', 'https://a'] }, token, true],
    ['another audience', { audiences: ['https://b'] }, token, false],
    ['a client', { clients: ['app'], audiences: ['https://a'] }, token, true],
    ['another client', { clients: ['other'], audiences: ['https://a'] }, token, false],
    ['a client, and a session has none', { clients: ['app'] }, asAlice(), false],
    ['two things of which one holds', { roles: ['editor'], groups: ['x'] }, asAlice(), false],
  ])('names %s', (_, named, asked, matches) => {
    expect(said([named], asked)).toBe(matches ? 'allow' : 'deny');
  });

  it.each(['roles', 'groups', 'scopes', 'audiences', 'clients'] as const)(
    'does not match somebody unknown by %s',
    (key) => {
      expect(said([{ [key]: ['x'], access: 'deny' }, { access: 'anyone' }])).toBe('anyone');
    },
  );
});

describe('strength of a sign-in', () => {
  it.each<[string, Partial<AccessRule>, Partial<Caller>, boolean]>([
    ['the class', { acr: ['gold', 'silver'] }, {}, true],
    ['another class', { acr: ['gold'] }, {}, false],
    ['two factors, after a passkey', { acr: ['mfa'] }, { acr: 'phr' }, true],
    ['a passkey, after a code', { acr: ['phr'] }, { acr: 'mfa' }, false],
    ['all methods', { amr: ['pwd', 'otp'] }, { amr: ['otp', 'pwd'] }, true],
    ['a method that is missing', { amr: ['pwd', 'otp'] }, {}, false],
    ['the age', { maxAge: 600 }, {}, true],
    ['a sign-in that is too old', { maxAge: 599 }, {}, false],
    ['a sign-in of unknown age', { maxAge: 600 }, { authTime: undefined as never }, false],
  ])('is asked for: %s', (_, demand, caller, isEnough) => {
    expect(said([demand], asAlice(caller))).toBe(isEnough ? 'allow' : 'step_up');
  });

  it('is asked for in full, and does not make the rule another', () => {
    const rules = [{ paths: ['/a'], acr: ['gold'], amr: ['otp'], maxAge: 60 }, {}];
    expect(ask(rules, { ...asAlice(), path: '/a' })).toEqual({
      verdict: 'step_up',
      demand: { acrValues: ['gold'], amr: ['otp'], maxAge: 60 },
    });
    expect(said(rules, { path: '/a' })).toBe('sign_in');
  });
});

describe('a token that is for resources', () => {
  const token = asAlice({ audiences: ['https://a'] });

  it('must be for one of the service', () => {
    for (const rules of [[], [{}]]) {
      expect(ask(rules, token)).toEqual({ verdict: 'deny', reason: 'audience' });
      expect(said(rules, { ...token, resources: ['https://b', 'https://a'] })).toBe('allow');
      expect(said(rules, { ...token, resources: 'any' })).toBe('allow');
      expect(said(rules, asAlice({ audiences: [] }))).toBe('allow');
    }
  });

  it('may be for one that the rule names', () => {
    const rules = [{ paths: ['/a'], audiences: ['https://a'] }, {}];
    expect(said(rules, { ...token, path: '/a' })).toBe('allow');
    expect(said(rules, { ...token, path: '/b' })).toBe('deny');
  });

  it('is known to be for a service or not', () => {
    expect(isForService({ audiences: ['https://a'] }, { resources: ['https://a'] })).toBe(true);
    expect(isForService({ audiences: ['https://a'] }, { resources: [] })).toBe(false);
    expect(isForService({}, { resources: [] })).toBe(true);
  });

  it('is never meant by a token without audience whose client is not first-party, unless the rule names it', () => {
    const foreign = asAlice({ clientId: 'partner', isThirdParty: true, scopes: ['openid', 'read'] });
    expect(ask([], foreign)).toEqual({ verdict: 'deny', reason: 'audience' });
    expect(ask([{ roles: ['editor'] }], foreign)).toEqual({ verdict: 'deny', reason: 'audience' });
    expect(said([{ clients: ['partner'] }], foreign)).toBe('allow');
    expect(said([{ scopes: ['read'] }], foreign)).toBe('allow');
    expect(said([{ access: 'anyone' }], foreign)).toBe('anyone');
  });
});

describe('the stricter of two verdicts', () => {
  const order: readonly Verdict[] = [
    { verdict: 'anyone' },
    { verdict: 'allow' },
    { verdict: 'step_up', demand: { maxAge: 60 } },
    { verdict: 'sign_in' },
    { verdict: 'deny', reason: 'rule' },
  ];

  it('is the same whichever comes first', () => {
    for (const [place, one] of order.entries())
      for (const other of order.slice(place)) {
        expect(stricter(one, other)).toEqual(other);
        expect(stricter(other, one)).toEqual(other);
      }
  });

  it('holds what both demand', () => {
    expect(
      stricter(
        { verdict: 'step_up', demand: { acrValues: ['gold', 'silver'], amr: ['pwd'], maxAge: 60 } },
        { verdict: 'step_up', demand: { acrValues: ['gold', 'bronze'], amr: ['otp', 'pwd'], maxAge: 30 } },
      ),
    ).toEqual({ verdict: 'step_up', demand: { acrValues: ['gold'], amr: ['pwd', 'otp'], maxAge: 30 } });
    expect(
      stricter(
        { verdict: 'step_up', demand: { acrValues: ['gold'] } },
        { verdict: 'step_up', demand: { maxAge: 9 } },
      ),
    ).toEqual({ verdict: 'step_up', demand: { acrValues: ['gold'], maxAge: 9 } });
    expect(
      stricter(
        { verdict: 'step_up', demand: { acrValues: ['mfa'] } },
        { verdict: 'step_up', demand: { acrValues: ['phr'] } },
      ),
    ).toEqual({ verdict: 'step_up', demand: { acrValues: ['phr'] } });
  });

  it('is a denial where no sign-in could hold both', () => {
    const demand = (acr: string): Verdict => ({ verdict: 'step_up', demand: { acrValues: [acr] } });
    expect(stricter(demand('gold'), demand('silver'))).toEqual({
      verdict: 'deny',
      reason: 'contradicting_acr',
    });
  });
});
