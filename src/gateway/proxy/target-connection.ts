import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import type { ServiceTarget } from '../../config/gateway-definition.ts';

/** How a service is reached: its connections are kept and used again. */
export interface TargetConnection {
  /** Of the target, without a path. */
  readonly url: URL;
  /** Goes in front of every path; empty, or begins with a slash. */
  readonly basePath: string;
  /** For ordinary requests. */
  readonly dispatcher: Dispatcher;
  /** With TLS: the name that the certificate must have. Left alone, it would be made of the `Host` that is sent. */
  readonly serverName?: string;
  /** For those that become WebSockets. */
  readonly agent: HttpAgent;
  /** Cuts what is open. */
  close(): void;
}

/** Many, for streams hold theirs for long. Whoever comes then waits, as long as an answer may take. */
const socketsAtMost = 2048;
const idleSocketsAtMost = 128;
/** Milliseconds; most servers close idle connections after five seconds or more, and say so. */
const keptIdleMs = 30_000;

/** Too slow, and not broken: `code` is `ETIMEDOUT`. */
const connectTimeout = (): Error =>
  Object.assign(new Error('the service did not take the connection in time'), { code: 'ETIMEDOUT' });

export const createTargetConnection = (target: ServiceTarget): TargetConnection => {
  const { origin, hostname, pathname, protocol } = new URL(target.url);
  const shared = {
    keepAlive: true,
    maxSockets: socketsAtMost,
    maxFreeSockets: idleSocketsAtMost,
    timeout: keptIdleMs,
  };
  const { serverName, ca, cert, key } = target.tls ?? {};
  const agent =
    protocol === 'https:'
      ? new HttpsAgent({
          ...shared,
          rejectUnauthorized: true,
          ...(ca === undefined ? {} : { ca }),
          ...(cert === undefined ? {} : { cert }),
          ...(key === undefined ? {} : { key }),
          ...(serverName === undefined ? {} : { servername: serverName }),
        })
      : new HttpAgent(shared);
  limitConnecting(agent, {
    event: protocol === 'https:' ? 'secureConnect' : 'connect',
    timeoutMs: target.connectTimeoutMs,
  });
  const name = serverName ?? hostname.replace(/^\[|\]$/g, '');
  const connect = buildConnector({
    timeout: target.connectTimeoutMs,
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
  const dispatcher = new Pool(origin, {
    connections: socketsAtMost,
    pipelining: 1,
    // no address may be asked for by name (RFC 6066 section 3)
    connect: (options, callback) =>
      connect({ ...options, servername: isIP(name) === 0 ? name : '' }, callback),
    keepAliveTimeout: keptIdleMs,
    // the limits of each exchange are counted by `patience.ts`
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    url: new URL(origin),
    ...(protocol === 'https:' ? { serverName: name } : {}),
    basePath: pathname.replace(/\/$/, ''),
    agent,
    dispatcher,
    close: () => {
      agent.destroy();
      void dispatcher.destroy();
    },
  };
};

interface ConnectLimit {
  /** When a connection stands. */
  readonly event: 'connect' | 'secureConnect';
  readonly timeoutMs: number;
}

/** Node's agents wait for the operating system, which gives up after minutes. */
const limitConnecting = (agent: HttpAgent, { event, timeoutMs }: ConnectLimit): void => {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const connection = connect(options, callback);
    const socket = connection as Socket; // both agents connect by TCP
    const late = setTimeout(() => socket.destroy(connectTimeout()), timeoutMs);
    const inTime = (): void => clearTimeout(late);
    socket.once(event, inTime);
    socket.once('close', inTime);
    return connection;
  };
};
