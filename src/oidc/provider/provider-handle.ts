import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ChallengeEndpoint } from '../direct-login/challenge-endpoint.ts';
import type { JwtHandles } from '../tokens/jwt-handles.ts';
import { takeEmptySecret } from './empty-secret.ts';
import { rewriteForm } from './form-body.ts';
import type { ProviderRequest, ProviderRequests } from './provider-request.ts';

/** @param target path and query below the issuer, e.g. `/token`, and what the server knows of the request */
export type HandleRequest = (
  req: IncomingMessage,
  res: ServerResponse,
  target: { readonly path: string; readonly facts: ProviderRequest },
) => Promise<void>;

export interface HandleParts {
  readonly requests: Pick<ProviderRequests, 'setFacts'>;
  readonly jwtHandles: Pick<JwtHandles, 'exchange'>;
  readonly challengeEndpoint: Pick<ChallengeEndpoint, 'take'>;
  readonly isPublicClient: (clientId: string) => boolean;
  /** The library's request listener. */
  readonly callback: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
}

/** Endpoints that answer JSON for any `Accept` (RFC 6749 section 5.2 and related RFCs); browsers use the others too. */
const programsOnly = /^\/(?:token|me|device\/auth|request|authorize-challenge)(?:[/?]|$)/i;

/** Endpoints with client authentication. */
const provesClient = (req: IncomingMessage, path: string): boolean =>
  req.method === 'POST' &&
  /^\/(?:token(?:\/introspection|\/revocation)?|device\/auth|request)\/?$/i.test(path);

/** Introspection (RFC 7662) and revocation (RFC 7009): the form names a token. */
const isTokenQuestion = (req: IncomingMessage, path: string): boolean =>
  req.method === 'POST' && /^\/token\/(introspection|revocation)\/?$/i.test(path);

/** Brings a request into the form that the library expects, and passes it to the library. */
export const createHandle =
  ({ requests, jwtHandles, challengeEndpoint, isPublicClient, callback }: HandleParts): HandleRequest =>
  async (req, res, { path: asked, facts }) => {
    requests.setFacts(req, facts);
    const path = await challengeEndpoint.take(req, asked);
    req.url = path;
    if (programsOnly.test(path)) req.headers.accept = 'application/json';
    if (provesClient(req, path)) await takeEmptySecret(req, isPublicClient);
    if (isTokenQuestion(req, path)) await rewriteForm(req, (body) => jwtHandles.exchange(req, body));
    await callback(req, res);
  };
