import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { createServices } from '../../src/gateway/decision/services.ts';
import type { Decision, GatewayRequest } from '../../src/gateway/gateway-types.ts';
import { createHandOver, type HandOver } from '../../src/gateway/sign-in/hand-over.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { createTestClock } from '../support/test-clock.ts';

const publicUrl = 'https://id.example.com';
const orders = serviceOf('orders', { host: 'orders.example.com' });
const tools = serviceOf('tools', { prefix: '/tools' });
const sealingKey = randomBytes(32);
const clock = createTestClock(1_700_000_000_000);

const handOverOf = (
  services: readonly ServiceDefinition[] = [orders, tools],
  changes: { readonly cookieDomain?: string; readonly sealingKey?: Buffer } = {},
): HandOver =>
  createHandOver({
    settings: changes,
    services: createServices(services, publicUrl),
    publicUrl,
    sealingKey: changes.sealingKey ?? sealingKey,
    clock,
  });

const request = (path: string, changes: Partial<GatewayRequest> = {}): GatewayRequest => ({
  method: 'GET',
  host: 'orders.example.com',
  path,
  search: '',
  headers: {},
  address: '192.0.2.1',
  requestId: 'r',
  isOwnProxy: true,
  ...changes,
});

type SignIn = Extract<Decision, { outcome: 'sign_in' }>;
const acme = {
  definition: { id: 'acme' },
  provider: { issuer: 'https://id.example.com/oauth/acme' },
} as unknown as NonNullable<SignIn['tenant']>; // what the URL is made of
const signIn: SignIn = { outcome: 'sign_in', service: orders };

const stateOf = (url: string): string | null => new URL(url).searchParams.get('state');
const targetOf = (asked: GatewayRequest): string | undefined => {
  const handOver = handOverOf();
  return handOver.open(stateOf(handOver.signInUrl(asked, signIn)))?.state.target;
};

describe('where a browser is sent to sign in', () => {
  it.each([
    [
      'the host of the service, which binds the browser',
      signIn,
      {},
      'https://orders.example.com/.drawbridge/start',
    ],
    [
      'Drawbridge, when the service is there',
      { ...signIn, service: tools },
      {},
      `${publicUrl}/gateway/sign-in`,
    ],
    [
      'the tenant, when it is known',
      { ...signIn, service: tools, tenant: acme },
      {},
      `${publicUrl}/oauth/acme/gateway/sign-in`,
    ],
    [
      'Drawbridge, when its cookie is for all',
      signIn,
      { cookieDomain: 'example.com' },
      `${publicUrl}/gateway/sign-in`,
    ],
  ] as const)('is %s', (_what, decision, changes, place) => {
    const url = new URL(handOverOf([orders, tools], changes).signInUrl(request('/'), decision));
    expect(url.origin + url.pathname).toBe(place);
    expect([...url.searchParams.keys()]).toEqual(['state']);
  });

  it('is another hand-over each time', () => {
    const handOver = handOverOf();
    const opened = Array.from({ length: 10 }, () =>
      handOver.open(stateOf(handOver.signInUrl(request('/'), signIn))),
    );
    expect(new Set(opened.map((one) => one?.state.id)).size).toBe(10);
  });
});

describe('what is gone back to', () => {
  it.each([
    ['/deep/a%20b', '?x=1&y=%2F', 'https://orders.example.com/deep/a%20b?x=1&y=%2F'],
    ['//evil.example/x', '', 'https://orders.example.com//evil.example/x'],
    ['/@evil.example', '', 'https://orders.example.com/@evil.example'],
    ['/.evil.example', '', 'https://orders.example.com/.evil.example'],
    ['@evil.example/', '', 'https://orders.example.com/'],
    ['.evil.example/', '', 'https://orders.example.com/'],
    ['/a\\evil.example', '', 'https://orders.example.com/'],
    ['/a\r\nb', '', 'https://orders.example.com/'],
    ['/a b', '?x', 'https://orders.example.com/'],
    ['/short', `?${'x'.repeat(5000)}`, 'https://orders.example.com/short'],
    [`/${'x'.repeat(5000)}`, '', 'https://orders.example.com/'],
  ])('is on the service (%j%j)', (path, search, target) => {
    expect(targetOf(request(path, { search }))).toBe(target);
  });

  it('is shorter where nginx has to hold it in a header', () => {
    const search = `?${'x'.repeat(3000)}`;
    expect(targetOf(request('/a', { search }))).toBe(`https://orders.example.com/a${search}`);
    const asked = request('/a', { search, isOwnProxy: false });
    expect(targetOf(asked)).toBe('https://orders.example.com/a');
    const longest = handOverOf().signInUrl({ ...asked, search: `?${'x'.repeat(2000)}` }, signIn);
    expect(longest.length).toBeLessThan(3400);
  });

  it('is refused for a service that no longer exists', () => {
    const state = stateOf(handOverOf().signInUrl(request('/a'), signIn));
    expect(handOverOf([tools]).open(state)).toBeUndefined();
    const moved = { ...orders, host: 'orders.example.net' };
    expect(handOverOf([moved]).open(state)).toBeUndefined();
  });

  it('is nowhere for what another key has sealed', () => {
    const state = stateOf(handOverOf().signInUrl(request('/a'), signIn));
    expect(handOverOf([orders], { sealingKey: randomBytes(32) }).open(state)).toBeUndefined();
  });

  it.each([
    'https://evil.example/',
    'https://orders.example.com.evil.example/',
    'https://orders.example.com@evil.example/',
    'https://evil.example/https://orders.example.com/',
    'http://orders.example.com/',
    'https://orders.example.com:444/',
    '//orders.example.com/',
    '/',
    'https://orders.example.com',
    'https:/orders.example.com/',
    'https:\\\\orders.example.com/',
    'https://orders.example.com/\u0000',
    'javascript:alert(1)//https://orders.example.com/',
  ])('is not %j', (url) => {
    expect(handOverOf().isTarget(orders, url)).toBe(false);
  });
});

describe('the host that can set a cookie', () => {
  it('is the one of the service, or one below the domain of all', () => {
    const one = handOverOf();
    expect(one.canSetCookie('orders.example.com', orders)).toBe(true);
    expect(one.canSetCookie('id.example.com', orders)).toBe(false);
    const all = handOverOf([orders], { cookieDomain: 'example.com' });
    expect(
      ['id.example.com', 'example.com', 'id.example.com:8443'].map((host) => all.canSetCookie(host, orders)),
    ).toEqual([true, true, true]);
    expect(
      ['id.own.example', 'notexample.com', 'example.com.evil'].map((host) => all.canSetCookie(host, orders)),
    ).toEqual([false, false, false]);
  });
});
