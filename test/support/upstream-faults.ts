import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an upstream does instead of answering. */
export type Fault =
  /** The connection is cut. */
  | { readonly kind: 'down' }
  /** Nothing comes. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** A page with status 200, as a proxy or a maintenance mode sends. */
  | { readonly kind: 'html' }
  /** JSON without an end. */
  | { readonly kind: 'endless' }
  | { readonly kind: 'redirect'; readonly location: string }
  /** Any answer, JSON by default. */
  | { readonly kind: 'answer'; readonly body: string; readonly type?: string; readonly status?: number };

/** A fault for the paths that match. */
export interface FaultPlan {
  readonly at: RegExp;
  readonly fault: Fault;
}

export interface FaultyServer {
  readonly port: number;
  readonly server: Server;
  /** The first that matches a path holds. */
  setFaults(...plans: readonly FaultPlan[]): void;
  /** Requests so far to paths that match. */
  hits(path: RegExp): number;
  /** Is the server slow in the head: its `Date` is so many seconds off. */
  close(): Promise<void>;
}

/** An HTTP server on loopback that can be made to misbehave. */
export const openFaultyServer = async (listener: RequestListener, port = 0): Promise<FaultyServer> => {
  let plans: readonly FaultPlan[] = [];
  const paths: string[] = [];
  const server = createServer((req, res) => {
    const path = new URL(req.url ?? '/', 'http://upstream').pathname;
    paths.push(path);
    const plan = plans.find(({ at }) => at.test(path));
    if (plan === undefined) listener(req, res);
    else misbehave(plan.fault, req, res);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    setFaults: (...next) => {
      plans = next;
    },
    hits: (path) => paths.filter((one) => path.test(one)).length,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const misbehave = (fault: Fault, req: IncomingMessage, res: ServerResponse): void => {
  switch (fault.kind) {
    case 'down':
      req.socket.destroy();
      return;
    case 'silent':
      return;
    case 'status':
      res.writeHead(fault.status, { 'content-type': 'text/plain', ...fault.headers }).end('no');
      return;
    case 'html':
      res.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>back soon</body></html>');
      return;
    case 'endless': {
      res.writeHead(200, { 'content-type': 'application/json' });
      const write = (): void => {
        while (!res.destroyed && res.write(`"${'x'.repeat(60_000)}",`));
        if (!res.destroyed) res.once('drain', write);
      };
      res.write('[');
      write();
      return;
    }
    case 'redirect':
      res.writeHead(307, { location: fault.location }).end();
      return;
    case 'answer':
      res
        .writeHead(fault.status ?? 200, { 'content-type': fault.type ?? 'application/json' })
        .end(fault.body);
  }
};
