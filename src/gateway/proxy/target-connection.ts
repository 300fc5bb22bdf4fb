import { isIP } from 'node:net';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import type { ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';

/** The connections to a service, which are kept and used again. */
export interface TargetConnection {
  /** Of the target, without a path. */
  readonly url: URL;
  /** Goes in front of every path; empty, or begins with a slash. */
  readonly basePath: string;
  readonly dispatcher: Dispatcher;
  /** With TLS: the name that the certificate must have. Left alone, it would be made of the `Host` that is sent. */
  readonly serverName?: string;
  /** Closes the open connections. */
  close(): void;
}

/** Many, because streams use theirs for a long time. Further requests wait, as long as an answer may take. */
const socketsAtMost = 2048;
/** Milliseconds; most servers close idle connections after five seconds or more, and say so. */
const keptIdleMs = 30_000;

export const createTargetConnection = (target: ServiceTarget): TargetConnection => {
  const { origin, hostname, pathname, protocol } = new URL(target.url);
  const { serverName, ca, cert, key } = target.tls ?? {};
  const name = serverName ?? hostname.replace(/^\[|\]$/g, '');
  const connect = buildConnector({
    timeout: target.connectTimeoutMs,
    rejectUnauthorized: true,
    ...definedOnly({ ca, cert, key }),
  });
  const dispatcher = new Pool(origin, {
    connections: socketsAtMost,
    pipelining: 1,
    // an IP address must not be sent as a server name (RFC 6066 section 3)
    connect: (options, callback) =>
      connect({ ...options, servername: isIP(name) === 0 ? name : '' }, callback),
    keepAliveTimeout: keptIdleMs,
    // the limits of each exchange are counted by `idle-timer.ts`
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    url: new URL(origin),
    ...(protocol === 'https:' ? { serverName: name } : {}),
    basePath: pathname.replace(/\/$/, ''),
    dispatcher,
    close: () => void dispatcher.destroy(),
  };
};
