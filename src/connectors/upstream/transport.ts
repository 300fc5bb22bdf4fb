import type { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import { Agent, type Dispatcher, EnvHttpProxyAgent, request as send } from 'undici';
import type { OutgoingProxy } from '../../config/server/outgoing-proxy.ts';
import type { TlsMaterial } from '../../config/source/source-definition.ts';
import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { isLoopbackHost } from '../../protocol/loopback.ts';
import { tlsFaultOf } from '../tls-fault.ts';

/** The peer of a request, and its limits. */
export interface Peer {
  readonly tls: TlsMaterial;
  /** For the whole request, from looking up the name to the last byte of the answer. */
  readonly timeoutMs: number;
}

export interface HttpRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A longer answer counts as a failure. */
  readonly maxBytes?: number;
}

/** HTTP to identity providers: bounded in time and size, without redirects, with the peer's own TLS material. */
export interface Transport {
  /**
   * Resolves to any answer below 500, except 429.
   * @throws AppError `unavailable` when there is none; `throttled` for 429, with the time to wait
   */
  send(peer: Peer, request: HttpRequest): Promise<Response>;
  /** The forward proxy serves requests to this URL, so this machine need not reach its host itself. */
  mayUseProxy(url: string): boolean;
  close(): Promise<void>;
}

export const defaultMaxBytes = 256 * 1024;
const mostAgents = 256;
const connectionsPerOrigin = 128;
const defaultRetrySeconds = 30;
const longestRetrySeconds = 3600;
const unreachable = 'The identity provider cannot be reached';

/** Names a peer's TLS material in the keys of caches, so that nothing fetched under one is used under another. */
export const tlsKey = ({ ca, cert, key, serverName }: TlsMaterial): string =>
  hashId(JSON.stringify([ca, cert, key, serverName]));

/** @param proxy absent: all requests go out directly */
export const openTransport = (proxy?: OutgoingProxy): Transport => {
  const mayUseProxy = (url: string): boolean => {
    const { protocol, hostname } = new URL(url);
    const own = protocol === 'https:' ? proxy?.https : proxy?.http;
    return own !== undefined && !isLoopbackHost(hostname);
  };
  const agents = new LRUCache<string, Dispatcher, { readonly tls: TlsMaterial; readonly isProxied: boolean }>(
    {
      max: mostAgents,
      memoMethod: (_key, _known, { context: { tls, isProxied } }) =>
        isProxied && proxy !== undefined ? createProxyAgent(tls, proxy) : createAgent(tls),
      dispose: (agent, _key, reason) => {
        if (reason === 'evict') void agent.close();
      },
    },
  );

  return {
    send: async (peer, request) => {
      const place = describe(request);
      const isProxied = mayUseProxy(request.url);
      const key = `${tlsKey(peer.tls)} ${isProxied}`;
      const agent = agents.memo(key, { context: { tls: peer.tls, isProxied } });
      const answer = await exchange(agent, request, peer.timeoutMs).catch((cause: unknown) => {
        throw cause instanceof AppError ? cause : noAnswer(cause, place);
      });
      if (answer.status === 429)
        throw new AppError('throttled', 'The identity provider asks for a pause', {
          detail: `${place} answered 429`,
          retryAfterSeconds: retryAfter(answer) ?? defaultRetrySeconds,
        });
      if (answer.status >= 500) {
        const retryAfterSeconds = retryAfter(answer);
        throw new AppError('unavailable', unreachable, {
          detail: `${place} answered ${answer.status}`,
          ...definedOnly({ retryAfterSeconds }),
        });
      }
      return answer;
    },
    mayUseProxy,
    close: async () => {
      const open = [...agents.values()];
      agents.clear();
      // Requests end by their time limits; no caller waits for their answers any longer.
      await Promise.all(open.map((agent) => agent.destroy()));
    },
  };
};

/** A certificate that is not accepted stays so until somebody changes it. */
const noAnswer = (cause: unknown, place: string): AppError => {
  const fault = tlsFaultOf(cause);
  return fault === undefined
    ? new AppError('unavailable', unreachable, { cause, detail: place })
    : new AppError('unavailable', `${unreachable}: TLS fails (${fault.code})`, {
        cause,
        detail: `${place}: ${fault.code}: ${fault.advice}`,
        isLasting: true,
      });
};

const tlsOptions = ({ ca, cert, key, serverName }: TlsMaterial) => ({
  ...definedOnly({ ca, servername: serverName }),
  ...(cert === undefined ? {} : { cert, key }),
});

const createAgent = (tls: TlsMaterial): Dispatcher =>
  new Agent({ connections: connectionsPerOrigin, connect: tlsOptions(tls) });

/** Through a tunnel (CONNECT), so that TLS is between us and the identity provider. */
const createProxyAgent = (tls: TlsMaterial, { http, https, except }: OutgoingProxy): Dispatcher =>
  new EnvHttpProxyAgent({
    connections: connectionsPerOrigin,
    connect: tlsOptions(tls),
    requestTls: tlsOptions(tls),
    // an empty text keeps it from reading the environment itself
    httpProxy: http ?? '',
    httpsProxy: https ?? '',
    noProxy: except.join(','),
  });

/** The URL for logs and errors, without its query, which may contain secrets. */
const describe = ({ method = 'GET', url }: HttpRequest): string => {
  const { origin, pathname } = new URL(url);
  return `${method} ${origin}${pathname}`;
};

const exchange = async (agent: Dispatcher, request: HttpRequest, timeoutMs: number): Promise<Response> => {
  const { method = 'GET', url, headers = {}, body, maxBytes = defaultMaxBytes } = request;
  const signal = AbortSignal.timeout(timeoutMs);
  const answer = await send(url, {
    dispatcher: agent,
    method,
    headers: {
      accept: 'application/json',
      'user-agent': 'Drawbridge',
      ...headers,
      'accept-encoding': 'identity',
    },
    signal,
    ...definedOnly({ body }),
  });
  const content = await readBounded(answer.body, maxBytes).catch((error: unknown) => {
    if (error !== tooLong) throw error;
    throw new AppError('unavailable', unreachable, {
      detail: `${describe(request)} answered more than ${maxBytes} bytes`,
    });
  });
  const hasBody = ![204, 205, 304].includes(answer.statusCode);
  return new Response(hasBody ? content : null, {
    status: answer.statusCode,
    headers: Object.entries(answer.headers).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value ?? '']).map((one): [string, string] => [name, one]),
    ),
  });
};

const tooLong = Symbol('too long');

const readBounded = async (body: Readable, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > maxBytes) throw tooLong;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
};

/** RFC 9110 section 10.2.3: seconds, or a date. */
const retryAfter = (answer: Response): number | undefined => {
  const value = answer.headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  const sentAt = Date.parse(answer.headers.get('date') ?? '');
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - sentAt) / 1000);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), longestRetrySeconds) : undefined;
};
