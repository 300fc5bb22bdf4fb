import { describe, expect, it } from '@jest/globals';
import {
  bindingCookies,
  readBinding,
  readSessionCookie,
  type SessionEntry,
  sessionCookie,
  sessionCookieName,
  withoutSession,
  withSession,
} from '../../src/gateway/cookies.ts';

const plain = { isSecure: false };
const secure = { isSecure: true };
const wide = { isSecure: true, cookieDomain: 'example.com' };
const value = (mark: string): string => mark.padEnd(43, '0');
const acme: SessionEntry = { tenant: 'acme', value: value('A') };
const globex: SessionEntry = { tenant: 'globex', value: value('G') };
const written = `acme.${acme.value}:globex.${globex.value}`;

const read = (cookie: string | undefined, place = plain): readonly SessionEntry[] =>
  readSessionCookie(cookie === undefined ? {} : { cookie }, place);

describe('the session cookie of the gateway', () => {
  it('has a name that browsers guard wherever they can', () => {
    expect([plain, secure, wide].map(sessionCookieName)).toEqual([
      'GWSESSIONID',
      '__Host-GWSESSIONID',
      '__Secure-GWSESSIONID',
    ]);
  });

  it('is for one host alone, goes with the browser, and is kept from scripts and other sites', () => {
    expect(sessionCookie(secure, [acme])).toBe(
      `__Host-GWSESSIONID=acme.${acme.value}; Path=/; HttpOnly; SameSite=Lax; Secure`,
    );
    expect(sessionCookie(plain, [acme])).toBe(
      `GWSESSIONID=acme.${acme.value}; Path=/; HttpOnly; SameSite=Lax`,
    );
  });

  it('serves a domain where that is wanted', () => {
    expect(sessionCookie(wide, [acme])).toContain('; Domain=example.com;');
  });

  it('is taken away when no session is left', () => {
    expect(sessionCookie(plain, [])).toBe('GWSESSIONID=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax');
  });

  it('holds sessions of several tenants side by side', () => {
    const [pair = ''] = sessionCookie(plain, [acme, globex]).split(';');
    expect(pair).toBe(`GWSESSIONID=${written}`);
    expect(read(`a=b; ${pair}; c=d`)).toEqual([acme, globex]);
  });

  it('replaces the session of the same tenant and keeps the others', () => {
    const again = { tenant: 'acme', value: value('B') };
    expect(withSession([acme, globex], again)).toEqual([globex, again]);
    expect(withoutSession([acme, globex], 'acme')).toEqual([globex]);
  });

  it('lets the oldest fall out when there are more than eight', () => {
    const many = Array.from({ length: 10 }, (_, n) => ({ tenant: `t${n}`, value: value(String(n)) }));
    const kept = many.reduce<readonly SessionEntry[]>(withSession, []);
    expect(kept.map(({ tenant }) => tenant)).toEqual(['t2', 't3', 't4', 't5', 't6', 't7', 't8', 't9']);
    expect(read(sessionCookie(plain, kept).split(';')[0])).toEqual(kept);
  });

  it.each([
    ['nothing', undefined],
    ['another cookie', 'session=1'],
    ['a name that only ends like it', `XGWSESSIONID=${written}`],
    ['an empty value', 'GWSESSIONID='],
    ['no tenant', `GWSESSIONID=${acme.value}`],
    ['an empty tenant', `GWSESSIONID=.${acme.value}`],
    ['a tenant in capital letters', `GWSESSIONID=ACME.${acme.value}`],
    ['a path that leads out', `GWSESSIONID=../acme.${acme.value}`],
    ['a value that is too short', 'GWSESSIONID=acme.short'],
    ['a value that is too long', `GWSESSIONID=acme.${'a'.repeat(8192)}`],
    ['a good entry beside a bad one', `GWSESSIONID=acme.${acme.value}:globex`],
    ['a separator too many', `GWSESSIONID=${written}:`],
    ['quotes', `GWSESSIONID="${written}"`],
    ['percent signs', `GWSESSIONID=acme%2e${acme.value}`],
    ['bytes that are no UTF-8', `GWSESSIONID=acme.${acme.value}\xff\xfe`],
    ['the same tenant twice', `GWSESSIONID=acme.${acme.value}:acme.${value('B')}`],
    ['two cookies of the name', `GWSESSIONID=acme.${acme.value}; GWSESSIONID=acme.${value('B')}`],
    ['nine sessions', `GWSESSIONID=${Array.from({ length: 9 }, (_, n) => `t${n}.${acme.value}`).join(':')}`],
  ])('reads no session from %s', (_what, cookie) => {
    expect(read(cookie)).toEqual([]);
  });

  it('is not read under a name that anybody could have set', () => {
    expect(read(`GWSESSIONID=${written}`, secure)).toEqual([]);
    expect(read(`__Secure-GWSESSIONID=${written}`, secure)).toEqual([]);
    expect(read(`__Host-GWSESSIONID=${written}`, secure)).toEqual([acme, globex]);
  });
});

describe('the cookie that binds a hand-over to its browser', () => {
  const binding = { id: 'abcDEF123-_x', isSecure: true };
  const value = 'v'.repeat(43);

  it('is read back, from one cookie alone', () => {
    const [header = ''] = bindingCookies({}, binding, value);
    expect(header).toBe(
      `__Host-drawbridge.way.abcDEF123-_x=${value}; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax; Secure`,
    );
    const pair = header.split(';')[0] ?? '';
    expect(readBinding({ cookie: `a=b; ${pair}` }, binding)).toBe(value);
    expect(readBinding({ cookie: `${pair}; ${pair}` }, binding)).toBeUndefined();
    expect(readBinding({ cookie: pair }, { ...binding, id: 'another' })).toBeUndefined();
    // names that another host below the same parent can set
    expect(readBinding({ cookie: pair.replace('__Host-', '') }, binding)).toBeUndefined();
    expect(readBinding({ cookie: pair.replace('__Host-', '__Secure-') }, binding)).toBeUndefined();
    expect(readBinding({ cookie: `${pair}v` }, binding)).toBeUndefined();
    expect(readBinding({}, binding)).toBeUndefined();
  });
});
