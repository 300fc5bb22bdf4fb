// Certificates of clients (RFC 8705), for the library: it compares thumbprints and binds tokens itself.
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { createCertificateTrust, hasName, isWithinDates } from '../../crypto/certificates.ts';
import { isAppError } from '../../errors.ts';
import type { CertificateNameKind } from '../../protocol/certificate-name.ts';
import type { Offered } from './offered.ts';

export interface CertificatesOfRequests {
  /** @throws AppError `invalid_request` when there is one that cannot be read */
  readonly of: (req: IncomingMessage) => X509Certificate | undefined;
  /** Origin at which clients are asked for their certificates, if that is not the issuer's. */
  readonly url?: string | undefined;
}

export interface MutualTlsParts {
  readonly definition: TenantDefinition;
  readonly offered: Offered;
  readonly certificates: CertificatesOfRequests;
  readonly clock: Clock;
}

type MutualTls = NonNullable<NonNullable<Configuration['features']>['mTLS']>;

export const mutualTls = ({ definition, offered, certificates, clock }: MutualTlsParts): MutualTls => {
  const authorities = definition.certificates?.ca;
  const trust = authorities === undefined ? undefined : createCertificateTrust(authorities);

  const getCertificate = (ctx: KoaContextWithOIDC): X509Certificate | undefined => {
    const certificate = certificateOf(certificates, ctx);
    const isSelfSigned = ctx.oidc.client?.clientAuthMethod === 'self_signed_tls_client_auth';
    if (isSelfSigned && certificate !== undefined && !isWithinDates(certificate, clock.now()))
      throw refusal(expired);
    return certificate;
  };

  return {
    // a token that was bound stays bound when the last client of the tenant has changed to another method
    getCertificate,
    enabled: offered.usesCertificates,
    certificateBoundAccessTokens: offered.hasCertificateBoundTokens,
    tlsClientAuth: offered.clientAuthMethods.includes('tls_client_auth'),
    selfSignedTlsClientAuth: offered.clientAuthMethods.includes('self_signed_tls_client_auth'),
    certificateAuthorized: (ctx) => {
      const certificate = getCertificate(ctx);
      const verdict = certificate === undefined ? undefined : trust?.judge(certificate, clock.now());
      if (verdict === 'expired') throw refusal(expired);
      if (verdict !== 'trusted') throw refusal('the client certificate is of no authority of this tenant');
      return true;
    },
    certificateSubjectMatches: (ctx, property, expected) => {
      const certificate = getCertificate(ctx);
      const kind = property.slice('tls_client_auth_'.length) as CertificateNameKind; // the library has these five
      if (certificate === undefined || !hasName(certificate, { kind, value: expected }))
        throw refusal('the client certificate is of another subject than that of the client');
      return true;
    },
  };
};

/** RFC 8705 section 5: the endpoints that programs use directly. */
export const endpointAliases = (
  issuer: string,
  { certificates: { url }, offered }: Pick<MutualTlsParts, 'certificates' | 'offered'>,
): Readonly<Record<string, unknown>> => {
  if (url === undefined || !offered.usesCertificates) return {};
  const base = `${url}${new URL(issuer).pathname}`;
  return {
    mtls_endpoint_aliases: {
      token_endpoint: `${base}/token`,
      introspection_endpoint: `${base}/token/introspection`,
      revocation_endpoint: `${base}/token/revocation`,
      pushed_authorization_request_endpoint: `${base}/request`,
      userinfo_endpoint: `${base}/me`,
      ...(offered.hasDeviceFlow ? { device_authorization_endpoint: `${base}/device/auth` } : {}),
    },
  };
};

const expired = 'the client certificate, or its authority, is not valid at this time';

const refusal = (words: string): Error =>
  Object.assign(new errors.InvalidClientAuth(words), { error_description: words });

/** @throws errors.InvalidRequest when there is one that cannot be read */
export const certificateOf = (
  certificates: CertificatesOfRequests,
  { req }: KoaContextWithOIDC,
): X509Certificate | undefined => {
  try {
    return certificates.of(req);
  } catch (error) {
    if (isAppError(error, 'invalid_request')) throw new errors.InvalidRequest(error.message);
    throw error;
  }
};
