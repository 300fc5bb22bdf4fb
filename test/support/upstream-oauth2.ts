import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FaultyServer, openFaultyServer } from './upstream-faults.ts';

/** An answer of the token endpoint or of a resource. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON unless it is a text. */
  readonly body: unknown;
}

export interface TokenRequest {
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

export interface UpstreamOauth2 extends Pick<FaultyServer, 'setFaults' | 'hits' | 'port'> {
  readonly url: string;
  /** Undefined: the built-in answer. */
  setToken(answer: ((request: TokenRequest) => ScriptedAnswer | undefined) | undefined): void;
  /** User-info, `/emails`, `/details/…`: what a path answers to a good token. */
  setResource(path: string, answer: ScriptedAnswer): void;
  /** Access tokens issued so far are good no more. */
  revokeAll(): void;
  /** Makes a good access token. */
  issue(): string;
  readonly requests: readonly TokenRequest[];
  close(): Promise<void>;
}

export interface OAuth2Person {
  readonly login: string;
  readonly password: string;
}

export const oauth2Client = { id: 'drawbridge', secret: 'plain-oauth-secret' } as const;
export const oauth2Person: OAuth2Person = { login: 'bob', password: 'bobs password' };

/**
 * A plain OAuth 2.0 server with a user-info resource and no OpenID Connect: authorization code with PKCE, password,
 * client credentials. Whoever comes is signed in as bob.
 */
export const openUpstreamOauth2 = async (
  people: readonly OAuth2Person[] = [oauth2Person],
): Promise<UpstreamOauth2> => {
  const codes = new Map<string, { readonly challenge: string | null; readonly redirectUri: string | null }>();
  /** The login of the person, or undefined for a client's own. */
  const tokens = new Map<string, string | undefined>();
  const requests: TokenRequest[] = [];
  const resources = new Map<string, ScriptedAnswer>();
  let script: Parameters<UpstreamOauth2['setToken']>[0];

  const issue = (login?: string): string => {
    const token = randomBytes(18).toString('base64url');
    tokens.set(token, login);
    return token;
  };

  const issued = (login?: string): ScriptedAnswer => ({
    body: { access_token: issue(login), token_type: 'bearer', expires_in: 3600 },
  });

  const authorize = (url: URL, res: ServerResponse): void => {
    const query = url.searchParams;
    const code = randomBytes(12).toString('base64url');
    codes.set(code, { challenge: query.get('code_challenge'), redirectUri: query.get('redirect_uri') });
    const back = new URL(query.get('redirect_uri') ?? '');
    back.searchParams.set('code', code);
    back.searchParams.set('state', query.get('state') ?? '');
    // an issuer that the source of six properties knows nothing of
    back.searchParams.set('iss', 'https://plain.test');
    res.writeHead(302, { location: back.href }).end();
  };

  const token = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const request = {
      form: new URLSearchParams(await bodyOf(req)),
      authorization: req.headers.authorization,
    };
    requests.push(request);
    send(res, script?.(request) ?? grant(request));
  };

  const grant = ({ form, authorization }: TokenRequest): ScriptedAnswer => {
    if (authorization !== basic(oauth2Client)) return refusal('invalid_client', 401);
    switch (form.get('grant_type')) {
      case 'authorization_code': {
        const code = form.get('code') ?? '';
        const known = codes.get(code);
        codes.delete(code);
        const challenge = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        const isRight = known?.challenge === challenge && known.redirectUri === form.get('redirect_uri');
        return isRight ? issued(people[0]?.login) : refusal('invalid_grant');
      }
      case 'password': {
        const person = people.find(
          ({ login, password }) => form.get('username') === login && form.get('password') === password,
        );
        return person === undefined ? refusal('invalid_grant') : issued(person.login);
      }
      case 'client_credentials':
        return issued();
      default:
        return refusal('unsupported_grant_type');
    }
  };

  const resource = (path: string, req: IncomingMessage, res: ServerResponse): void => {
    const [, held = ''] = /^Bearer (.+)$/.exec(req.headers.authorization ?? '') ?? [];
    if (!tokens.has(held)) {
      res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
      return;
    }
    send(res, resources.get(path) ?? aboutPerson(path, tokens.get(held)));
  };

  /** `/userinfo` is about the holder of the token, `/details/<login>` about anybody. */
  const aboutPerson = (path: string, holder: string | undefined): ScriptedAnswer => {
    const [, asked] = /^\/details\/([^/]+)$/.exec(path) ?? [];
    const name = path === '/userinfo' ? holder : decodeURIComponent(asked ?? '');
    const at = people.findIndex(({ login }) => login === name);
    if (at < 0) return { status: 404, body: { error: 'not found' } };
    return { body: { id: 4711 + at, login: name, email: `${name}@plain.test` } };
  };

  const front = await openFaultyServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://127.0.0.1');
    if (url.pathname === '/authorize') authorize(url, res);
    else if (url.pathname === '/token') void token(req, res);
    else resource(url.pathname, req, res);
  });

  return {
    url: `http://127.0.0.1:${front.port}`,
    port: front.port,
    setFaults: front.setFaults,
    hits: front.hits,
    setToken: (next) => {
      script = next;
    },
    setResource: (path, answer) => void resources.set(path, answer),
    revokeAll: () => tokens.clear(),
    issue: () => issue(people[0]?.login),
    requests,
    close: front.close,
  };
};

const basic = ({ id, secret }: { readonly id: string; readonly secret: string }): string =>
  `Basic ${Buffer.from(`${id}:${secret.replaceAll('-', '%2D')}`).toString('base64')}`;

const refusal = (error: string, status = 400): ScriptedAnswer => ({ status, body: { error } });

const send = (res: ServerResponse, { status = 200, headers = {}, body }: ScriptedAnswer): void => {
  const isText = typeof body === 'string';
  res
    .writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers })
    .end(isText ? body : JSON.stringify(body));
};

const bodyOf = async (req: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer); // no encoding is set
  return Buffer.concat(chunks).toString();
};
