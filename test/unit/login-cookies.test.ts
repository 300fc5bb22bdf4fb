import { describe, expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { clearUpstreamCookie, readUpstreamCookie, setUpstreamCookie } from '../../src/login/cookies.ts';

/** The parts of a request that cookies need. */
const requestWith = (sent: Readonly<Record<string, string>> = {}) => {
  const written: string[] = [];
  const ctx = {
    headers: {
      cookie: Object.entries(sent)
        .map(([name, value]) => `${name}=${value}`)
        .join('; '),
    },
    cookies: { get: (name: string) => sent[name] },
    append: (_name: string, lines: readonly string[]) => written.push(...lines),
  } as unknown as Context; // nothing else is used
  return { ctx, written };
};

describe('the cookie of a sign-in at an upstream', () => {
  const issuer = 'https://login.example.com/oauth/acme';
  const begun = { state: 'the state', browser: 'b'.repeat(43) };
  const name = /^(__Host-drawbridge\.upstream\.[\w-]{12})=/;

  it('is one that no other host can set, and is read under no other name', () => {
    const { ctx, written } = requestWith();
    setUpstreamCookie(ctx, issuer, begun);
    expect(written).toEqual([
      expect.stringMatching(/^__Host-[^;]+=b{43}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/),
    ]);
    const own = name.exec(written[0] ?? '')?.[1] ?? '';
    const read = (sent: string) =>
      readUpstreamCookie(requestWith({ [sent]: begun.browser }).ctx, { issuer, state: begun.state });
    expect(read(own)).toBe(begun.browser);
    expect(read(own.replace('__Host-', '__Secure-'))).toBeUndefined();
    expect(read(own.replace('__Host-', ''))).toBeUndefined();
  });

  it('is removed as it was set', () => {
    const { ctx, written } = requestWith();
    clearUpstreamCookie(ctx, { issuer, state: begun.state });
    expect(written).toEqual([
      expect.stringMatching(/=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/),
    ]);
  });

  it('replaces the oldest of very many sign-ins that were not finished', () => {
    const old = Object.fromEntries(
      Array.from({ length: 11 }, (_, n) => [
        `__Host-drawbridge.upstream.${String(n).padStart(12, '0')}`,
        'x',
      ]),
    );
    const { ctx, written } = requestWith({ other: '1', ...old });
    setUpstreamCookie(ctx, issuer, begun);
    expect(written.map((line) => line.split(';')[0])).toEqual([
      '__Host-drawbridge.upstream.000000000000=',
      '__Host-drawbridge.upstream.000000000001=',
      expect.stringMatching(name),
    ]);
  });

  it('has a plain name on http, where browsers accept no other', () => {
    const { ctx, written } = requestWith();
    setUpstreamCookie(ctx, 'http://localhost:8080/oauth/acme', begun);
    expect(written[0]).toMatch(
      /^drawbridge\.upstream\.[\w-]{12}=b{43}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax$/,
    );
  });
});
