import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that takes what is posted to it. */
export interface Receiver {
  readonly port: number;
  /** What it does from now on: answers with a status, or says nothing. */
  answer(how: number | 'silence'): void;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  /** Default: the system chooses. */
  readonly port?: number;
  readonly answers: number;
  /** Where it sends those who get a status of 300 to 399. */
  readonly redirectsTo: string;
  /** Each request, before its answer. */
  readonly took: (req: IncomingMessage, body: string, how: number | 'silence') => void;
}

export const openReceiver = async ({
  port = 0,
  answers,
  redirectsTo,
  took,
}: ReceiverOptions): Promise<Receiver> => {
  let how: number | 'silence' = answers;
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      took(req, Buffer.concat(chunks).toString(), how);
      if (how === 'silence') return;
      if (how >= 300 && how < 400) res.setHeader('Location', redirectsTo);
      res.writeHead(how).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    answer: (next) => {
      how = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
