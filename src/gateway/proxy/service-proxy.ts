// The built-in reverse proxy: allowed requests are streamed to their service, all others are answered here.
//   admission.ts           asks for the decision, and makes the request for the service (outgoing-request.ts)
//   relay.ts               passes the request on and the answer back; target-answer.ts says which headers of it
//   tunnel.ts              the same for a WebSocket; live-upgrades.ts ends it when its caller may no longer, by
//                          live-upgrade-rules.ts and the events of missed-events.ts
//   target-connection.ts   the connections to a service; target-health.ts: does it answer; target-failure.ts: why not
//   proxy-refusal.ts       answers of our own, with error-page.ts for people
//   basic-session.ts       the session cookie for a client that sends name and password each time
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { GatewaySettings, ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import type { EventWatcher } from '../../storage/storage-endings.ts';
import type { RequestOrigin } from '../../web/request-checks.ts';
import { logAnswer, type RequestLine, type RequestLogOptions } from '../../web/request-log.ts';
import { responseOn } from '../../web/socket-response.ts';
import { type Answer, problemAnswer } from '../answer/answers.ts';
import { authenticationOffHeaders } from '../authentication-off.ts';
import type { SessionCookiePlace } from '../cookies.ts';
import type { Services } from '../decision/services.ts';
import { type AdmissionParts, type Admitted, createAdmit } from './admission.ts';
import { createOfferSession } from './basic-session.ts';
import { headerBytes } from './connection-headers.ts';
import { createLiveUpgrades } from './live-upgrades.ts';
import { type ErrorPage, refuse } from './proxy-refusal.ts';
import { relay } from './relay.ts';
import { answerHeaders } from './target-answer.ts';
import { createTargetConnection } from './target-connection.ts';
import type { TargetFailure } from './target-failure.ts';
import { openTargetHealth } from './target-health.ts';
import { openTunnel } from './tunnel.ts';

export interface ServiceProxy {
  /** Answers the request: decides, then forwards or refuses. Never rejects. */
  forward(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** The same for a connection that is to become a WebSocket. Never rejects. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  /** Is the request being forwarded to a service, so that the time limits of the service apply? */
  isForwarding(req: IncomingMessage): boolean;
  /** Services with a target, and whether it answers. */
  health(): readonly { readonly service: string; readonly isUp: boolean }[];
  /** Closes all connections; the port should be closed and drained before. */
  close(): Promise<void>;
}

export interface ServiceProxyParts
  extends Pick<AdmissionParts, 'decide' | 'signInUrl' | 'serviceTokens' | 'certificates'>,
    RequestLogOptions {
  readonly services: Pick<Services, 'originOf'>;
  readonly settings: Pick<GatewaySettings, 'enabled' | 'services' | 'proxySecret'>;
  readonly cookie: SessionCookiePlace;
  /** Hosts on which a session at this service is valid. */
  readonly sessionHost: (service: ServiceDefinition) => string;
  readonly requestOriginOf: (req: IncomingMessage) => RequestOrigin;
  readonly subscribe: (watcher: EventWatcher) => () => void;
  /** For people; programs get JSON. */
  readonly errorPage?: ErrorPage;
}

export const createServiceProxy = (parts: ServiceProxyParts): ServiceProxy => {
  const { settings, services, cookie, sessionHost, requestOriginOf, clock, log, errorPage } = parts;
  const targets = settings.services.flatMap((service) =>
    service.target === undefined
      ? []
      : [{ service, target: service.target, connection: createTargetConnection(service.target) }],
  );
  const health = openTargetHealth(targets, log);
  const gatewayHeaders = authenticationOffHeaders(settings.enabled);
  const admit = createAdmit({
    ...parts,
    connections: new Map(targets.map(({ service, connection }) => [service.name, connection])),
    isUp: health.isUp,
    proxySecret: settings.proxySecret,
    gatewayHeaders,
  });
  const offerSession = createOfferSession({ cookie, sessionHost, clock });
  const upgrades = createLiveUpgrades(parts);
  const forwarding = new WeakSet<IncomingMessage>();

  const open = (req: IncomingMessage): Call => {
    const client = requestOriginOf(req);
    const [path = ''] = (req.url ?? '').split('?');
    const line = {
      requestId: client.requestId,
      method: req.method ?? '',
      route: path.slice(0, 200),
      address: client.address,
    };
    return { req, client, line };
  };

  const answerProblem = (call: Call, res: ServerResponse, answer: Answer): void => {
    if (answer.errorId !== undefined) Object.assign(call.line, { errorId: answer.errorId });
    const { requestId } = call.client;
    refuse(call.req, res, { answer, requestId, headers: gatewayHeaders, errorPage });
  };

  /** Decides, and answers the requests that are refused. */
  const admitted = async (call: Call, resOf: () => ServerResponse): Promise<Admitted | undefined> => {
    const admission = await admit({ ...call, isUpgrade: call.isUpgrade ?? false });
    Object.assign(call.line, admission.facts);
    if (admission.isAdmitted) return admission.admitted;
    const { answer, cause } = admission;
    if (cause !== undefined) log.error({ ...call.line, errorId: answer.errorId, err: cause }, 'no decision');
    answerProblem(call, resOf(), answer);
    return undefined;
  };

  const answerFailure = (call: Call, res: ServerResponse, failure: TargetFailure): void => {
    const answer = problemAnswer(failure);
    const facts = { ...call.line, errorId: answer.errorId, code: failure.code, err: failure.cause };
    if (failure.status >= 500) log.error(facts, failure.description);
    else log.info(facts, failure.description);
    answerProblem(call, res, answer);
  };

  /** An unknown error refuses the request. */
  const answerFault = (call: Call, res: ServerResponse, cause: unknown): void => {
    const answer = problemAnswer({ status: 500, code: 'server_error' });
    log.error({ ...call.line, errorId: answer.errorId, err: cause }, 'a request to a service broke off');
    answerProblem(call, res, answer);
  };

  const publicBase = (service: ServiceDefinition): string =>
    `${services.originOf(service)}${service.stripPrefix ? (service.prefix ?? '') : ''}`;

  const pass = async (call: Call, res: ServerResponse, admitted: Admitted): Promise<void> => {
    const { service, target, connection, outgoing } = admitted;
    const setCookie = await offerSession(admitted);
    forwarding.add(call.req);
    const outcome = await relay({
      req: call.req,
      res,
      connection,
      target,
      outgoing,
      headersOf: (answer) => [
        ...answerHeaders(answer, {
          targetBase: `${connection.url.origin}${connection.basePath}`,
          publicBase: publicBase(service),
          cookie: setCookie,
        }),
        ...Object.entries(gatewayHeaders),
      ],
    });
    forwarding.delete(call.req);
    if (outcome.status === 'answered' && res.statusCode === 431)
      log.warn(
        { ...call.line, headerBytes: headerBytes(outgoing.headers) },
        'a service refuses the size of the headers: raise its limit, or lower identity.maxBytes of the service',
      );
    if (outcome.status === 'failed') answerFailure(call, res, outcome.failure);
    if (outcome.status === 'broken')
      log.warn({ ...call.line, err: outcome.cause }, "a service's answer broke off");
  };

  const forward = async (call: Call, res: ServerResponse): Promise<void> => {
    logAnswer(parts, res, () => call.line);
    try {
      const found = await admitted(call, () => res);
      if (found !== undefined) await pass(call, res, found);
    } catch (cause) {
      answerFault(call, res, cause);
    }
  };

  const tunnel = async (call: Call, { socket, head }: Upgrading): Promise<void> => {
    const startedAt = clock.now();
    // a refused upgrade is answered, and logged, like any other request
    let res: ServerResponse | undefined;
    const resOf = (): ServerResponse => {
      if (res !== undefined) return res;
      res = responseOn(call.req, socket);
      logAnswer(parts, res, () => call.line);
      return res;
    };
    const watch = upgrades.watch();
    try {
      const found = await admitted({ ...call, isUpgrade: true }, resOf);
      if (found === undefined) return;
      const { service, target, connection, outgoing, request, caller } = found;
      const status = await openTunnel({
        ...{ req: call.req, socket, head, connection, target, outgoing },
        headersOf: (answer) =>
          answerHeaders(answer, {
            targetBase: `${connection.url.origin}${connection.basePath}`,
            publicBase: publicBase(service),
          }),
        joined: (ends) =>
          watch.join({
            ...ends,
            caller,
            idleTimeoutMs: target.idleTimeoutMs,
            decide: () => parts.decide(request),
          }),
        failed: (failure) => answerFailure(call, resOf(), failure),
      });
      if (status === 0) return;
      const entry = { ...call.line, status, ms: clock.now() - startedAt };
      log.info(entry, 'request');
      parts.onAnswered?.(entry);
    } catch (cause) {
      answerFault(call, resOf(), cause);
    } finally {
      watch.end();
    }
  };

  return {
    forward: (req, res) => forward(open(req), res),
    upgrade: async (req, duplex, head) => {
      const socket = duplex as Socket; // Node's servers hand over nothing else
      // the client may close the connection while we decide
      socket.on('error', () => socket.destroy());
      return tunnel(open(req), { socket, head });
    },
    isForwarding: (req) => forwarding.has(req),
    health: () => targets.map(({ service: { name } }) => ({ service: name, isUp: health.isUp(name) })),
    close: async () => {
      health.close();
      upgrades.close();
      for (const { connection } of targets) connection.close();
    },
  };
};

/** A request in the proxy, with its fields for the log. */
interface Call {
  readonly req: IncomingMessage;
  readonly client: RequestOrigin;
  readonly line: RequestLine;
  readonly isUpgrade?: boolean;
}

interface Upgrading {
  readonly socket: Socket;
  readonly head: Buffer;
}
