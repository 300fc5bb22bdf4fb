import { createServer, type Server } from 'node:http';
import { Pool } from 'undici';

/** Passes GET requests on and nothing else: no decision, no header looked at, no log, no time limit. */
export const createRelayServer = (targetOrigin: string): Server => {
  const pool = new Pool(targetOrigin, { connections: 64 });
  return createServer((req, res) => {
    pool.dispatch(
      { path: req.url ?? '/', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, status, headers) => void res.writeHead(status, headers),
        onResponseData: (_controller, chunk) => void res.write(chunk),
        onResponseEnd: () => void res.end(),
        onResponseError: () => void res.destroy(),
      },
    );
  });
};
