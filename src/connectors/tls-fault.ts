interface TlsFault {
  /** The code of OpenSSL or Node. */
  readonly code: string;
  readonly advice: string;
}

const renew = 'renew the certificate of that server, or check the clock of this machine';
const trust = 'set tls.ca of the source to the authority that signed the certificate';
const encryption = 'see that the port speaks TLS, in a version that is still accepted (1.2 or later)';
const ownCertificate = 'set tls.cert and tls.key of the source to a certificate that the server accepts';

const advices: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', renew],
  ['CERT_NOT_YET_VALID', renew],
  ['CERT_REVOKED', 'replace the certificate of that server'],
  ['CERT_REJECTED', trust],
  ['CERT_UNTRUSTED', trust],
  ['CERT_SIGNATURE_FAILURE', trust],
  ['CERT_CHAIN_TOO_LONG', trust],
  ['INVALID_CA', trust],
  ['INVALID_PURPOSE', 'give that server a certificate that is made for servers'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', trust],
  ['SELF_SIGNED_CERT_IN_CHAIN', trust],
  ['UNABLE_TO_GET_ISSUER_CERT', trust],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', trust],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', trust],
  ['HOSTNAME_MISMATCH', 'use the name in the certificate, or set tls.serverName of the source to it'],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'use the name in the certificate, or set tls.serverName of the source to it',
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', encryption],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', encryption],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', encryption],
  ['ERR_SSL_NO_PROTOCOLS_AVAILABLE', encryption],
  ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'tls.cert and tls.key of the source do not belong together'],
]);

/** RFC 8446 section 6.2: the server refuses the certificate that it was sent, or misses one. */
const certificateAlert =
  /ALERT_(?:CERTIFICATE_|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/;
/** The two sides have no version or cipher in common. */
const agreementAlert = /ALERT_(?:PROTOCOL_VERSION|HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY)/;

/**
 * Why TLS with a server fails until a certificate or a setting is changed; undefined for other errors, which may pass.
 * Only a failed check counts: a connection that is lost during the handshake is an outage.
 */
export const tlsFaultOf = (error: unknown): TlsFault | undefined => {
  for (let one = error, depth = 0; typeof one === 'object' && one !== null && depth < 5; depth += 1) {
    const { code, cause } = one as { code?: unknown; cause?: unknown }; // any value can be thrown
    const advice = typeof code === 'string' ? adviceFor(code) : undefined;
    if (advice !== undefined) return { code: String(code), advice };
    one = cause;
  }
  return undefined;
};

const adviceFor = (code: string): string | undefined => {
  if (certificateAlert.test(code)) return ownCertificate;
  return agreementAlert.test(code) ? encryption : advices.get(code);
};
