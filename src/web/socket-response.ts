import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Problem, problemBody, problemHeaders } from './problem.ts';

/**
 * An ordinary answer on a socket that Node has handed over for an upgrade, for a request that is not upgraded after
 * all. The connection ends with it.
 */
export const responseOn = (req: IncomingMessage, socket: Duplex): ServerResponse => {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket as Socket); // Node's servers hand over nothing else
  res.once('finish', () => {
    res.detachSocket(socket as Socket);
    (socket as Socket).destroySoon();
  });
  return res;
};

/**
 * A refusal in bytes, for a connection on which no `ServerResponse` can be used: Node could not read the request, or
 * another handler has the response. The connection has to be closed after it.
 */
export const refusalBytes = (problem: Problem, headers: Iterable<readonly [string, string]>): Buffer => {
  const body = JSON.stringify(problemBody(problem));
  const all = [
    ...headers,
    ...Object.entries(problemHeaders(problem)),
    ['Content-Type', 'application/json; charset=utf-8'],
    ['Content-Length', Buffer.byteLength(body)],
    ['Connection', 'close'],
  ];
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    ...all.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
};
