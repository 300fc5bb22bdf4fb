import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { documentedBlocks } from './documented.ts';
import type { RunningProxy } from './nginx.ts';
import type { ProxyPlaces } from './proxied-service.ts';
import { type Headers, type ReplayedRequest, startReplay, withoutHops } from './replayed-proxy.ts';

interface Patterns {
  readonly patterns: readonly { readonly exact?: string; readonly prefix?: string }[];
}

interface ExtAuthz {
  readonly failure_mode_allow: boolean;
  readonly allowed_headers: Patterns;
  readonly http_service: {
    readonly path_prefix: string;
    readonly authorization_request: { readonly headers_to_add: readonly { readonly key: string }[] };
    readonly authorization_response: {
      readonly allowed_upstream_headers: Patterns;
      readonly allowed_client_headers: Patterns;
    };
  };
}

interface ConnectionSettings {
  readonly common_http_protocol_options: { readonly headers_with_underscores_action: string };
}

interface OwnRoute {
  readonly match: { readonly prefix: string };
  readonly request_headers_to_remove: readonly string[];
}

interface Documented {
  readonly filter: ExtAuthz;
  readonly connection: ConnectionSettings;
  readonly route: OwnRoute;
}

const documented = (): Documented => {
  const [filter = '', connection = '', route = ''] = documentedBlocks('gateway/envoy.md', 'yaml').filter(
    (text) => text.startsWith('# Envoy'),
  );
  return { filter: parse(filter).typed_config, connection: parse(connection), route: parse(route) };
};

const matches = ({ patterns }: Patterns, name: string): boolean =>
  patterns.some(({ exact, prefix }) => name === exact || (prefix !== undefined && name.startsWith(prefix)));

const chosen = (headers: Headers, isChosen: (name: string) => boolean): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => isChosen(name)));

/** Always asked with, and always passed on to the client, whatever the lists say. */
const askedWithAnyway: ReadonlySet<string> = new Set(['authorization']);
const passedAnyway: ReadonlySet<string> = new Set(['location', 'www-authenticate']);

export interface EnvoyOptions {
  /** Against the advice of the documentation. */
  readonly failureModeAllow?: boolean;
}

/**
 * `source/extensions/filters/common/ext_authz/ext_authz_http_impl.cc` and `filters/http/ext_authz/ext_authz.cc`, with
 * the filter of the documentation.
 */
export const startEnvoyReplay = (
  places: ProxyPlaces,
  { failureModeAllow }: EnvoyOptions = {},
): Promise<RunningProxy> => {
  const { filter, connection, route } = documented();
  const { http_service: service, allowed_headers: allowed } = filter;
  const { allowed_upstream_headers: upstream, allowed_client_headers: client } =
    service.authorization_response;
  const isOpenOnError = failureModeAllow ?? filter.failure_mode_allow;
  const dropsUnderscores =
    connection.common_http_protocol_options.headers_with_underscores_action === 'DROP_HEADER';
  const added = service.authorization_request.headers_to_add.map(({ key }) => key);

  const read = (req: IncomingMessage): ReplayedRequest | undefined => {
    const [, absolute, target = ''] = /^(?:http:\/\/([^/?]*))?(\/[^#]*)$/.exec(req.url ?? '') ?? [];
    if (target === '') return undefined;
    const removed = target.startsWith(route.match.prefix) ? route.request_headers_to_remove : [];
    const headers = chosen(
      withoutHops(req),
      (name) => !(dropsUnderscores && name.includes('_')) && !removed.includes(name),
    );
    return { method: req.method ?? '', host: absolute ?? req.headers.host ?? '', target, headers };
  };

  return startReplay(places, {
    read,
    question: ({ method, host, target, headers }) => ({
      method,
      path: `${service.path_prefix}${target}`,
      headers: {
        ...chosen({ ...headers, 'x-forwarded-for': '127.0.0.1' }, (name) => {
          return matches(allowed, name) || askedWithAnyway.has(name);
        }),
        host,
        'content-length': '0',
        ...(added.includes('x-forwarded-proto') ? { 'x-forwarded-proto': 'http' } : {}),
      },
    }),
    verdict: ({ host, headers }, answer) => {
      if (answer === undefined || answer.status >= 500) {
        return isOpenOnError
          ? { go: 'on', headers: { ...headers, host } }
          : { go: 'back', answer: { status: 403, headers: {}, body: Buffer.of() } };
      }
      if (answer.status !== 200) {
        const passed = chosen(answer.headers, (name) => matches(client, name) || passedAnyway.has(name));
        return { go: 'back', answer: { ...answer, headers: passed } };
      }
      const set = { ...headers, host, ...chosen(answer.headers, (name) => matches(upstream, name)) };
      const removed = (answer.headers['x-envoy-auth-headers-to-remove'] ?? '')
        .split(',')
        .map((name) => name.trim().toLowerCase());
      return { go: 'on', headers: chosen(set, (name) => !removed.includes(name)) };
    },
  });
};
