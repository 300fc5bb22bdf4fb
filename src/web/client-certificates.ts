import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { AppError } from '../errors.ts';
import { createAddressBlocks, normalizeAddress } from '../protocol/address-blocks.ts';
import { type CertificateHeaderForm, readCertificateHeader } from './certificate-header.ts';

export interface ClientCertificateOptions {
  /** `tls`: of the connection to this server. Undefined: there are none. */
  readonly source:
    | { readonly from: 'tls' }
    | { readonly from: CertificateHeaderForm; readonly header: string }
    | undefined;
  readonly trustedProxies: readonly string[];
}

/**
 * The certificate of the client of a request, whose key it has proven in a TLS handshake with this server or with a trusted
 * proxy. Authority and dates are not judged here.
 */
export interface ClientCertificates {
  /**
   * @param isProxyProven the peer has proven in another way that it is a trusted proxy
   * @throws AppError `invalid_request` when the header of a trusted proxy cannot be read
   */
  of(req: IncomingMessage, isProxyProven?: boolean): X509Certificate | undefined;
  /** In small letters; no service may see it. Undefined: there is none. */
  readonly header: string | undefined;
}

export const createClientCertificates = ({
  source,
  trustedProxies,
}: ClientCertificateOptions): ClientCertificates => {
  if (source === undefined) return { of: () => undefined, header: undefined };
  if (!('header' in source))
    return {
      of: ({ socket }) => (socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined),
      header: undefined,
    };
  const { from, header } = source;
  const isTrusted = trustedProxies.length === 0 ? () => false : createAddressBlocks(trustedProxies);
  const read = new WeakMap<IncomingMessage, X509Certificate>();
  return {
    header,
    of: (req, isProxyProven = false) => {
      const value = req.headers[header];
      if (value === undefined) return undefined;
      if (!isProxyProven && !isTrusted(normalizeAddress(req.socket.remoteAddress ?? ''))) return undefined;
      const known = read.get(req);
      if (known !== undefined) return known;
      try {
        // several headers of one name are joined, and refused as several certificates
        const certificate = readCertificateHeader(from, [value].flat().join(', '));
        if (certificate !== undefined) read.set(req, certificate);
        return certificate;
      } catch (cause) {
        throw new AppError('invalid_request', `The client certificate in ${header} cannot be read`, {
          cause,
        });
      }
    },
  };
};
