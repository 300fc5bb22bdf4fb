import type { Clock } from '../../clock.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import type { Caller, GatewayTenant } from '../gateway-types.ts';

/** The signed word on a caller that a service gets as `X-Auth-Token`. */
export interface ServiceTokens {
  /** @throws AppError `unavailable` when it cannot be signed */
  tokenFor(tenant: GatewayTenant, caller: Caller, service: ServiceDefinition): Promise<string>;
}

export interface ServiceTokensParts {
  readonly clock: Clock;
  /** How many are kept; default 5,000. */
  readonly limit?: number;
}

interface Kept {
  readonly token: Promise<string>;
  readonly signedAtMs: number;
}

/**
 * Signs a token once and gives it out until half its life is over. It is found by all that it says, so it never
 * says what is no longer so; a tenant whose file has changed begins anew.
 */
export const createServiceTokens = ({ clock, limit = 5000 }: ServiceTokensParts): ServiceTokens => {
  const kept = new Map<string, Kept>();

  const keep = (key: string, token: Promise<string>, signedAtMs: number): void => {
    kept.set(key, { token, signedAtMs });
    for (const oldest of kept.keys()) {
      if (kept.size <= limit) break;
      kept.delete(oldest);
    }
    token.catch(() => {
      if (kept.get(key)?.token === token) kept.delete(key);
    });
  };

  return {
    tokenFor: (tenant, caller, { audience }) => {
      const { definition, identityTokens } = tenant;
      const { sub } = caller;
      const claims = claimsOf(caller);
      const key = JSON.stringify([definition.id, definition.version, audience, sub, claims]);
      const now = clock.now();
      const known = kept.get(key);
      const age = known === undefined ? -1 : now - known.signedAtMs;
      if (known !== undefined && age >= 0 && age < identityTokens.lifetime * 500) return known.token;
      kept.delete(key);
      const token = identityTokens.sign({ sub, audience, claims });
      keep(key, token, now);
      return token;
    },
  };
};

const claimsOf = (caller: Caller): Readonly<Record<string, unknown>> => ({
  tenant: caller.tenant,
  method: caller.method,
  preferred_username: caller.username === '' ? undefined : caller.username,
  name: caller.name,
  email: caller.email,
  ...(caller.email === undefined ? {} : { email_verified: caller.emailVerified }),
  groups: caller.groups,
  roles: caller.roles,
  acr: caller.acr,
  ...(caller.amr.length === 0 ? {} : { amr: caller.amr }),
  auth_time: caller.authTime,
  client_id: caller.clientId,
  scope: caller.scopes?.join(' '),
});
