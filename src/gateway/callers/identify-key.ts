import { grantedBy } from '../../accounts/api-keys/key-limits.ts';
import { isNameOfOwner } from '../../accounts/api-keys/name-of-owner.ts';
import { isAdmittedByClient } from '../../accounts/client-admission.ts';
import type { PresentedCredential } from '../../accounts/presented-credential.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { type ApiKeyParts, readApiKey } from '../../crypto/api-key.ts';
import { definedOnly } from '../../defined-only.ts';
import { createAddressBlocks } from '../../protocol/address-blocks.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { type ChooseTenant, notServed } from '../decision/choose-tenant.ts';
import type {
  Caller,
  FindGatewayTenant,
  GatewayRequest,
  GatewayTenant,
  Identification,
} from '../gateway-types.ts';
import type { CallerCache, Finding, NotKnown } from './caller-cache.ts';
import { identifyAtFirst, tenantsTried } from './first-tenant.ts';
import { personOf } from './person.ts';
import { notForServices } from './upstream-person.ts';

export interface IdentifyKeyParts {
  readonly findTenant: FindGatewayTenant;
  readonly chooseTenant: ChooseTenant;
  readonly callers: CallerCache;
}

type Presented = Extract<PresentedCredential, { kind: 'apiKey' }>;

interface Asked extends Presented {
  readonly request: GatewayRequest;
  readonly parts: ApiKeyParts;
}

/** Milliseconds. */
const keptMs = 5000;

const invalid = 'The API key is not valid';

const bad = (scheme: Presented['scheme'], description: string) =>
  ({ status: 'bad', scheme, error: 'invalid_token', description }) as const satisfies NotKnown;

/** The caller of an API key. One with a typing error is refused without a look at the store. */
export const createIdentifyKey = ({ findTenant, chooseTenant, callers }: IdentifyKeyParts) => {
  const identifyAt = async (tenant: GatewayTenant, asked: Asked): Promise<Identification> => {
    const { key, login = '', scheme } = asked;
    const cacheKey = callers.keyOf(tenant.definition, 'API key', key, canonicalLogin(login) ?? login);
    const caller =
      callers.peek(cacheKey) ??
      (await callers.find(cacheKey, tenant.definition.id, () => findCaller(tenant, asked)));
    // the answer may be shared with a caller that used the other scheme
    if ('status' in caller) return caller.status === 'bad' ? { ...caller, scheme } : caller;
    return { status: 'known', caller, tenant };
  };

  const identify = async (
    request: GatewayRequest,
    service: ServiceDefinition,
    presented: Presented,
  ): Promise<Identification> => {
    const { scheme } = presented;
    const parts = readApiKey(presented.key);
    if (parts === undefined) return bad(scheme, 'The API key is not complete, or has a typing error');
    const choice = chooseTenant(request, service);
    if (choice.status === 'forbidden') return choice;
    if (choice.status === 'unreadable')
      return { ...bad(scheme, 'X-ID-TENANT-NAME is no name of a tenant'), error: 'invalid_request' };
    const asked = { ...presented, request, parts };
    if (choice.status === 'chosen') {
      const tenant = await findTenant(choice.tenant);
      return tenant === undefined ? notServed : identifyAt(tenant, asked);
    }
    const { tenants } = service;
    if (tenants === 'all' || tenants.length > tenantsTried)
      return { ...bad(scheme, 'Say in X-ID-TENANT-NAME whose API key this is'), error: 'invalid_request' };
    return identifyAtFirst(tenants, {
      findTenant,
      identifyAt: (tenant) => identifyAt(tenant, asked),
      unknown: bad(scheme, invalid),
    });
  };

  return async (
    request: GatewayRequest,
    service: ServiceDefinition,
    presented: Presented,
  ): Promise<Identification> => {
    const found = await identify(request, service, presented);
    if (found.status !== 'known') return found;
    const reason = obstacleFor(found.caller, { request, service });
    return reason === undefined ? found : { status: 'forbidden', reason };
  };
};

/** Whoever sends a name with the key must send that of its owner. */
const findCaller = async (
  tenant: GatewayTenant,
  { parts, login, scheme, request: { address, requestId } }: Asked,
): Promise<Finding> => {
  const found = await tenant.findKey(parts, { address, requestId });
  if (found === undefined) return bad(scheme, invalid);
  const { key, owner, expiresAt } = found;
  // services use no source with `clients`
  if (!isAdmittedByClient(tenant.definition.sources, undefined, { account: owner, provenBy: undefined }))
    return notForServices;
  if (!isNameOfOwner(login, owner)) return bad(scheme, invalid);
  const { services, networks, resources, scopes = [] } = key;
  const caller = await personOf(
    tenant,
    { ...owner, ...grantedBy(key, owner) },
    {
      method: 'apikey',
      amr: [],
      scopes,
      keyLimits: definedOnly({ services, isFromNetworks: networks && createAddressBlocks(networks) }),
      revocationIds: [key.id],
      ...definedOnly({
        audiences: resources,
        expiresAt: expiresAt === undefined ? undefined : Math.floor(expiresAt / 1000),
      }),
    },
  );
  return { caller, keptMs };
};

/** For the log. */
const obstacleFor = (
  { keyLimits: { services, isFromNetworks = () => true } = {} }: Caller,
  { request, service }: { readonly request: GatewayRequest; readonly service: ServiceDefinition },
): string | undefined => {
  if (services !== undefined && !services.includes(service.name)) return 'api_key_service';
  return isFromNetworks(request.address) ? undefined : 'api_key_network';
};
