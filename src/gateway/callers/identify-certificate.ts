import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import type { CertificateRules } from '../../config/tenant/tenant-definition.ts';
import {
  type CertificateTrust,
  createCertificateTrust,
  endOf,
  hasName,
  thumbprintOf,
} from '../../crypto/certificates.ts';
import type { ChooseTenant } from '../decision/choose-tenant.ts';
import type { FindGatewayTenant, GatewayRequest, GatewayTenant, Identification } from '../gateway-types.ts';
import type { CallerCache, Finding, NotKnown } from './caller-cache.ts';
import { identifyAtFirst, tenantsTried } from './first-tenant.ts';
import { personOf } from './person.ts';

export interface IdentifyCertificateParts {
  readonly findTenant: FindGatewayTenant;
  readonly chooseTenant: ChooseTenant;
  readonly callers: CallerCache;
  readonly clock: Clock;
}

interface Asked {
  readonly request: GatewayRequest;
  readonly certificate: NonNullable<GatewayRequest['certificate']>;
  /** Is it certain that the request is for this tenant? */
  readonly isTenantNamed: boolean;
}

interface Presented {
  readonly certificate: X509Certificate;
  readonly thumbprint: string;
}

/** Milliseconds. */
const keptMs = 5000;

const nothing = { status: 'nothing' } as const;

const bad = (description: string, error: 'invalid_token' | 'invalid_request' = 'invalid_token') =>
  ({ status: 'bad', scheme: 'Bearer', error, description }) as const satisfies NotKnown;

/**
 * The system user whose certificate the client has presented. `nothing`: the tenant knows no such name; the certificate may be
 * meant for the service, or be that of a person.
 */
export const createIdentifyCertificate = ({
  findTenant,
  chooseTenant,
  callers,
  clock,
}: IdentifyCertificateParts) => {
  const trusts = new WeakMap<CertificateRules, CertificateTrust>();
  const trustOf = (rules: CertificateRules): CertificateTrust => {
    const trust = trusts.get(rules) ?? createCertificateTrust(rules.ca);
    trusts.set(rules, trust);
    return trust;
  };

  const findCaller = async (
    tenant: GatewayTenant,
    { request: { address, requestId }, isTenantNamed, certificate, thumbprint }: Asked & Presented,
  ): Promise<Finding> => {
    const rules = tenant.definition.certificates;
    const machine = rules?.machines.find(({ name }) => hasName(certificate, name));
    if (rules === undefined || machine === undefined) return nothing;
    const verdict = trustOf(rules).judge(certificate, clock.now());
    if (verdict !== 'trusted') {
      const reason = `${verdict}, SHA-256 ${thumbprint}`;
      // where the tenant is not certain, it may be the right one of another tenant
      if (isTenantNamed)
        await tenant.accounts.noteAttack({ action: 'gateway.certificate', reason, address, requestId });
      return bad(
        verdict === 'expired'
          ? 'The client certificate, or its authority, is not valid at this time'
          : 'The client certificate is of no authority of this tenant',
      );
    }
    const use = { login: machine.user, thumbprint, address, requestId };
    const account = await tenant.accounts.findMachine(use);
    if (account === undefined) return { status: 'forbidden', reason: 'certificate_user_unknown_or_barred' };
    const expiresAt = Math.floor(endOf(certificate) / 1000);
    const proof = { method: 'certificate', amr: [], revocationIds: [], expiresAt } as const;
    return { caller: await personOf(tenant, account, proof), keptMs };
  };

  const identifyAt = async (tenant: GatewayTenant, asked: Asked): Promise<Identification> => {
    if ((tenant.definition.certificates?.machines ?? []).length === 0) return nothing;
    const { certificate } = asked;
    if (certificate === 'unreadable')
      return bad('The proxy in front sent a client certificate that cannot be read', 'invalid_request');
    const thumbprint = thumbprintOf(certificate);
    const key = callers.keyOf(tenant.definition, 'certificate', thumbprint);
    const ask = (): Promise<Finding> => findCaller(tenant, { ...asked, certificate, thumbprint });
    const caller = callers.peek(key) ?? (await callers.find(key, tenant.definition.id, ask));
    return 'status' in caller ? caller : { status: 'known', caller, tenant };
  };

  return async (request: GatewayRequest, service: ServiceDefinition): Promise<Identification> => {
    const { certificate } = request;
    if (certificate === undefined) return nothing;
    const choice = chooseTenant(request, service);
    const asked = { request, certificate };
    if (choice.status === 'chosen') {
      const tenant = await findTenant(choice.tenant);
      return tenant === undefined ? nothing : identifyAt(tenant, { ...asked, isTenantNamed: true });
    }
    if (choice.status !== 'open' || service.tenants === 'all' || service.tenants.length > tenantsTried)
      return nothing;
    return identifyAtFirst(service.tenants, {
      findTenant,
      identifyAt: (tenant) => identifyAt(tenant, { ...asked, isTenantNamed: false }),
      unknown: nothing,
      // the certificate that is wrong here may be right at another one
      isFinal: ({ status }) => status === 'known' || status === 'forbidden',
    });
  };
};
