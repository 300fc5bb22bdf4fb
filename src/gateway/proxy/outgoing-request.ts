import type { IncomingMessage } from 'node:http';
import { keyHeadersIn } from '../../accounts/presented-credential.ts';
import type { ServiceDefinition, ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { isIdentityHeader } from '../answer/identity-headers.ts';
import { isReservedCookieName } from '../cookies.ts';
import { endToEndHeaders, type HeaderLine } from './connection-headers.ts';

/** The head of the request to a service. */
export interface OutgoingRequest {
  /** Undecoded, with the query. */
  readonly path: string;
  readonly headers: readonly HeaderLine[];
  readonly hasBody: boolean;
}

export interface OutgoingFacts {
  readonly req: IncomingMessage;
  readonly service: ServiceDefinition;
  readonly target: ServiceTarget;
  /** Of the target: `URL.host`. */
  readonly targetHost: string;
  /** Of the target, in front of every path. */
  readonly basePath: string;
  /** The path as the rules checked it, with the query. */
  readonly forwardPath: string;
  /** The whole set. */
  readonly identity: Readonly<Record<string, string>>;
  /** The signed token about the caller. */
  readonly token?: string | undefined;
  /** Headers that are for Drawbridge alone, in small letters. */
  readonly withheld: readonly string[];
  /** Of the client: `RequestOrigin.address`. */
  readonly address: string;
  readonly requestId: string;
  readonly host: string;
  /** Is the service's own URL https? */
  readonly isSecure: boolean;
  /** To be upgraded to a WebSocket. */
  readonly isUpgrade?: boolean;
}

/**
 * Headers that Drawbridge sets itself, or that a client must not set. Those that replace the method are here too: the
 * rules have checked the method of the request line, and a service must not use another one.
 */
const ours =
  /^(?:authorization|content-length|cookie|expect|forwarded|host|x-forwarded-.*|x-http-method(?:-override)?|x-id-tenant-name|x-method-override|x-original-.*|x-otp|x-real-ip|x-request-id|x-rewrite-url)$/;

/** A name as read by services that get headers as variables: `X_Forwarded_For` is `X-Forwarded-For` there. */
const asSeen = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-');

export const outgoingRequest = (facts: OutgoingFacts): OutgoingRequest => {
  const { req, basePath, forwardPath, isUpgrade = false } = facts;
  const withheld = [...facts.withheld, ...keyHeadersIn(req.headers)];
  const length = req.headers['content-length'];
  const isChunked = req.headers['transfer-encoding'] !== undefined;
  const hasBody = isChunked || (length !== undefined && Number(length) > 0);
  const passed = endToEndHeaders(req).filter(
    ([name]) => !ours.test(asSeen(name)) && !isIdentityHeader(name) && !withheld.includes(asSeen(name)),
  );
  return {
    path: `${basePath}${forwardPath}`,
    headers: [
      ...passed,
      ...cookiesOf(req),
      // an upgrade has no body; its data follows once the service has agreed
      ...(isUpgrade ? [] : framing({ length, isChunked, method: req.method })),
      ...ownHeaders(facts),
    ],
    hasBody,
  };
};

/** The cookies without ours: a service could use the value of the session cookie at other services. */
const cookiesOf = ({ headers }: IncomingMessage): readonly HeaderLine[] => {
  const kept = (headers.cookie ?? '')
    .split(';')
    .filter((pair) => !isReservedCookieName(pair.split('=')[0] ?? ''))
    .join(';')
    .trim();
  return kept === '' ? [] : [['Cookie', kept]];
};

/** RFC 9112 section 6.3: the body is forwarded as it arrives, chunked or of a known length. */
const framing = ({
  length,
  isChunked,
  method = '',
}: {
  readonly length: string | undefined;
  readonly isChunked: boolean;
  readonly method: string | undefined;
}): readonly HeaderLine[] => {
  if (isChunked) return [['Transfer-Encoding', 'chunked']];
  if (length !== undefined) return [['Content-Length', length]];
  return ['POST', 'PUT', 'PATCH'].includes(method) ? [['Content-Length', '0']] : [];
};

const ownHeaders = (facts: OutgoingFacts): readonly HeaderLine[] => {
  const { service, target, identity, host, isSecure } = facts;
  const lines: HeaderLine[] = [
    ['Host', target.hostHeader === 'public' ? host : facts.targetHost],
    ['X-Forwarded-For', facts.address],
    ['X-Forwarded-Host', host],
    ['X-Forwarded-Port', /:(\d+)$/.exec(host)?.[1] ?? (isSecure ? '443' : '80')],
    ['X-Forwarded-Proto', isSecure ? 'https' : 'http'],
    ['X-Real-IP', facts.address],
    ['X-Request-Id', facts.requestId],
    ...Object.entries(identity),
  ];
  if (service.stripPrefix && service.prefix !== undefined) lines.push(['X-Forwarded-Prefix', service.prefix]);
  const bearer = bearerFor(target.authorization, facts.token);
  if (bearer !== undefined) lines.push(['Authorization', `Bearer ${bearer}`]);
  return lines;
};

const bearerFor = (
  authorization: ServiceTarget['authorization'],
  token: string | undefined,
): string | undefined => {
  if (authorization === 'none') return undefined;
  if (authorization === 'token') return token || undefined;
  return authorization.bearer;
};
