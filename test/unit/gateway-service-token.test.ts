import { describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import type { IdentityTokenClaims } from '../../src/gateway/answer/identity-tokens.ts';
import { createServiceTokens } from '../../src/gateway/answer/service-token.ts';
import type { Caller, GatewayTenant } from '../../src/gateway/gateway-types.ts';
import { createTestClock } from '../support/test-clock.ts';

const lifetime = 300;
const orders = { audience: 'https://orders.example.com' } as ServiceDefinition; // no more of it is asked
const reports = { audience: 'https://reports.example.com' } as ServiceDefinition; // no more of it is asked
const alice: Caller = {
  tenant: 'acme',
  issuer: 'https://id.example.com/oauth/acme',
  sub: 'sub-of-alice',
  kind: 'person',
  method: 'bearer',
  username: 'alice',
  emailVerified: false,
  groups: ['staff'],
  roles: [],
  scopes: ['openid', 'orders:read'],
  clientId: 'web',
  amr: [],
  authTime: 1_700_000_000,
  revocationIds: ['session-1'],
};

const start = (limit?: number) => {
  const clock = createTestClock(1_700_000_000_000);
  const signed: IdentityTokenClaims[] = [];
  let isDown = false;
  const tenantOf = (version: string): GatewayTenant =>
    ({
      definition: { id: 'acme', version },
      identityTokens: {
        lifetime,
        sign: async (token: IdentityTokenClaims) => {
          if (isDown) throw new Error('no key');
          signed.push(token);
          return `token ${signed.length}`;
        },
      },
    }) as unknown as GatewayTenant; // a token needs no more of it
  const tokens = createServiceTokens({ clock, ...(limit === undefined ? {} : { limit }) });
  return {
    clock,
    signed,
    tenantOf,
    tokens,
    acme: tenantOf('1'),
    goDown: (down: boolean) => {
      isDown = down;
    },
  };
};

describe('the token about a caller', () => {
  it('names the caller, and leaves out what is unknown', async () => {
    const { tokens, acme, signed } = start();
    await tokens.tokenFor(acme, alice, orders);
    expect(JSON.parse(JSON.stringify(signed))).toEqual([
      {
        sub: 'sub-of-alice',
        audience: 'https://orders.example.com',
        claims: {
          tenant: 'acme',
          method: 'bearer',
          preferred_username: 'alice',
          groups: ['staff'],
          roles: [],
          auth_time: 1_700_000_000,
          client_id: 'web',
          scope: 'openid orders:read',
        },
      },
    ]);
  });

  it('is signed once, also for many at a time, until half its life is over', async () => {
    const { tokens, acme, clock } = start();
    const first = await Promise.all(Array.from({ length: 20 }, () => tokens.tokenFor(acme, alice, orders)));
    expect(new Set(first)).toEqual(new Set(['token 1']));
    clock.advance(lifetime * 500 - 1);
    expect(await tokens.tokenFor(acme, { ...alice }, orders)).toBe('token 1');
    clock.advance(1);
    expect(await tokens.tokenFor(acme, alice, orders)).toBe('token 2');
  });

  it('is another one as soon as anything in it is', async () => {
    const { tokens, acme, tenantOf, signed } = start();
    await tokens.tokenFor(acme, alice, orders);
    await tokens.tokenFor(acme, alice, reports);
    await tokens.tokenFor(acme, { ...alice, groups: [] }, orders);
    await tokens.tokenFor(acme, { ...alice, sub: 'another' }, orders);
    await tokens.tokenFor(acme, { ...alice, method: 'session' }, orders);
    await tokens.tokenFor(tenantOf('2'), alice, orders);
    expect(signed).toHaveLength(6);
  });

  it('is not kept when the clock goes back', async () => {
    const { tokens, acme, clock } = start();
    await tokens.tokenFor(acme, alice, orders);
    clock.advance(-1000);
    expect(await tokens.tokenFor(acme, alice, orders)).toBe('token 2');
  });

  it('is asked for again after a failure', async () => {
    const { tokens, acme, goDown } = start();
    goDown(true);
    await expect(tokens.tokenFor(acme, alice, orders)).rejects.toThrow('no key');
    goDown(false);
    expect(await tokens.tokenFor(acme, alice, orders)).toBe('token 1');
  });

  it('makes room for others', async () => {
    const { tokens, acme, signed } = start(3);
    for (let index = 0; index < 4; index += 1)
      await tokens.tokenFor(acme, { ...alice, sub: `person-${index}` }, orders);
    await tokens.tokenFor(acme, { ...alice, sub: 'person-3' }, orders);
    expect(signed).toHaveLength(4);
    await tokens.tokenFor(acme, { ...alice, sub: 'person-0' }, orders);
    expect(signed).toHaveLength(5);
  });
});
