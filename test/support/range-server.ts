// A list of breached passwords that answers as the range API of Pwned Passwords does.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface RangeServer {
  readonly url: string;
  /** All requests so far; a test may empty it. */
  readonly requests: IncomingMessage[];
  /** What it does instead of answering. */
  instead: ((response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

export const digitsOf = (password: string): string =>
  createHash('sha1').update(password).digest('hex').toUpperCase();

const padding = `${'0'.repeat(34)}A:0`;

/** @param counts how often each password was seen; with 0 it is an entry of the padding */
export const startRangeServer = async (counts: Readonly<Record<string, number>>): Promise<RangeServer> => {
  const listed = Object.entries(counts).map(([password, count]) => [digitsOf(password), count] as const);
  const requests: IncomingMessage[] = [];
  const http = createServer((request, response) => {
    requests.push(request);
    if (server.instead !== undefined) return server.instead(response);
    const [, prefix = ''] = /^\/range\/([\dA-F]{5})\?mode=sha1$/.exec(request.url ?? '') ?? [];
    if (prefix === '') return void response.writeHead(400).end('The hash prefix was not in a valid format');
    const rows = listed
      .filter(([digits]) => digits.startsWith(prefix))
      .map(([digits, count]) => `${digits.slice(5)}:${count}`);
    response.writeHead(200, { 'content-type': 'text/plain' }).end([...rows, padding].join('\r\n'));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as { port: number }; // it listens on TCP
  const server: RangeServer = {
    url: `http://127.0.0.1:${port}`,
    requests,
    instead: undefined,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
  return server;
};
