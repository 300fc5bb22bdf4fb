import { LRUCache } from 'lru-cache';
import { type Clock, cacheTime } from '../../clock.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import type { GatewayTenant } from '../gateway-types.ts';
import type { IdentityTokenClaims } from './identity-tokens.ts';
import type { PresentedCaller } from './presented-caller.ts';

/** The signed token about a caller that a service gets as `X-Auth-Token`. */
export interface ServiceTokens {
  /** @throws AppError `unavailable` when it cannot be signed */
  tokenFor(tenant: GatewayTenant, caller: PresentedCaller, service: ServiceDefinition): Promise<string>;
}

export interface ServiceTokensParts {
  readonly clock: Clock;
  /** Number of tokens that are kept; default 5,000. */
  readonly limit?: number;
}

interface Question {
  readonly tenant: GatewayTenant;
  readonly about: IdentityTokenClaims;
}

/**
 * Signs a token once and uses it until half its life is over. The key of a kept token is its whole content, so a token
 * never has outdated content; after a change of the tenant's file new tokens are signed.
 */
export const createServiceTokens = ({ clock, limit = 5000 }: ServiceTokensParts): ServiceTokens => {
  const tokens = new LRUCache<string, string, Question>({
    max: limit,
    perf: cacheTime(clock),
    ttlResolution: 0,
    fetchMethod: (_key, _old, { context: { tenant, about }, options }) => {
      options.ttl = tenant.identityTokens.lifetime * 500 - 1;
      return tenant.identityTokens.sign(about);
    },
  });
  return {
    tokenFor: (tenant, caller, { audience, signingAlgorithm }) => {
      const { id, version } = tenant.definition;
      const about = { sub: caller.sub, audience, algorithm: signingAlgorithm, claims: claimsOf(caller) };
      return tokens.forceFetch(JSON.stringify([id, version, about]), { context: { tenant, about } });
    },
  };
};

/** Of header, registered claims and signature, beside the claims about the caller. */
const fixedBytes = 420;
/** Base64url of a signature; an RSA key has 2048 bits or more. */
const signatureBytes = { rsa: 683, short: 86 } as const;

/** An upper limit, without signing one. */
export const tokenBytes = (caller: PresentedCaller, service: ServiceDefinition): number => {
  const { signingAlgorithm, audience } = service;
  const content = JSON.stringify([claimsOf(caller), caller.sub, caller.issuer, audience]);
  const isRsa = signingAlgorithm === 'RS256' || signingAlgorithm === 'PS256';
  const signature = isRsa ? signatureBytes.rsa : signatureBytes.short;
  return Math.ceil((Buffer.byteLength(content) * 4) / 3) + fixedBytes + signature;
};

const claimsOf = (caller: PresentedCaller): Readonly<Record<string, unknown>> => ({
  tenant: caller.tenant,
  method: caller.method,
  preferred_username: caller.username === '' ? undefined : caller.username,
  name: caller.name,
  email: caller.email,
  ...(caller.email === undefined ? {} : { email_verified: caller.emailVerified }),
  groups: caller.groups,
  roles: caller.roles,
  ...(caller.areGroupsCut === true ? { groups_truncated: true } : {}),
  ...(caller.areRolesCut === true ? { roles_truncated: true } : {}),
  acr: caller.acr,
  ...(caller.amr.length === 0 ? {} : { amr: caller.amr }),
  auth_time: caller.authTime,
  client_id: caller.clientId,
  scope: caller.scopes?.join(' '),
});
