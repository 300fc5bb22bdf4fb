import { LRUCache } from 'lru-cache';
import { readCredential } from '../../accounts/presented-credential.ts';
import { sessionOrigin } from '../../accounts/session-origin.ts';
import { type Clock, cacheTime, epochSeconds } from '../../clock.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { isAppError } from '../../errors.ts';
import { readSessionCookie, type SessionCookiePlace, sessionCookie, withSession } from '../cookies.ts';
import type { Caller, GatewayRequest, GatewayTenant } from '../gateway-types.ts';

export interface BasicSessionParts {
  readonly cookie: SessionCookiePlace;
  readonly sessionHost: (service: ServiceDefinition) => string;
  readonly clock: Clock;
}

export interface BasicCall {
  readonly request: GatewayRequest;
  readonly service: ServiceDefinition;
  readonly caller?: Caller | undefined;
  readonly tenant?: GatewayTenant | undefined;
}

/**
 * The `Set-Cookie` by which a caller no longer needs to prove name and password, or undefined.
 *
 * It is unknown whether a client keeps cookies, and one that does not would fill the store with sessions. So a caller
 * gets one offer in ten minutes at one address, and one in a minute if it sent any cookie: that client keeps them.
 */
export type OfferSession = (call: BasicCall) => Promise<string | undefined>;

const offerEveryMs = { keepsCookies: 60_000, unknown: 600_000 } as const;
const offersRemembered = 10_000;

export const createOfferSession = ({ cookie, sessionHost, clock }: BasicSessionParts): OfferSession => {
  const time = cacheTime(clock);
  const offeredAt = new LRUCache<string, number>({
    max: offersRemembered,
    ttl: offerEveryMs.unknown,
    perf: time,
    ttlResolution: 0,
  });

  const mayOffer = (key: string, everyMs: number): boolean => {
    const now = time.now();
    const last = offeredAt.get(key);
    if (last !== undefined && now - last < everyMs) return false;
    offeredAt.set(key, now);
    return true;
  };

  return async ({ request, service, caller, tenant }) => {
    if (tenant === undefined || caller?.method !== 'basic' || caller.kind !== 'person') return undefined;
    const presented = readCredential(request.headers);
    if (presented.kind !== 'basic') return undefined;
    const entries = readSessionCookie(request.headers, cookie);
    if (entries.some((entry) => entry.tenant === caller.tenant)) return undefined;
    const keepsCookies = request.headers.cookie !== undefined;
    const host = sessionHost(service);
    const key = JSON.stringify([caller.tenant, caller.sub, request.address, host]);
    if (!mayOffer(key, offerEveryMs[keepsCookies ? 'keepsCookies' : 'unknown'])) return undefined;
    try {
      const value = await tenant.gatewaySessions.begin({
        sub: caller.sub,
        host,
        signedInAt: caller.authTime ?? epochSeconds(clock),
        amr: caller.amr,
        ...definedOnly({ acr: caller.acr, provenBy: caller.provenBy }),
        origin: sessionOrigin(request.address, request.headers['user-agent'] ?? ''),
        password: presented,
      });
      return sessionCookie(cookie, withSession(entries, { tenant: caller.tenant, value }));
    } catch (error) {
      // the cookie is only an offer: the call itself is proven and continues
      if (isAppError(error, 'unavailable')) return undefined;
      throw error;
    }
  };
};
