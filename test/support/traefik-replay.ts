import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { documentedBlocks } from './documented.ts';
import type { RunningProxy } from './nginx.ts';
import type { ProxyPlaces } from './proxied-service.ts';
import { type Headers, type ReplayedRequest, startReplay, withoutHops } from './replayed-proxy.ts';

interface ForwardAuth {
  readonly address: string;
  readonly trustForwardHeader: boolean;
  readonly authResponseHeaders: readonly string[];
  readonly authResponseHeadersRegex: string;
}

interface Router {
  readonly middlewares: readonly string[];
}

interface Documented {
  readonly middlewares: {
    readonly 'no-certificates': { readonly headers: { readonly customRequestHeaders: Headers } };
    readonly drawbridge: { readonly forwardAuth: ForwardAuth };
  };
  readonly routers: Readonly<Record<'orders' | 'orders-drawbridge', Router>>;
}

const documented = (): Documented => {
  const [block = ''] = documentedBlocks('gateway/traefik.md', 'yaml').filter((text) =>
    text.startsWith('# Traefik'),
  );
  return parse(block).http;
};

/** Go's `url.ParseRequestURI` and `URL.RequestURI`. */
const understood = (req: IncomingMessage): ReplayedRequest | undefined => {
  const [, absolute, path = ''] = /^(?:http:\/\/([^/?]*))?(\/.*)$/.exec(req.url ?? '') ?? [];
  if (path === '' || /%(?![0-9A-Fa-f]{2})/.test(path.split('?')[0] ?? '')) return undefined;
  const host = absolute ?? req.headers.host ?? '';
  const target = path.replaceAll('#', '%23').replaceAll('\\', '%5C');
  return { method: req.method ?? '', host, target, headers: withoutHops(req) };
};

/** `pkg/middlewares/forwardedheaders`: the entry point believes no client that is not trusted. */
const believed = (headers: Headers): Headers =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) =>
        !/^x-forwarded-(?:for|host|port|proto|server|uri|method|prefix|tls-client-cert.*)$/.test(name),
    ),
  );

/** `pkg/middlewares/auth/forward.go`, with the middleware of the documentation. */
export const startTraefikReplay = (places: ProxyPlaces): Promise<RunningProxy> => {
  const { middlewares, routers } = documented();
  const { address, authResponseHeaders, authResponseHeadersRegex, trustForwardHeader } =
    middlewares.drawbridge.forwardAuth;
  if (trustForwardHeader) throw new Error('a client could say for itself what it asks for');
  // Go writes the flag in front
  const pattern = new RegExp(authResponseHeadersRegex.replace('(?i)', ''), 'i');
  const listed = authResponseHeaders.map((name) => name.toLowerCase());
  const isReplaced = (name: string): boolean => listed.includes(name) || pattern.test(name);

  /** `pkg/middlewares/headers/header.go`: an empty value removes the header; middlewares come in the order of the router. */
  const removed = Object.entries(middlewares['no-certificates'].headers.customRequestHeaders)
    .filter(([, value]) => value === '')
    .map(([name]) => name.toLowerCase());
  const read = (req: IncomingMessage): ReplayedRequest | undefined => {
    const request = understood(req);
    if (request === undefined) return undefined;
    const router = request.target.startsWith('/.drawbridge/') ? 'orders-drawbridge' : 'orders';
    if (routers[router].middlewares[0] !== 'no-certificates') return request;
    const kept = Object.entries(request.headers).filter(([name]) => !removed.includes(name));
    return { ...request, headers: Object.fromEntries(kept) };
  };

  return startReplay(places, {
    read,
    question: ({ method, host, target, headers }) => ({
      method: 'GET',
      path: new URL(address).pathname,
      headers: {
        ...Object.fromEntries(
          Object.entries(believed(headers)).filter(([name]) => name !== 'content-length'),
        ),
        host: `127.0.0.1:${places.drawbridgePort}`,
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-method': method,
        'x-forwarded-proto': 'http',
        'x-forwarded-host': host,
        'x-forwarded-uri': target,
      },
    }),
    verdict: ({ host, headers }, answer) => {
      if (answer === undefined)
        return { go: 'back', answer: { status: 500, headers: {}, body: Buffer.of() } };
      if (answer.status < 200 || answer.status > 299) return { go: 'back', answer };
      const own = Object.entries(believed(headers)).filter(([name]) => !isReplaced(name));
      const given = Object.entries(answer.headers).filter(([name]) => isReplaced(name));
      return { go: 'on', headers: { ...Object.fromEntries([...own, ...given]), host } };
    },
  });
};
