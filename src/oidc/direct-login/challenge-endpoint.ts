// Sign-in on an app's own page. By the authorization challenge endpoint (draft-ietf-oauth-first-party-apps-04):
//   (here)                      the address, which for the library is a grant of the token endpoint
//   authorization-challenge.ts  one step: what it proves; challenge-answers.ts: the answers
//   challenge-request.ts        what the app asks for in its first request
//   auth-sessions.ts            what is kept between the steps; open-auth-session.ts: who may go on with it
//   dpop-proof.ts               the DPoP proof of a step
//   direct-session.ts           session and grant of the person at the end
//
// The login API of the tenant does the same in one request: direct-login.ts, with tokens of direct-tokens.ts; email-sessions.ts
// by a code that is sent by e-mail; prolong-session.ts.
import type { IncomingMessage } from 'node:http';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { rewriteForm } from '../provider/form-body.ts';

/** Below the issuer. */
export const challengePath = '/authorize-challenge';

/** No client sends it: it is how the library knows the endpoint, with its client authentication and CORS. */
export const challengeGrant = 'urn:drawbridge:grant-type:authorization-challenge';

/**
 * What the code of a request without `redirect_uri` is bound to. The token request has none then (section 6), but the
 * library expects one.
 */
export const noRedirectUri = 'urn:drawbridge:no-redirect-uri';

export interface ChallengeEndpoint {
  /**
   * Makes a request to the endpoint a token request of its grant. Other requests stay as they are, but for token
   * requests without `redirect_uri`.
   * @returns path and query for the library
   */
  take(req: IncomingMessage, path: string): Promise<string>;
  /** Did the request come to the endpoint? */
  isChallenge(req: IncomingMessage): boolean;
}

const challengeForm = /^\/authorize-challenge\/?(?=\?|$)/i;
const tokenForm = /^\/token\/?(?=\?|$)/i;

export const createChallengeEndpoint = ({
  hasDirectLogin,
  clientOf,
}: {
  readonly hasDirectLogin: boolean;
  /** Id of the client that began this `auth_session`. */
  readonly clientOf: (authSession: string) => Promise<string | undefined>;
}): ChallengeEndpoint => {
  const taken = new WeakSet<IncomingMessage>();

  /** Section 5.1: an `auth_session` names its client too. */
  const nameClient = async (req: IncomingMessage, form: URLSearchParams): Promise<void> => {
    const isNamed =
      req.headers.authorization !== undefined || form.has('client_id') || form.has('client_assertion');
    const token = form.get('auth_session');
    const clientId = isNamed || token === null ? undefined : await clientOf(token);
    if (clientId !== undefined) form.set('client_id', clientId);
  };

  return {
    isChallenge: (req) => taken.has(req),
    take: async (req, path) => {
      if (!hasDirectLogin || (req.method !== 'POST' && req.method !== 'OPTIONS')) return path;
      if (challengeForm.test(path)) {
        taken.add(req);
        await rewriteForm(req, async (body) => {
          const form = new URLSearchParams(body);
          form.set('grant_type', challengeGrant);
          await nameClient(req, form);
          return form.toString();
        });
        return path.replace(challengeForm, '/token');
      }
      if (tokenForm.test(path)) await rewriteForm(req, async (body) => withRedirectUri(body));
      return path;
    },
  };
};

/** Most token requests have another grant; they need not be parsed. */
const mayHaveCode = /authorization(?:_|%5f)code/i;

const withRedirectUri = (body: string): string => {
  if (!mayHaveCode.test(body)) return body;
  const form = new URLSearchParams(body);
  if (form.get('grant_type') !== 'authorization_code' || form.has('redirect_uri')) return body;
  form.set('redirect_uri', noRedirectUri);
  return form.toString();
};

/** The library lists every grant that it knows; this one is an endpoint of its own in the document. */
export const hideChallengeGrant = (ctx: KoaContextWithOIDC): void => {
  if (ctx.oidc?.route !== 'discovery') return;
  const { body } = ctx as { body?: { grant_types_supported?: readonly string[] } }; // RFC 8414 section 2
  if (body?.grant_types_supported !== undefined)
    body.grant_types_supported = body.grant_types_supported.filter((grant) => grant !== challengeGrant);
};
