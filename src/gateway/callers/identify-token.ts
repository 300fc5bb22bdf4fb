import { isAdmittedByClient } from '../../accounts/client-admission.ts';
import { isJwtShaped, type PresentedCredential } from '../../accounts/presented-credential.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { LiveAccessToken } from '../../oidc/tokens/access-tokens.ts';
import { isHeldBy } from '../../oidc/tokens/certificate-binding.ts';
import { unverifiedClaim } from '../../protocol/unverified-claim.ts';
import { findTenantId } from '../../web/tenant-path.ts';
import { type ChooseTenant, isServedBy, notServed } from '../decision/choose-tenant.ts';
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
import { findUpstreamPerson, notForServices } from './upstream-person.ts';

export interface IdentifyTokenParts {
  readonly findTenant: FindGatewayTenant;
  readonly chooseTenant: ChooseTenant;
  readonly callers: CallerCache;
}

type Presented = Pick<Extract<PresentedCredential, { kind: 'bearer' }>, 'token' | 'scheme'>;

/** Milliseconds. A JWT contains its expiry, and an event reports an earlier end. */
const keptMs = { opaque: 5000, jwt: 60_000 };

/** The caller of an access token: ours, or one of an upstream of the named tenant. */
export const createIdentifyToken = ({ findTenant, chooseTenant, callers }: IdentifyTokenParts) => {
  const identifyAt = async (tenant: GatewayTenant, asked: Asked): Promise<Identification> => {
    const { token, scheme, isTenantNamed } = asked;
    // the two are verified differently, so they do not share answers
    const key = callers.keyOf(tenant.definition, isTenantNamed ? 'token' : 'token of any tenant', token);
    const caller =
      callers.peek(key) ?? (await callers.find(key, tenant.definition.id, () => judge(tenant, asked)));
    // the certificate belongs to the request, and who was found may be remembered from another one
    if (!('status' in caller))
      return isProven(caller, asked.request) ? { status: 'known', caller, tenant } : bad(notProven, scheme);
    // the answer may be shared with a caller that used the other scheme
    return caller.status === 'bad' ? { ...caller, scheme } : caller;
  };

  const judge = async (tenant: GatewayTenant, asked: Asked): Promise<Finding> => {
    const { token } = asked;
    const live = await tenant.accessTokens.verify(token);
    if (live !== undefined) return await findingOf(tenant, live, token);
    // our own token, but ended or of another tenant: no upstream may see it
    if (!asked.isTenantNamed || (await tenantOfIssuer(token)) !== undefined) return bad(invalid);
    return (await findUpstreamPerson(tenant, { token, request: asked.request })) ?? bad(invalid);
  };

  /** The tenant that a JWT names; nothing is verified. */
  const tenantOfIssuer = async (token: string): Promise<GatewayTenant | undefined> => {
    const issuer = isJwtShaped(token) ? unverifiedClaim(token, 'iss') : undefined;
    const id = issuer === undefined ? undefined : idInIssuer(issuer);
    const tenant = id === undefined ? undefined : await findTenant(id);
    return tenant?.provider.issuer === issuer ? tenant : undefined;
  };

  return async (
    request: GatewayRequest,
    service: ServiceDefinition,
    { token, scheme }: Presented,
  ): Promise<Identification> => {
    const choice = chooseTenant(request, service);
    if (choice.status === 'forbidden') return choice;
    if (choice.status === 'unreadable')
      return { ...bad('X-ID-TENANT-NAME is no name of a tenant', scheme), error: 'invalid_request' };
    const asked = { request, token, scheme };
    if (choice.status === 'chosen') {
      const tenant = await findTenant(choice.tenant);
      return tenant === undefined ? notServed : identifyAt(tenant, { ...asked, isTenantNamed: true });
    }
    const unnamed = { ...asked, isTenantNamed: false };
    const issuing = await tenantOfIssuer(token);
    if (issuing !== undefined)
      return isServedBy(service, issuing.definition.id) ? identifyAt(issuing, unnamed) : notServed;
    const { tenants } = service;
    if (isJwtShaped(token) || tenants === 'all' || tenants.length > tenantsTried)
      return { ...bad('Say in X-ID-TENANT-NAME whose token this is', scheme), error: 'invalid_request' };
    return identifyAtFirst(tenants, {
      findTenant,
      identifyAt: (tenant) => identifyAt(tenant, unnamed),
      unknown: bad(invalid, scheme),
    });
  };
};

interface Asked extends Presented {
  readonly request: GatewayRequest;
  /** Is it certain which tenant's upstreams may be asked? */
  readonly isTenantNamed: boolean;
}

const invalid = 'The token is not valid';
const notProven = 'This token is good only together with the certificate that it is bound to';

/** RFC 8705 section 3. */
const isProven = ({ certificateThumbprint }: Caller, { certificate }: GatewayRequest): boolean =>
  certificateThumbprint === undefined ||
  isHeldBy({ isSenderConstrained: true, certificateThumbprint }, () =>
    certificate === 'unreadable' ? undefined : certificate,
  );

const bad = (description: string, scheme: 'Basic' | 'Bearer' = 'Bearer') =>
  ({ status: 'bad', scheme, error: 'invalid_token', description }) as const satisfies NotKnown;

const idInIssuer = (issuer: string): string | undefined =>
  URL.canParse(issuer) ? findTenantId(new URL(issuer).pathname) : undefined;

const findingOf = async (tenant: GatewayTenant, live: LiveAccessToken, token: string): Promise<Finding> => {
  const { certificateThumbprint } = live;
  // RFC 9449 section 7.2: the proof is not for Drawbridge
  if (live.isSenderConstrained && certificateThumbprint === undefined)
    return bad('This token is good only together with a proof of its key');
  const { account, provenBy, clientId, isThirdParty, scopes, audiences, amr, expiresAt, revocationIds } =
    live;
  const { sources } = tenant.definition;
  // whichever client has the token: services use no source with `clients`
  if (account !== undefined && !isAdmittedByClient(sources, undefined, { account, provenBy }))
    return notForServices;
  const { acr, authTime } = live;
  const proof = {
    method: 'bearer' as const,
    scopes,
    ...(audiences.length === 0 ? {} : { audiences }),
    clientId,
    isThirdParty,
    amr,
    expiresAt,
    revocationIds,
    ...definedOnly({ acr, authTime, certificateThumbprint }),
  };
  const caller: Caller =
    account === undefined
      ? { ...clientOf(tenant, clientId), ...proof }
      : agreed(await personOf(tenant, account, proof), live);
  return { caller, keptMs: isJwtShaped(token) ? keptMs.jwt : keptMs.opaque };
};

/** The person has agreed for a third-party client to some claims only, by scope (OpenID Connect Core section 5.4). */
const agreed = (
  { name, email, emailVerified, groups, roles, ...person }: Caller,
  { isThirdParty, identityScopes }: LiveAccessToken,
): Caller => {
  const has = (scope: string): boolean => !isThirdParty || identityScopes.includes(scope);
  return {
    ...person,
    ...(has('profile') ? definedOnly({ name }) : {}),
    ...(has('email') ? definedOnly({ email }) : {}),
    emailVerified: has('email') && emailVerified,
    groups: has('groups') ? groups : [],
    roles: has('roles') ? roles : [],
  };
};

/**
 * A client that acts for itself: its id may equal the name of a person, so it must not be identified as that person.
 */
const clientOf = (tenant: GatewayTenant, clientId: string) =>
  ({
    tenant: tenant.definition.id,
    issuer: tenant.provider.issuer,
    sub: clientId,
    kind: 'client',
    username: '',
    emailVerified: false,
    groups: [],
    roles: [],
  }) as const;
