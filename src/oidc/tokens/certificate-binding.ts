import type { X509Certificate } from 'node:crypto';
import { thumbprintOf } from '../../crypto/certificates.ts';
import type { LiveAccessToken } from './access-tokens.ts';

/**
 * May the client that presents this certificate use the token? It is read for bound tokens only: a certificate that cannot be
 * read is no fault of a token that needs none. RFC 8705 section 3, RFC 9449 section 7.1: proofs of DPoP are for userinfo alone.
 */
export const isHeldBy = (
  {
    isSenderConstrained,
    certificateThumbprint,
  }: Pick<LiveAccessToken, 'isSenderConstrained' | 'certificateThumbprint'>,
  readCertificate: () => X509Certificate | undefined,
): boolean => {
  if (!isSenderConstrained) return true;
  if (certificateThumbprint === undefined) return false;
  const certificate = readCertificate();
  return certificate !== undefined && thumbprintOf(certificate) === certificateThumbprint;
};
