import { createHash, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isEqualConstantTime } from '../../crypto/ids.ts';
import { isAppError } from '../../errors.ts';
import type { ClientCertificates } from '../../web/client-certificates.ts';
import type { GatewayRequest } from '../gateway-types.ts';

/** The header of a request, in small letters; its value is a secret. */
export const certificateHeader = 'x-drawbridge-client-cert';

/**
 * SHA-256 of the client certificate that a proxy passes on, hexadecimal; undefined when there is none.
 * `<proxy secret> <certificate>`: clients can send headers too, and certificates are no secrets, so only the secret
 * proves that the proxy has set this header. Accepts nginx's `$ssl_client_escaped_cert` and the form of RFC 9440.
 */
export const certificateFingerprint = (
  shown: string | readonly string[] | undefined,
  proxySecret: string | undefined,
): string | undefined => {
  if (typeof shown !== 'string' || proxySecret === undefined) return undefined;
  const { length } = proxySecret;
  if (!isEqualConstantTime(shown.slice(0, length + 1), `${proxySecret} `)) return undefined;
  const written = shown.slice(length + 1).trim();
  const [, base64] = /^:([A-Za-z0-9+/=]+):$/.exec(written) ?? [];
  try {
    const { raw } = new X509Certificate(
      base64 === undefined ? decodeURIComponent(written) : Buffer.from(base64, 'base64'),
    );
    return createHash('sha256').update(raw).digest('hex');
  } catch {
    return undefined;
  }
};

/** @param isProxyProven the peer is a trusted proxy, whatever its address */
export const presentedCertificate = (
  certificates: ClientCertificates,
  req: IncomingMessage,
  isProxyProven = false,
): GatewayRequest['certificate'] => {
  try {
    return certificates.of(req, isProxyProven);
  } catch (error) {
    if (isAppError(error, 'invalid_request')) return 'unreadable';
    throw error;
  }
};
