// Proxies that are not at hand, replayed after their sources: what they send to an authorization service, and what
// they make of its answer.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { RunningProxy } from './nginx.ts';
import type { ProxyPlaces } from './proxied-service.ts';

/** Names in small letters. */
export type Headers = Readonly<Record<string, string>>;

export interface ReplayedRequest {
  readonly method: string;
  readonly host: string;
  /** Path and query, as this proxy passes them on. */
  readonly target: string;
  /** Without those between two hops. */
  readonly headers: Headers;
}

export interface AuthzQuestion {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
}

export interface AuthzAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** What is to be done with a request. */
export type Replayed =
  | { readonly go: 'on'; readonly headers: Headers }
  | { readonly go: 'back'; readonly answer: AuthzAnswer };

export interface Replay {
  /** The request as this proxy understands it; undefined: it answers 400. */
  readonly read: (req: IncomingMessage) => ReplayedRequest | undefined;
  readonly question: (asked: ReplayedRequest) => AuthzQuestion;
  /** @param answer undefined: there was none */
  readonly verdict: (asked: ReplayedRequest, answer: AuthzAnswer | undefined) => Replayed;
}

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Also takes away what `Connection` names (RFC 9110 section 7.6.1). */
export const withoutHops = ({ headers, rawHeaders }: IncomingMessage): Headers => {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const kept: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? '';
    if (hopByHop.has(name) || named.has(name)) continue;
    kept[name] = kept[name] === undefined ? (rawHeaders[i + 1] ?? '') : `${kept[name]}, ${rawHeaders[i + 1]}`;
  }
  return kept;
};

const ask = (port: number, { method, path, headers }: AuthzQuestion): Promise<AuthzAnswer | undefined> =>
  new Promise((resolve) => {
    const question = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
    question.once('error', () => resolve(undefined));
    question.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.once('error', () => resolve(undefined));
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
          ),
          body: Buffer.concat(chunks),
        }),
      );
    });
    question.end();
  });

const forward = (
  [req, res]: readonly [IncomingMessage, ServerResponse],
  { port, path, headers }: { readonly port: number; readonly path: string; readonly headers: Headers },
): void => {
  const { method } = req;
  const onward = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  onward.once('error', () => res.destroy());
  onward.once('response', (response) => {
    res.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(res);
  });
  req.pipe(onward);
};

export const startReplay = async (
  { port, drawbridgePort, servicePort }: ProxyPlaces,
  replay: Replay,
): Promise<RunningProxy> => {
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const asked = replay.read(req);
    if (asked === undefined) {
      res.writeHead(400).end();
      return;
    }
    if (asked.target.startsWith('/.drawbridge/')) {
      forward([req, res], { port: drawbridgePort, path: asked.target, headers: asked.headers });
      return;
    }
    const verdict = replay.verdict(asked, await ask(drawbridgePort, replay.question(asked)));
    if (verdict.go === 'on') {
      forward([req, res], { port: servicePort, path: asked.target, headers: verdict.headers });
      return;
    }
    const { status, headers, body } = verdict.answer;
    const { 'transfer-encoding': _framing, connection: _hop, ...kept } = headers;
    res.writeHead(status, { ...kept, 'content-length': body.length }).end(body);
  };
  const server = createServer((req, res) => {
    handle(req, res).catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    errors: () => '',
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
