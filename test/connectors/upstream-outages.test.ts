import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { importJWK, SignJWT } from 'jose';
import { isAppError } from '../../src/errors.ts';
import { createTestClock, type TestClock } from '../support/test-clock.ts';
import type { Fault } from '../support/upstream-faults.ts';
import {
  arrive,
  type ConnectorFixture,
  oidcSource,
  openConnectors,
  redirectOf,
  redirectUri,
  travel,
  upstreamClient,
} from '../support/upstream-fixture.ts';
import { openUpstreamProvider, type UpstreamProvider } from '../support/upstream-provider.ts';

let upstream: UpstreamProvider;
let connectors: ConnectorFixture;
let clock: TestClock;

beforeAll(async () => {
  upstream = await openUpstreamProvider({
    clients: [
      { client_id: upstreamClient.id, client_secret: upstreamClient.secret, redirect_uris: [redirectUri] },
    ],
  });
});

beforeEach(() => {
  clock = createTestClock(Date.now());
  connectors = openConnectors(clock);
  upstream.setFaults();
  upstream.tamper(undefined);
});

afterEach(() => connectors.close());
afterAll(() => upstream.close());

/** Long enough for a busy machine; short where the upstream is meant to be slower than that. */
const limitFor = (fault?: Fault): number => (fault?.kind === 'silent' ? 500 : 10_000);
const corp = (fault?: Fault) =>
  connectors.connector(oidcSource(upstream.issuer, { requestTimeoutMs: limitFor(fault) }));
const begin = (fault?: Fault) => redirectOf(corp(fault)).begin({ redirectUri, state: 's' });

const outcomeOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    return JSON.stringify(await attempt);
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.isLasting ? 'misconfigured' : error.code;
  }
};

const faults: readonly (readonly [string, Fault])[] = [
  ['is down', { kind: 'down' }],
  ['says nothing', { kind: 'silent' }],
  ['fails', { kind: 'status', status: 500 }],
  ['asks for a pause', { kind: 'status', status: 429, headers: { 'retry-after': '7' } }],
  ['answers a page', { kind: 'html' }],
  ['answers without an end', { kind: 'endless' }],
  ['sends us elsewhere', { kind: 'redirect', location: 'http://127.0.0.1:1/' }],
  ['answers half a document', { kind: 'answer', body: '{"issuer":' }],
  ['is not there', { kind: 'status', status: 404 }],
];

/** A server that answers documents in another form is not the one of the file, which only a setting can mend. */
const isOfAnotherServer = (what: string): boolean =>
  ['answers a page', 'sends us elsewhere', 'answers half a document', 'is not there'].includes(what);

describe('an upstream that cannot be used is an outage', () => {
  it.each(faults)('when its discovery %s', async (what, fault) => {
    upstream.setFaults({ at: /well-known/, fault });
    expect(await outcomeOf(begin(fault))).toBe(isOfAnotherServer(what) ? 'misconfigured' : 'unavailable');
  });

  it.each(faults)('when its token endpoint %s', async (_what, fault) => {
    const outcome = travel(corp(fault), { onReturn: () => upstream.setFaults({ at: /token/, fault }) });
    expect(await outcomeOf(outcome)).toBe('unavailable');
  });

  it.each(faults)('when its user-info %s', async (_what, fault) => {
    upstream.setFaults({ at: /^\/me$/, fault });
    expect(await outcomeOf(travel(corp(fault)))).toBe('unavailable');
  });

  it.each(faults)('when its keys are asked for and it %s', async (what, fault) => {
    upstream.setFaults({ at: /jwks/, fault });
    expect(await outcomeOf(travel(corp(fault)))).toBe(
      isOfAnotherServer(what) ? 'misconfigured' : 'unavailable',
    );
  });

  it('when its discovery is about another issuer, which the log names', async () => {
    const body = JSON.stringify({
      issuer: 'https://evil.test',
      authorization_endpoint: 'https://evil.test/a',
    });
    upstream.setFaults({ at: /well-known/, fault: { kind: 'answer', body } });
    expect(await outcomeOf(begin())).toBe('misconfigured');
    expect(connectors.logLines.join('')).toContain('https://evil.test');
  });

  it('when it says so at the redirect', async () => {
    const outcome = travel(corp(), {
      onReturn: (url) => {
        url.searchParams.delete('code');
        url.searchParams.set('error', 'temporarily_unavailable');
      },
    });
    expect(await outcomeOf(outcome)).toBe('unavailable');
  });

  it('within its time limit', async () => {
    const fault: Fault = { kind: 'silent' };
    upstream.setFaults({ at: /well-known/, fault });
    const startedAt = performance.now();
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcomeOf(begin(fault))));
    expect(new Set(outcomes)).toEqual(new Set(['unavailable']));
    expect(performance.now() - startedAt).toBeLessThan(10 * limitFor(fault));
  });

  it('for as long as it says', async () => {
    const headers = { 'retry-after': '17' };
    upstream.setFaults({ at: /well-known/, fault: { kind: 'status', status: 503, headers } });
    const error = await begin().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', retryAfterSeconds: 17 });
  });

  it('and is asked once by a crowd', async () => {
    upstream.setFaults({ at: /well-known/, fault: { kind: 'down' } });
    const before = upstream.hits(/well-known/);
    await Promise.all(Array.from({ length: 50 }, () => outcomeOf(begin())));
    for (let i = 0; i < 5; i += 1) await outcomeOf(begin());
    expect(upstream.hits(/well-known/) - before).toBe(1);
  });

  it('until it is back', async () => {
    upstream.setFaults({ at: /./, fault: { kind: 'down' } });
    expect(await outcomeOf(begin())).toBe('unavailable');
    upstream.setFaults();
    clock.advance(1100);
    await arrive(corp());
  });
});

describe('the discovery document', () => {
  it('is used for a day while the upstream gives no other', async () => {
    await begin();
    upstream.setFaults({ at: /well-known/, fault: { kind: 'down' } });
    clock.advance(23 * 3_600_000);
    await begin();
    clock.advance(2 * 3_600_000);
    expect(await outcomeOf(begin())).toBe('unavailable');
  });

  it('is looked at again after an hour', async () => {
    await begin();
    const before = upstream.hits(/well-known/);
    clock.advance(3_500_000);
    await begin();
    expect(upstream.hits(/well-known/)).toBe(before);
    clock.advance(200_000);
    await begin();
    expect(upstream.hits(/well-known/)).toBe(before + 1);
  });
});

describe('keys that change', () => {
  it('are known at the first token that a new one has signed', async () => {
    await arrive(corp());
    await upstream.rotate();
    await arrive(corp());
  });

  it('are not asked for more than once a minute by tokens with unknown ones', async () => {
    await arrive(corp());
    const before = upstream.hits(/jwks/);
    const stranger = await importJWK(upstream.key, 'RS256');
    upstream.tamper(({ claims }) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: `kid-${Math.trunc(performance.now())}` })
        .sign(stranger),
    );
    for (let i = 0; i < 5; i += 1)
      expect(await travel(corp())).toMatchObject({ ok: false, reason: 'invalid' });
    await Promise.all(Array.from({ length: 10 }, () => travel(corp())));
    expect(upstream.hits(/jwks/) - before).toBe(1);
    clock.advance(60_000);
    await travel(corp());
    expect(upstream.hits(/jwks/) - before).toBe(2);
  });

  it('that are gone are refused within five minutes', async () => {
    await arrive(corp());
    const old = upstream.key;
    const key = await importJWK(old, 'RS256');
    await upstream.rotate();
    upstream.tamper(({ claims }) =>
      new SignJWT({
        ...claims,
        iat: Math.floor(clock.now() / 1000),
        exp: Math.floor(clock.now() / 1000) + 60,
      })
        .setProtectedHeader({ alg: 'RS256', kid: old.kid })
        .sign(key),
    );
    clock.advance(299_000);
    expect(await travel(corp())).toMatchObject({ ok: false, reason: 'invalid' });
  });

  it('that are gone are not accepted either while the upstream does not say so', async () => {
    await arrive(corp());
    upstream.setFaults({ at: /jwks/, fault: { kind: 'down' } });
    upstream.tamper(({ claims, header }) => ({
      claims: { ...claims, iat: Math.floor(clock.now() / 1000), exp: Math.floor(clock.now() / 1000) + 60 },
      header,
    }));
    clock.advance(299_000);
    expect(await outcomeOf(travel(corp()))).toBe('unavailable');
  });
});
