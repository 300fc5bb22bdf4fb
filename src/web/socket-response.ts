import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

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
