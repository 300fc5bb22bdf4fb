import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import type { TlsMaterial } from '../../config/source/source-definition.ts';
import { definedOnly } from '../../defined-only.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** @param url `ldap://host:389` or `ldaps://host`, checked when the file was read */
export const parseEndpoint = (url: string): Endpoint => {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'ldaps:';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isTls ? 636 : 389) : Number(port),
    isTls,
  };
};

/** Shorter than balancers and firewalls forget a connection on which nothing is sent. */
const keepAliveMs = 15_000;

/**
 * A socket to the directory, after the TLS handshake where the URL asks for one.
 * @throws Error of the system or of TLS; `ETIMEDOUT` after `timeoutMs`
 */
export const openSocket = async (
  endpoint: Endpoint,
  tls: TlsMaterial,
  timeoutMs: number,
): Promise<Socket> => {
  const { host, port } = endpoint;
  const socket = endpoint.isTls
    ? connectTls({ ...tlsOptions(endpoint, tls), host, port })
    : connect({ host, port });
  await ready(socket, endpoint.isTls ? 'secureConnect' : 'connect', timeoutMs);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  return socket;
};

/** The handshake of StartTLS (RFC 4511 section 4.14), on a socket that no other code reads any longer. */
export const upgradeSocket = async (
  socket: Socket,
  options: ConnectionOptions,
  timeoutMs: number,
): Promise<TLSSocket> => {
  const secure = connectTls({ ...options, socket });
  // an error of the plain socket appears on the TLS socket as a closed connection
  socket.on('error', () => {});
  socket.once('close', () => secure.destroy());
  try {
    await ready(secure, 'secureConnect', timeoutMs);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return secure;
};

export const tlsOptions = ({ host }: Endpoint, tls: TlsMaterial): ConnectionOptions => {
  const name = tls.serverName ?? host;
  return {
    // An address can be in a certificate, but TLS knows none as the name of a server.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...definedOnly({ ca: tls.ca, cert: tls.cert, key: tls.key }),
  };
};

const ready = (socket: Socket, event: 'connect' | 'secureConnect', timeoutMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      socket.removeListener('error', settle);
      socket.removeListener('close', closed);
      socket.removeListener(event, connected);
      if (error === undefined) {
        resolve();
        return;
      }
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const connected = (): void => settle();
    const closed = (): void => settle(new Error('the connection was closed before it was ready'));
    const timer = setTimeout(
      () => settle(Object.assign(new Error(`no connection within ${timeoutMs} ms`), { code: 'ETIMEDOUT' })),
      timeoutMs,
    );
    socket.once('error', settle);
    socket.once('close', closed);
    socket.once(event, connected);
  });
