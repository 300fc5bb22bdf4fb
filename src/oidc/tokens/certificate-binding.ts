import type { X509Certificate } from 'node:crypto';
import { thumbprintOf } from '../../crypto/certificates.ts';
import type { LiveAccessToken } from './access-tokens.ts';

/**
 * May the client that presents this certificate use the token? RFC 8705 section 3, RFC 9449 section 7.1: proofs of DPoP are for
 * userinfo alone.
 */
export const isHeldBy = (
  {
    isSenderConstrained,
    certificateThumbprint,
  }: Pick<LiveAccessToken, 'isSenderConstrained' | 'certificateThumbprint'>,
  certificate: X509Certificate | undefined,
): boolean =>
  !isSenderConstrained ||
  (certificateThumbprint !== undefined &&
    certificate !== undefined &&
    thumbprintOf(certificate) === certificateThumbprint);
