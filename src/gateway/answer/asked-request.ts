// The proxies that may ask, and the facts that they state about the client.
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../clock.ts';
import { isEqualConstantTime } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { createAddressBlocks, normalizeAddress } from '../../protocol/address-blocks.ts';
import { clientAddress } from '../../web/client-address.ts';
import type { ClientCertificates } from '../../web/client-certificates.ts';
import { hostOf, type RequestOriginOptions } from '../../web/request-checks.ts';
import {
  certificateFingerprint,
  certificateHeader,
  presentedCertificate,
} from '../callers/client-certificate.ts';
import type { Decision, GatewayRequest } from '../gateway-types.ts';
import type { ProxyDialect } from './proxy-dialect.ts';

export interface AskedRequestParts extends RequestOriginOptions {
  /** A proxy that sends this secret may ask from any address. */
  readonly proxySecret?: string | undefined;
  /** Of the public URL, which all services share. */
  readonly publicScheme: 'http' | 'https';
  /**
   * Is it a host that the trusted proxies may pass on to Drawbridge for everybody? A question there may then be any
   * client's, and only the secret proves that the proxy itself asks. Absent: no client reaches any.
   */
  readonly isPublicHost?: (host: string) => boolean;
  readonly certificates: ClientCertificates;
  readonly clock: Clock;
  readonly log: Log;
}

/** The endpoint at which a proxy asks. */
export interface AuthzTarget {
  readonly dialect: ProxyDialect;
  readonly tenant?: string;
  /** What the proxy has appended: path and query of the request that it asks about. */
  readonly appended: string;
}

export interface Asked {
  readonly req: IncomingMessage;
  readonly target: AuthzTarget;
  readonly requestId: string;
}

type Refusal = Extract<Decision, { readonly outcome: 'forbidden' | 'invalid' }>;

const secretHeader = 'x-drawbridge-proxy-secret';

export const untrustedProxyAdvice =
  'add the address of the proxy to server.trustedProxies, or let it send gateway.proxySecret as X-Drawbridge-Proxy-Secret';

export const publicHostAdvice =
  'on this host every client behind the proxy can ask. Set gateway.proxySecret, and let the proxy send it as X-Drawbridge-Proxy-Secret';

/** The advice to the operator who sets up the proxy, when it may not ask. */
export const adviceFor = (reason: string): string =>
  reason === publicHost
    ? `The address of the proxy is not enough: ${publicHostAdvice}`
    : `This address may not ask: ${untrustedProxyAdvice}`;

const publicHost = 'public_host';

/**
 * The request that a proxy asks about. Only trusted proxies get an answer: for any other client the endpoint would be
 * an oracle, and would believe the client address that it states.
 */
export const createReadAskedRequest = (
  parts: AskedRequestParts,
): ((asked: Asked) => GatewayRequest | Refusal) => {
  const {
    trustedProxies,
    isSecure,
    proxySecret,
    certificates,
    isPublicHost = () => false,
    publicScheme,
    log,
  } = parts;
  const isTrusted = trustedProxies.length === 0 ? () => false : createAddressBlocks(trustedProxies);
  const warn = oncePerMinute(parts.clock, (address: string, reason: string) =>
    log.warn({ address, reason }, `a request to /api/authz was refused. ${adviceFor(reason)}`),
  );

  const isProven = (req: IncomingMessage): boolean => {
    const shown = req.headers[secretHeader];
    return proxySecret !== undefined && typeof shown === 'string' && isEqualConstantTime(shown, proxySecret);
  };

  return ({ req, target, requestId }) => {
    const peer = normalizeAddress(req.socket.remoteAddress ?? '');
    if (!isProven(req) && (!isTrusted(peer) || isPublicHost(hostOf(req, isSecure)))) {
      const reason = isTrusted(peer) ? publicHost : 'untrusted_proxy';
      warn(peer, reason);
      return { outcome: 'forbidden', reason };
    }
    const { method, headers: claims, rawHeaders } = req;
    const inbound = { method, headers: claims, rawHeaders, publicScheme };
    const original = target.dialect.readOriginal(inbound, target.appended);
    if ('fault' in original) return { outcome: 'invalid', description: original.fault };
    const { [secretHeader]: _secret, [certificateHeader]: certificate, ...headers } = req.headers;
    const fingerprint = certificateFingerprint(certificate, proxySecret);
    // a connection to this endpoint has the certificate of the proxy at most
    const ofClient =
      certificates.header === undefined ? undefined : presentedCertificate(certificates, req, true);
    return {
      ...original,
      headers,
      // the secret alone may have proven the proxy that asks
      address: clientAddress(
        peer,
        [req.headers['x-forwarded-for']].flat().join(',') || undefined,
        (address) => address === peer || isTrusted(address),
      ),
      requestId,
      ...definedOnly({
        tenant: target.tenant,
        certificateFingerprint: fingerprint,
        certificate: ofClient,
      }),
      isOwnProxy: false,
    };
  };
};

const oncePerMinute = <T extends readonly unknown[]>(
  clock: Clock,
  act: (...values: T) => void,
): ((...values: T) => void) => {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (...values) => {
    const now = clock.now();
    if (now - lastMs >= 0 && now - lastMs < 60_000) return;
    lastMs = now;
    act(...values);
  };
};
