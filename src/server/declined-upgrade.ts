import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** GET with `Upgrade: websocket` (RFC 6455 section 4.1). */
export const asksForWebSocket = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';

/**
 * Answers a request for an upgrade as an ordinary request (RFC 9110 section 7.8 always allows that). Once there is a
 * listener for upgrades, Node treats every such request as an upgrade and does not read its body. Java's HTTP client
 * offers HTTP/2 with each first request, a POST too. So the request is passed to the server again without the offer.
 */
export const answerWithoutUpgrade = (
  server: Server,
  req: IncomingMessage,
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
): void => {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [req.rawHeaders[i], req.rawHeaders[i + 1]];
    const kept = withoutOffer(name.toLowerCase(), value);
    if (kept !== undefined) lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  // a server with TLS expects a handshake on each new connection
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
};

const withoutOffer = (name: string, value: string): string | undefined => {
  if (name === 'upgrade' || name === 'http2-settings') return undefined;
  if (name !== 'connection') return value;
  const kept = value.split(',').filter((option) => !/^(?:upgrade|http2-settings)$/i.test(option.trim()));
  return kept.length === 0 ? undefined : kept.join(',');
};
