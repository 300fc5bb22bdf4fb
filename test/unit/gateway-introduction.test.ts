import { describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { createIdentityTokens } from '../../src/gateway/answer/identity-tokens.ts';
import { introduce } from '../../src/gateway/answer/introduction.ts';
import { createServiceTokens } from '../../src/gateway/answer/service-token.ts';
import type { Caller, GatewayTenant } from '../../src/gateway/gateway-types.ts';
import { createTestClock } from '../support/test-clock.ts';

const clock = createTestClock(1_700_000_000_000);
const issuer = 'https://id.example.com/oauth/acme';

const keyFor = async (alg: 'RS256' | 'EdDSA'): Promise<JWK> => {
  const options = alg === 'RS256' ? { modulusLength: 4096 } : { crv: 'Ed25519' };
  const { privateKey } = await generateKeyPair(alg, { extractable: true, ...options });
  return { ...(await exportJWK(privateKey)), alg, kid: 'a'.repeat(43) };
};
const keys = await Promise.all([keyFor('RS256'), keyFor('EdDSA')]);
const tenant = {
  definition: { id: 'acme', version: '1', gateway: { services: {}, trustedGateways: [] } },
  identityTokens: createIdentityTokens({ issuer, keys, clock }),
} as unknown as GatewayTenant; // an introduction needs no more of it

const serviceOf = (changes: Partial<ServiceDefinition> = {}): ServiceDefinition =>
  ({
    name: 'orders',
    audience: 'https://orders.example.com',
    signingAlgorithm: 'EdDSA',
    ...changes,
  }) as ServiceDefinition; // nor of this

const namesOf = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}-department-${String(at).padStart(5, '0')}`);

const callerWith = (changes: Partial<Caller>): Caller => ({
  tenant: 'acme',
  issuer,
  sub: 'sub-of-alice',
  kind: 'person',
  method: 'session',
  username: 'alice',
  name: 'Alice Smith',
  email: 'alice@acme.example',
  emailVerified: true,
  groups: [],
  roles: ['editor'],
  amr: ['pwd'],
  revocationIds: [],
  ...changes,
});

const introduceTo = (service: ServiceDefinition, caller: Caller) =>
  introduce(
    { outcome: 'allowed', service, caller, tenant, forwardPath: '/' },
    { serviceTokens: createServiceTokens({ clock }), requestId: '0'.repeat(32) },
  );

const bytesOf = (headers: Readonly<Record<string, string>>): number =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('').length;

describe('the headers about a person in many groups', () => {
  it('are all of them while they fit', async () => {
    const groups = namesOf('acme', 60);
    const { identity, cut } = await introduceTo(serviceOf(), callerWith({ groups }));
    expect(cut).toBeUndefined();
    expect(identity['Remote-Groups']?.split(',')).toEqual(groups);
    expect(Object.keys(identity).filter((name) => name.endsWith('-Truncated'))).toEqual([]);
    expect(decodeJwt(identity['X-Auth-Token'] ?? '')).not.toHaveProperty('groups_truncated');
  });

  it.each([
    ['EdDSA', 120],
    ['RS256', 700],
    ['EdDSA', 10_000],
  ] as const)('fit with a token by %s when they are %i, and say that they are cut', async (alg, count) => {
    const groups = namesOf('größe,', count);
    const service = serviceOf({ signingAlgorithm: alg });
    const { identity, cut } = await introduceTo(service, callerWith({ groups }));
    const sent = identity['Remote-Groups']?.split(',') ?? [];
    expect(bytesOf(identity)).toBeLessThanOrEqual(8192);
    expect(bytesOf(identity)).toBeGreaterThan(6500);
    expect(identity['Remote-Groups-Truncated']).toBe('true');
    expect(identity['X-Auth-Request-Groups']).toBe(identity['Remote-Groups']);
    expect(decodeJwt(identity['X-Auth-Token'] ?? '')).toMatchObject({
      groups: groups.slice(0, sent.length),
      groups_truncated: true,
      roles: ['editor'],
    });
    expect(cut).toEqual({ groups: `${sent.length} of ${count}` });
  });

  it('count the token twice where the service gets it as Authorization too', async () => {
    const service = serviceOf({
      target: { authorization: 'token' } as NonNullable<ServiceDefinition['target']>, // no more of it is asked
    });
    const { identity, token = '' } = await introduceTo(service, callerWith({ groups: namesOf('acme', 700) }));
    expect(bytesOf({ ...identity, Authorization: `Bearer ${token}` })).toBeLessThanOrEqual(8192);
  });

  it('name the roles first, which are cut only if they alone do not fit', async () => {
    const roles = namesOf('role', 900);
    const { identity, cut } = await introduceTo(
      serviceOf(),
      callerWith({ roles, groups: namesOf('acme', 10) }),
    );
    expect(bytesOf(identity)).toBeLessThanOrEqual(8192);
    expect(identity).toMatchObject({
      'X-Auth-Roles-Truncated': 'true',
      'Remote-Groups-Truncated': 'true',
      'Remote-Groups': '',
    });
    expect(cut).toMatchObject({ roles: expect.stringMatching(/^\d+ of 900$/), groups: '0 of 10' });
  });

  it('have no name that alone is too long', async () => {
    const { identity } = await introduceTo(
      serviceOf(),
      callerWith({ name: 'ö'.repeat(9000), groups: ['staff'] }),
    );
    expect(bytesOf(identity)).toBeLessThanOrEqual(8192);
    expect(identity).toMatchObject({ 'Remote-Name': '', 'Remote-User': 'alice', 'Remote-Groups': 'staff' });
  });

  it('have another size where the service says so', async () => {
    const service = serviceOf({ identity: { maxBytes: 65_536 } });
    const { identity, cut } = await introduceTo(service, callerWith({ groups: namesOf('acme', 500) }));
    expect([identity['Remote-Groups']?.split(',').length, cut]).toEqual([500, undefined]);
  });
});

describe('what a service gets to know', () => {
  const groups = ['staff', 'orders-read', 'orders-write', 'old-orders-read', 'hr'];

  it.each([
    [['orders-*'], ['orders-read', 'orders-write']],
    [
      ['staff', '*-read'],
      ['staff', 'orders-read', 'old-orders-read'],
    ],
    [['o*-r*d'], ['orders-read', 'old-orders-read']],
    [['Staff', 'orders', 'orders-read*read'], []],
    [[], []],
  ])('are the groups %j, in headers and token, and that is no cut', async (patterns, expected) => {
    const service = serviceOf({ identity: { groups: patterns, maxBytes: 8192 } });
    const { identity, cut } = await introduceTo(service, callerWith({ groups }));
    expect(identity['Remote-Groups']).toBe(expected.join(','));
    expect(decodeJwt(identity['X-Auth-Token'] ?? '').groups).toEqual(expected);
    expect(cut).toBeUndefined();
  });

  it('are the headers it names, and the others are empty', async () => {
    const service = serviceOf({ identity: { headers: ['Remote-User', 'Remote-Groups'], maxBytes: 8192 } });
    const { identity, token } = await introduceTo(service, callerWith({ groups }));
    expect(Object.entries(identity).filter(([, value]) => value !== '')).toEqual([
      ['Remote-User', 'alice'],
      ['Remote-Groups', groups.join(',')],
    ]);
    expect(Object.keys(identity)).toContain('X-Auth-Token');
    expect(token).toBeUndefined();
  });
});
