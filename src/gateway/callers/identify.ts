// Identifies the caller: the credential of a request is verified at its tenant.
// `accounts/presented-credential.ts` reads `Authorization`; then one of
//   identify-basic.ts      name and password, remembered by basic-cache.ts
//   identify-token.ts      access tokens, ours and (upstream-person.ts) those of an upstream
//   identify-key.ts        API keys
//   identify-certificate.ts certificates of system users; client-certificate.ts: the one of a request
//   external-gateway.ts    a trusted API gateway: a secret, a signed assertion (gateway-assertion.ts) or a certificate
//                          (client-certificate.ts)
//   identify-session.ts    the session cookie
//   first-tenant.ts        where a token or key is looked up when the request names no tenant
//   person.ts              the caller of an account
//   caller-cache.ts        who was found, for moments; like basic-cache.ts on the revocable cache (src/revocable-cache.ts)

import { readCredential } from '../../accounts/presented-credential.ts';
import type { Clock } from '../../clock.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import type { EventWatcher } from '../../storage/storage-endings.ts';
import type { SessionCookiePlace } from '../cookies.ts';
import { createChooseTenant, type TenantHosts } from '../decision/choose-tenant.ts';
import type { FindGatewayTenant, GatewayRequest, Identification } from '../gateway-types.ts';
import { createBasicCache } from './basic-cache.ts';
import { createCallerCache } from './caller-cache.ts';
import { createExternalGateways } from './external-gateway.ts';
import { createIdentifyBasic } from './identify-basic.ts';
import { createIdentifyCertificate } from './identify-certificate.ts';
import { createIdentifyKey } from './identify-key.ts';
import { createIdentifySession } from './identify-session.ts';
import { createIdentifyToken } from './identify-token.ts';

export interface IdentifyParts extends TenantHosts {
  readonly findTenant: FindGatewayTenant;
  readonly clock: Clock;
  /** Seconds for which an accepted name and password is remembered; 0: not at all. */
  readonly basicCacheSeconds: number;
  readonly cookie: SessionCookiePlace;
  /** Subscribes to all revocation events on this store. */
  readonly subscribe: (listener: EventWatcher) => unknown;
}

/** @throws AppError `unavailable` when the store, the tenant or its sources cannot be asked */
export type Identify = (request: GatewayRequest, service: ServiceDefinition) => Promise<Identification>;

const callersAtMost = 20_000;
const passwordsAtMost = 10_000;

/**
 * A credential in `Authorization` alone decides and is final; without one, the user that a trusted API gateway names;
 * without that, the certificate of a system user; without that, the cookie.
 */
export const createIdentify = (parts: IdentifyParts): Identify => {
  const { findTenant, clock, cookie, subscribe } = parts;
  const callers = createCallerCache({ clock, limit: callersAtMost });
  const passwords = createBasicCache({ clock, seconds: parts.basicCacheSeconds, limit: passwordsAtMost });
  subscribe(callers);
  subscribe(passwords);

  const chooseTenant = createChooseTenant(parts);
  const shared = { findTenant, chooseTenant, callers };
  const bySession = createIdentifySession({ ...shared, cookie });
  const byPassword = createIdentifyBasic({ ...shared, cookie, passwords });
  const byToken = createIdentifyToken(shared);
  const byKey = createIdentifyKey(shared);
  const byCertificate = createIdentifyCertificate({ ...shared, clock });
  const gateways = createExternalGateways({ clock, callers });
  const byGateway = async (request: GatewayRequest, service: ServiceDefinition): Promise<Identification> => {
    const choice = chooseTenant(request, service);
    const tenant = choice.status === 'chosen' ? await findTenant(choice.tenant) : undefined;
    return tenant === undefined ? { status: 'nothing' } : gateways.identify(request, tenant);
  };

  return async (request, service) => {
    const credential = readCredential(request.headers);
    switch (credential.kind) {
      case 'none': {
        const found = await byGateway(request, service);
        if (found.status !== 'nothing') return found;
        const machine = await byCertificate(request, service);
        return machine.status === 'nothing' ? bySession(request, service) : machine;
      }
      case 'basic':
        return byPassword(request, service, credential);
      case 'bearer':
        return byToken(request, service, credential);
      case 'apiKey':
        return byKey(request, service, credential);
      case 'malformed': {
        const { kind: _kind, ...why } = credential;
        return { status: 'bad', ...why };
      }
    }
  };
};
