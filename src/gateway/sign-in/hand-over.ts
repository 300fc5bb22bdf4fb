// A hand-over takes a browser from a service to the sign-in of its tenant and back, across hosts. Its data is in a
// sealed `state`; browsers are redirected back to hosts of services only.
import { type Clock, epochSeconds } from '../../clock.ts';
import type { GatewaySettings, ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import type { Services } from '../decision/services.ts';
import type { Demand, GatewayRequest, SignInDemand } from '../gateway-types.ts';

/** The target of a browser, and the state of its sign-in. */
export interface HandOverState {
  /** Names the cookie that binds this to one browser. */
  readonly id: string;
  readonly service: string;
  /** Absolute URL, on the service. */
  readonly target: string;
  /** The tenant of the sign-in, if it is known. */
  readonly tenant?: string;
  /** No other tenant is allowed. */
  readonly isTenantFixed?: boolean;
  readonly demand?: Demand;
  /** Hash of a secret of the browser that began this. */
  readonly browser?: string;
  /** Epoch seconds at which the person was asked to sign in. */
  readonly askedAt?: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** A state that is ours, with a service that still exists. */
export interface OpenHandOver {
  readonly state: HandOverState;
  readonly service: ServiceDefinition;
  readonly isExpired: boolean;
}

export interface HandOverParts {
  readonly settings: Pick<GatewaySettings, 'cookieDomain'>;
  readonly services: Pick<Services, 'all' | 'byName' | 'originOf'>;
  /** Of Drawbridge, an origin. */
  readonly publicUrl: string;
  /** 32 bytes, for this purpose alone. */
  readonly sealingKey: Buffer;
  readonly clock: Clock;
}

export interface HandOver {
  /** Absolute URL at which a browser signs in, or signs in again, and then returns to its request. */
  signInUrl(request: GatewayRequest, decision: SignInDemand): string;
  /** The result is valid for half an hour from now. */
  seal(state: Omit<HandOverState, 'expiresAt'>): string;
  /** Undefined when the state is not ours, or its service no longer exists. */
  open(sealed: unknown): OpenHandOver | undefined;
  /** Is it a URL of this service? Browsers are redirected to no other. */
  isTarget(service: ServiceDefinition, url: string): boolean;
  /** Hosts on which a session at this service is valid, in the form of sessions and tickets. */
  sessionHost(service: ServiceDefinition): string;
  /** Can this host of Drawbridge's set the cookie of that service? */
  canSetCookie(host: string, service: ServiceDefinition): boolean;
  /** The services whose session cookie this host of Drawbridge's can set. */
  servicesAt(host: string): readonly ServiceDefinition[];
  originOf(service: ServiceDefinition): string;
  /** Where people open the service with this name; undefined when there is none. */
  addressOf(name: string): string | undefined;
}

/** Seconds. */
export const handOverTtl = 30 * 60;

const purpose = 'gateway hand-over';
/** nginx accepts headers of up to 4 KiB in the answer; the state is a third longer than its target. */
const longestTarget = { ownProxy: 4096, asked: 2048 } as const;

export const createHandOver = (parts: HandOverParts): HandOver => {
  const { services, publicUrl, sealingKey, clock } = parts;
  const { cookieDomain } = parts.settings;
  const { originOf } = services;
  const hostOf = (service: ServiceDefinition): string => new URL(originOf(service)).host;
  const isTarget: HandOver['isTarget'] = (service, url) =>
    isPlainUrl(url) && new URL(url).origin === originOf(service);
  const sealState: HandOver['seal'] = (state) => {
    const kept: HandOverState = { ...state, expiresAt: epochSeconds(clock) + handOverTtl };
    return seal(sealingKey, Buffer.from(JSON.stringify(kept)), purpose);
  };
  const canSetCookie: HandOver['canSetCookie'] = (host, service) => {
    if (cookieDomain === undefined) return host === hostOf(service);
    const name = host.replace(/:\d+$/, '');
    return name === cookieDomain || name.endsWith(`.${cookieDomain}`);
  };

  return {
    signInUrl: (request, { service, tenant, ...decision }) => {
      const origin = originOf(service);
      const longest = request.isOwnProxy ? longestTarget.ownProxy : longestTarget.asked;
      const candidates = [request.path + request.search, request.path, service.prefix ?? '/'];
      const target = candidates
        .map((path) => origin + path)
        .find((url) => url.length <= longest && isTarget(service, url));
      const state = sealState({
        id: randomId(9),
        service: service.name,
        target: target ?? `${origin}/`,
        ...(tenant === undefined ? {} : { tenant: tenant.definition.id }),
        ...(request.tenant !== undefined || decision.outcome === 'step_up' ? { isTenantFixed: true } : {}),
        ...(decision.outcome === 'step_up' ? { demand: decision.demand } : {}),
      });
      const home = tenant === undefined ? publicUrl : tenant.provider.issuer;
      const place = canSetCookie(new URL(home).host, service)
        ? `${home}/gateway/sign-in`
        : `${origin}/.drawbridge/start`;
      return `${place}?state=${state}`;
    },
    seal: sealState,
    open: (sealed) => {
      if (typeof sealed !== 'string') return undefined;
      const state = openState(sealingKey, sealed);
      const service = state === undefined ? undefined : services.byName(state.service);
      if (state === undefined || service === undefined || !isTarget(service, state.target)) return undefined;
      return { state, service, isExpired: state.expiresAt <= epochSeconds(clock) };
    },
    isTarget,
    sessionHost: (service) => (cookieDomain === undefined ? hostOf(service) : `.${cookieDomain}`),
    canSetCookie,
    servicesAt: (host) => services.all.filter((service) => canSetCookie(host, service)),
    originOf,
    addressOf: (name) => {
      const service = services.byName(name);
      return service === undefined ? undefined : `${originOf(service)}${service.prefix ?? '/'}`;
    },
  };
};

/**
 * No space, control character or backslash, and no user name before the host, which programs could read differently.
 */
const isPlainUrl = (url: string): boolean =>
  /^https?:\/\/[^\s\\@/?#]+\/[\x21-\x5b\x5d-\x7e]*$/.test(url) && URL.canParse(url);

const openState = (key: Buffer, sealed: string): HandOverState | undefined => {
  try {
    return JSON.parse(openSealed(key, sealed, purpose).toString('utf8')) as HandOverState; // sealed above
  } catch {
    return undefined;
  }
};
