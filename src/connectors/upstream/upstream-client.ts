import {
  allowInsecureRequests,
  type ClientAuth,
  type ClientMetadata,
  Configuration,
  type CustomFetch,
  clockSkew,
  clockTolerance,
  customFetch,
  discovery,
  type ServerMetadata,
} from 'openid-client';
import type { Clock } from '../../clock.ts';
import type { UpstreamSource } from '../../config/source/source-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { createClientAuthentication } from './client-authentication.ts';
import { tokenAnswer } from './token-answer.ts';
import type { Peer } from './transport.ts';
import type { Upstreams } from './upstreams.ts';

export interface UpstreamParts {
  readonly upstreams: Upstreams;
  readonly clock: Clock;
  readonly log: Log;
}

/** Our client of one upstream: the metadata of the upstream, and openid-client configured for it. */
export interface UpstreamClient {
  readonly source: UpstreamSource;
  readonly peer: Peer;
  /** @throws AppError `unavailable` */
  metadata(): Promise<ServerMetadata>;
  /** Set up again for each use: it is cheap, and it has the present clock difference and metadata. */
  configuration(): Promise<Configuration>;
}

/** Tolerated difference between clocks, in seconds. */
export const toleranceSeconds = 30;

export const isTemplate = (issuer: string | undefined): boolean => issuer?.includes('{tenantid}') === true;

/** Is the issuer a real one, or only the placeholder that openid-client needs? */
export const hasOwnIssuer = ({ type, issuer }: UpstreamSource): boolean =>
  type === 'oidc' && issuer !== undefined;

export const createUpstreamClient = (source: UpstreamSource, parts: UpstreamParts): UpstreamClient => {
  const { upstreams, clock } = parts;
  const peer: Peer = { tls: source.tls, timeoutMs: source.requestTimeoutMs };
  const usesMtls =
    source.clientAuthMethod === 'tls_client_auth' ||
    source.clientAuthMethod === 'self_signed_tls_client_auth';
  let authentication: Promise<ClientAuth> | undefined;

  const metadata = async (): Promise<ServerMetadata> => {
    const explicit = explicitMetadata(source);
    if (!source.discovery || source.issuer === undefined) return explicit;
    return { ...(await upstreams.discover(source.issuer, peer)), ...explicit };
  };

  const fetchFor: CustomFetch = async (url, { method, headers, body }) => {
    const answer = await upstreams.send(peer, {
      url,
      method: method === 'POST' ? 'POST' : 'GET',
      headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
    });
    return method === 'POST' ? tokenAnswer(answer, source.type) : answer;
  };

  const configuration = async (): Promise<Configuration> => {
    const { clientId } = source;
    if (clientId === undefined)
      throw new AppError('unavailable', 'This source has no client of its own', {
        detail: 'clientId is missing',
        isLasting: true,
      });
    const server = await metadata();
    authentication ??= createClientAuthentication(
      source,
      hasOwnIssuer(source) && !isTemplate(source.issuer) ? undefined : server.token_endpoint,
    );
    const client: Partial<ClientMetadata> = {
      [clockSkew]: Math.round((clock.now() - Date.now()) / 1000),
      [clockTolerance]: toleranceSeconds,
      use_mtls_endpoint_aliases: usesMtls,
    };
    const built = isTemplate(source.issuer)
      ? await templateConfiguration(server, { clientId, client, authentication: await authentication })
      : new Configuration(server, clientId, client, await authentication);
    built[customFetch] = fetchFor;
    built.timeout = undefined; // the transport has the limits
    if (isPlainHttp(source)) allowInsecureRequests(built);
    return built;
  };

  return { source, peer, metadata, configuration };
};

/** The endpoints of the tenant's file, which take precedence over those of discovery. */
const explicitMetadata = (source: UpstreamSource): ServerMetadata => ({
  issuer: source.issuer ?? new URL(source.accessTokenUri ?? source.userInfoUri ?? 'about:blank').origin,
  ...definedOnly({
    authorization_endpoint: source.userAuthorizationUri,
    token_endpoint: source.accessTokenUri,
    userinfo_endpoint: source.userInfoUri,
    jwks_uri: source.jwksUri,
    end_session_endpoint: source.endSessionUri,
    pushed_authorization_request_endpoint: source.pushedAuthorizationRequestUri,
  }),
});

/**
 * openid-client compares the issuer of an ID token with a template and the token's own `tid` when the document was
 * discovered at Entra's public cloud. Here the document is loaded already. It is passed to openid-client as if it came
 * from that address, so that the same comparison is used for the other clouds.
 */
const templateConfiguration = (
  server: ServerMetadata,
  {
    clientId,
    client,
    authentication,
  }: {
    readonly clientId: string;
    readonly client: Partial<ClientMetadata>;
    readonly authentication: ClientAuth;
  },
): Promise<Configuration> =>
  discovery(new URL('https://login.microsoftonline.com/'), clientId, client, authentication, {
    [customFetch]: () => Promise.resolve(Response.json(server)),
  });

/**
 * True only for loopback, as the check of the tenant's file ensures; the endpoints of such an upstream may use http.
 */
const isPlainHttp = (source: UpstreamSource): boolean =>
  [source.issuer, source.userAuthorizationUri, source.accessTokenUri].some(
    (url) => url?.startsWith('http:') === true,
  );
