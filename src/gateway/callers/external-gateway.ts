// API gateways in front of Drawbridge that have authenticated the caller. A tenant that names a gateway accepts the
// user that it states, when the gateway proves itself.
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { TenantGateway, TrustedGateway } from '../../config/gateway/gateway-definition.ts';
import { isWithinDates } from '../../crypto/certificates.ts';
import { hashId, isEqualConstantTime } from '../../crypto/ids.ts';
import type { GatewayRequest, GatewayTenant, Identification } from '../gateway-types.ts';
import type { CallerCache, NotKnown } from './caller-cache.ts';
import { createAssertionCheck } from './gateway-assertion.ts';
import { personOf } from './person.ts';

export interface ExternalGateways {
  /**
   * The caller that a gateway of this tenant names. `nothing`: no gateway has presented a proof, or the gateway names
   * no user. A wrong proof is final.
   * @throws AppError `unavailable`
   */
  identify(request: GatewayRequest, tenant: GatewayTenant): Promise<Identification>;
}

export interface ExternalGatewaysParts {
  readonly clock: Clock;
  readonly callers: CallerCache;
}

const keptMs = 5000;

/** A gateway that has proven itself. */
interface Proven {
  readonly gateway: TrustedGateway;
  /** The claims of its assertion. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** An assertion that does not prove this gateway. */
interface Fault {
  /** Id of the gateway. */
  readonly clientId: string;
  readonly reason: string;
}

interface Tried {
  readonly proven: readonly Proven[];
  readonly faults: readonly Fault[];
}

type Bad = Extract<Identification, { readonly status: 'bad' }>;

interface HeaderGateway extends TrustedGateway {
  readonly proof: Exclude<TrustedGateway['proof'], { readonly type: 'certificate' }>;
}

const bad = (description: string): Bad => ({
  status: 'bad',
  scheme: 'Bearer',
  error: 'invalid_token',
  description,
});

/**
 * Names of the headers, in small letters, by which the gateways of a tenant prove themselves and name users: no service
 * may see them.
 */
export const gatewayHeadersOf = ({ trustedGateways }: TenantGateway): readonly string[] => [
  ...new Set(
    trustedGateways
      .flatMap(({ proof, user }) => [
        ...('header' in proof ? [proof.header] : []),
        ...('header' in user ? [user.header] : []),
      ])
      .map((name) => name.toLowerCase()),
  ),
];

export const createExternalGateways = (parts: ExternalGatewaysParts): ExternalGateways => {
  const verifyAssertion = createAssertionCheck(parts);

  /** The gateways with this proof header that this value proves. */
  const provenBy = async (value: string, gateways: readonly HeaderGateway[]): Promise<Tried> => {
    const proven: Proven[] = [];
    const faults: Fault[] = [];
    for (const gateway of gateways) {
      const { proof } = gateway;
      if (proof.type === 'secret') {
        if (isEqualConstantTime(value, proof.secret)) proven.push({ gateway });
        continue;
      }
      const verdict = await verifyAssertion(proof, value);
      if ('claims' in verdict) proven.push({ gateway, claims: verdict.claims });
      else faults.push({ clientId: gateway.id, reason: verdict.fault });
    }
    return { proven, faults };
  };

  /** In the file's order. Every proof that is presented must be right. */
  const findProven = async (
    request: GatewayRequest,
    tenant: GatewayTenant,
  ): Promise<readonly Proven[] | NotKnown> => {
    const { trustedGateways } = tenant.definition.gateway;
    const proven: Proven[] = provenByCertificate(fingerprintIn(request, parts.clock), trustedGateways);
    let wrong = false;
    for (const [value, gateways] of shownProofs(request.headers, trustedGateways)) {
      const { proven: found, faults } = await provenBy(value, gateways);
      // a signature cannot be guessed; a wrong clock must not block a gateway for longer than it is wrong
      if (gateways.some(({ proof }) => proof.type === 'secret')) {
        const refusal = await judge(request, tenant, found.length > 0);
        if (refusal !== undefined) return refusal;
      }
      if (found.length === 0) await noteFaults(request, tenant, faults);
      wrong ||= found.length === 0;
      proven.push(...found);
    }
    if (wrong) return bad('The proof of the gateway in front is not right');
    return trustedGateways.flatMap((gateway) => proven.filter((each) => each.gateway === gateway));
  };

  /** The person is looked up again every few seconds; the proof is checked each time. */
  const findCaller = (
    { login, gateway }: { readonly login: string; readonly gateway: TrustedGateway },
    tenant: GatewayTenant,
  ) => {
    const { definition } = tenant;
    return parts.callers.find(
      parts.callers.keyOf(definition, 'gateway', gateway.id, login),
      definition.id,
      async () => {
        const account = await tenant.accounts.findAsserted(login);
        if (account === undefined) return { status: 'forbidden', reason: 'gateway_user_unknown_or_barred' };
        const proof = { method: 'gateway', clientId: gateway.id, amr: [], revocationIds: [] } as const;
        return { caller: await personOf(tenant, account, proof), keptMs };
      },
    );
  };

  return {
    identify: async (request, tenant) => {
      if (tenant.definition.gateway.trustedGateways.length === 0) return { status: 'nothing' };
      const proven = await findProven(request, tenant);
      if ('status' in proven) return proven;
      for (const each of proven) {
        const named = readUser(each, request.headers);
        if (named === undefined) continue;
        if ('status' in named) return named;
        const caller = await findCaller({ ...named, ...each }, tenant);
        return 'status' in caller ? caller : { status: 'known', caller, tenant };
      }
      return { status: 'nothing' };
    },
  };
};

const judge = async (
  { address, requestId }: GatewayRequest,
  { accounts }: GatewayTenant,
  isRight: boolean,
): Promise<NotKnown | undefined> => {
  const verdict = await accounts.judgeSecret({ isRight, action: 'gateway.proof', address, requestId });
  return verdict.ok || verdict.reason === 'credentials'
    ? undefined
    : { status: 'throttled', retryAfterSeconds: verdict.retryAfterSeconds };
};

/** A wrong secret has its record from `judge`. */
const noteFaults = async (
  { address, requestId }: GatewayRequest,
  { accounts }: GatewayTenant,
  faults: readonly Fault[],
): Promise<void> => {
  for (const fault of faults)
    await accounts.noteAttack({ action: 'gateway.assertion', ...fault, address, requestId });
};

/** The value of each proof header that was sent, with the gateways that use it: one header may serve several. */
const shownProofs = (
  headers: IncomingHttpHeaders,
  gateways: readonly TrustedGateway[],
): readonly (readonly [string, readonly HeaderGateway[]])[] => {
  const users = gateways.filter(usesHeader);
  const names = new Set(users.map(({ proof }) => proof.header.toLowerCase()));
  return [...names].flatMap((name) => {
    const value = headerOf(headers, name);
    return value === undefined
      ? []
      : [[value, users.filter(({ proof }) => proof.header.toLowerCase() === name)] as const];
  });
};

const usesHeader = (gateway: TrustedGateway): gateway is HeaderGateway =>
  gateway.proof.type !== 'certificate';

/** As a proxy with the secret states it, else of the certificate of the client itself. */
const fingerprintIn = (
  { certificateFingerprint, certificate }: GatewayRequest,
  clock: Clock,
): string | undefined => {
  if (certificateFingerprint !== undefined || certificate === undefined || certificate === 'unreadable')
    return certificateFingerprint;
  return isWithinDates(certificate, clock.now())
    ? certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    : undefined;
};

/** An unknown certificate proves nothing and is no error: it may be meant for the service. */
const provenByCertificate = (
  fingerprint: string | undefined,
  gateways: readonly TrustedGateway[],
): Proven[] =>
  fingerprint === undefined
    ? []
    : gateways.flatMap((gateway) =>
        gateway.proof.type === 'certificate' && gateway.proof.fingerprints.includes(fingerprint.toLowerCase())
          ? [{ gateway }]
          : [],
      );

/** Undefined when the gateway names no user: the request is then treated as one without the gateway. */
const readUser = (
  { gateway: { user }, claims }: Proven,
  headers: IncomingHttpHeaders,
): { readonly login: string } | Bad | undefined => {
  switch (user.type) {
    case 'header': {
      const login = headerOf(headers, user.header);
      return login === undefined ? undefined : { login };
    }
    case 'subscription': {
      const key = headerOf(headers, user.header);
      if (key === undefined) return undefined;
      const hash = hashId(key);
      const login = Object.hasOwn(user.keys, hash) ? user.keys[hash] : undefined;
      return login === undefined ? bad('The subscription key is not known') : { login };
    }
    case 'claim': {
      const login =
        claims !== undefined && Object.hasOwn(claims, user.claim) ? claims[user.claim] : undefined;
      return typeof login === 'string' && login !== '' ? { login } : undefined;
    }
  }
};

/** Undefined when absent or empty. Node reads bytes as Latin-1, names are sent as UTF-8. */
const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name.toLowerCase()];
  if (value === undefined || value === '') return undefined;
  return Buffer.from(String(value), 'latin1').toString('utf8');
};
