import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One address in front of several instances, as a load balancer: each request goes to the next one. */
export interface InstancesFront {
  readonly port: number;
  /** Ports of the instances; set before the first request. */
  serve(ports: readonly number[]): void;
  close(): Promise<void>;
}

/** With this request header a test chooses the instance by its index. */
export const instanceHeader = 'x-test-instance';

/** @param port default: a free one */
export const openInstancesFront = async (port = 0): Promise<InstancesFront> => {
  let ports: readonly number[] = [];
  let turn = 0;
  // idle connections end here before the instances end them, so that none ends under a request
  const agent = new Agent({ keepAlive: true, timeout: 30_000 });
  const server: Server = createServer((req, res) => {
    const chosen = req.headers[instanceHeader];
    const index = chosen === undefined ? turn++ % ports.length : Number(chosen);
    const { method, url: path, headers } = req;
    const onward = request(
      { host: '127.0.0.1', port: ports[index], method, path, headers, agent, setHost: false },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(res);
      },
    );
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  });
  // the instances' `Keep-Alive: timeout=75` is passed on, so a kept connection must live here for longer
  server.keepAliveTimeout = 90_000;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    serve: (list) => {
      ports = list;
    },
    close: () => {
      agent.destroy();
      return new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
};
