import type { RequestListener } from 'node:http';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { definedOnly } from '../defined-only.ts';
import type { GatewayDispatch } from '../gateway/gateway-dispatch.ts';
import type { Log } from '../log.ts';
import { createHttpListener, type HttpListener } from './http-listener.ts';
import type { UnreadableParts } from './unreadable-requests.ts';

export interface Answers {
  readonly log: Log;
  readonly main: GatewayDispatch;
  /** Absent: no such listener. */
  readonly management: RequestListener | undefined;
  readonly unreadable: UnreadableParts;
}

/** The main one first. @throws AppError `unavailable` when the files of TLS cannot be used */
export const createListeners = (
  { server, tls, clientCertificates, management }: ServerSettings,
  { log, unreadable, ...answers }: Answers,
): readonly HttpListener[] => {
  const { host } = server;
  const certificatePort =
    clientCertificates?.from === 'tls' ? (clientCertificates.port ?? server.port) : undefined;
  const own = (port: number, portVariable: string): HttpListener =>
    createHttpListener({
      ...{ address: { host, port }, portVariable, unreadable, ...answers.main },
      ...definedOnly({ tls: tls && { ...tls, asksForCertificate: port === certificatePort, log } }),
    });
  const listeners = [own(server.port, 'DRAWBRIDGE_SERVER__PORT')];
  if (certificatePort !== undefined && certificatePort !== server.port)
    listeners.push(own(certificatePort, 'DRAWBRIDGE_CLIENT_CERTIFICATES__PORT'));
  if (answers.management !== undefined)
    listeners.push(
      createHttpListener({
        address: management,
        portVariable: 'DRAWBRIDGE_MANAGEMENT__PORT',
        answer: answers.management,
        unreadable,
      }),
    );
  return listeners;
};
