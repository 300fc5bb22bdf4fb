import { createHash, randomBytes } from 'node:crypto';
import { type Browser, hasForm, type Page } from './browser.ts';
import { alice, type KnownClient } from './sample-tenants.ts';

/** The client's side of the protocol, by hand: for what a well-behaved library would never send. */

export interface Pkce {
  readonly verifier: string;
  readonly challenge: string;
}

export const pkce = (): Pkce => {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
};

/** Members that the tests look at; any of them may be missing. */
export interface TokenBody {
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly token_type?: string;
  readonly expires_in?: number;
  readonly scope?: string;
  readonly error?: string;
  readonly error_description?: string;
  readonly [name: string]: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: TokenBody;
}

/** Parameters that are `undefined` are left out. */
export type Parameters = Readonly<Record<string, string | undefined>>;

export const formOf = (parameters: Parameters): URLSearchParams =>
  new URLSearchParams(
    Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );

/** HTTP Basic for a confidential client (RFC 6749 section 2.3.1), nothing for a public one. */
export const basicAuthorization = ({
  id,
  secret,
}: Pick<KnownClient, 'id' | 'secret'>): Record<string, string> =>
  secret === undefined
    ? {}
    : { authorization: `Basic ${Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')}` };

/** A form POST as this client; a public one names itself in the form. */
export const postAs = async (
  client: Pick<KnownClient, 'id' | 'secret'>,
  url: string,
  request: { readonly form: Parameters; readonly headers?: Readonly<Record<string, string>> },
): Promise<Answer> => {
  const named = client.secret === undefined ? { client_id: client.id, ...request.form } : request.form;
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...basicAuthorization(client), ...request.headers },
    body: formOf(named),
  });
  return toAnswer(response);
};

export const toAnswer = async (response: Response): Promise<Answer> => {
  const text = await response.text();
  const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as TokenBody) : {},
  };
};

export const tokenRequest = (
  issuer: string,
  client: Pick<KnownClient, 'id' | 'secret'>,
  form: Parameters,
): Promise<Answer> => postAs(client, `${issuer}/token`, { form });

export const introspect = (
  issuer: string,
  client: Pick<KnownClient, 'id' | 'secret'>,
  token: string,
): Promise<Answer> => postAs(client, `${issuer}/token/introspection`, { form: { token } });

export const revoke = (
  issuer: string,
  client: Pick<KnownClient, 'id' | 'secret'>,
  token: string,
): Promise<Answer> => postAs(client, `${issuer}/token/revocation`, { form: { token } });

export const userinfo = async (
  issuer: string,
  accessToken: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  toAnswer(await fetch(`${issuer}/me`, { headers: { ...headers, authorization: `Bearer ${accessToken}` } }));

export interface AuthorizationRequest {
  readonly issuer: string;
  readonly client: KnownClient;
  readonly scope?: string;
  /** More parameters, or other values; `undefined` leaves one out. */
  readonly extra?: Parameters;
}

export interface PreparedRequest extends Pkce {
  readonly url: string;
  readonly state: string;
}

export const prepareAuthorization = (request: AuthorizationRequest): PreparedRequest => {
  const proof = pkce();
  const state = randomBytes(8).toString('base64url');
  const query = formOf({
    client_id: request.client.id,
    response_type: 'code',
    scope: request.scope ?? 'openid',
    redirect_uri: request.client.redirectUri,
    state,
    code_challenge: proof.challenge,
    code_challenge_method: 'S256',
    ...request.extra,
  });
  return { ...proof, state, url: `${request.issuer}/auth?${query}` };
};

/** Goes to the authorization endpoint and on, until a page or the client's redirect (`location` then). */
export const goToAuthorization = async (
  browser: Browser,
  { url }: Pick<PreparedRequest, 'url'>,
  redirectUri: string,
): Promise<Page> => browser.follow(await browser.get(url), (target) => target.startsWith(redirectUri));

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface SignedIn extends PreparedRequest {
  readonly code: string;
  /** All that came with the redirect. */
  readonly returned: URLSearchParams;
  /** Pages that the person saw: `login`, `consent`. */
  readonly seen: readonly ('login' | 'consent')[];
}

/** Must the person be asked whether this client may have access? Any other number of consent pages is an error. */
export interface SignInRequest extends AuthorizationRequest {
  /** Default: only where the request says `prompt=consent`. */
  readonly consent?: boolean;
}

/**
 * A person signs in through the real pages, and allows the client what it asks for where that is expected.
 * @throws Error at a page that is not expected, and unless it ends at the client's redirect with a code
 */
export const signIn = async (
  browser: Browser,
  request: SignInRequest,
  who: Credentials = alice,
): Promise<SignedIn> => {
  const prepared = prepareAuthorization(request);
  const { redirectUri, id } = request.client;
  const mustAsk = request.consent ?? request.extra?.prompt === 'consent';
  const isBack = (target: string): boolean => target.startsWith(redirectUri);
  const send = async (page: Page, fields: Readonly<Record<string, string>>): Promise<Page> =>
    browser.follow(await browser.submit(page, fields), isBack);
  const seen: ('login' | 'consent')[] = [];
  let page = await goToAuthorization(browser, prepared, redirectUri);
  if (isLoginPage(page)) {
    seen.push('login');
    page = await send(page, { login: who.username, password: who.password });
  }
  if (mustAsk && isConsentPage(page, id)) {
    seen.push('consent');
    page = await send(page, { decision: 'allow' });
  }
  const returned = new URL(page.location ?? page.url).searchParams;
  const code = returned.get('code');
  if (code === null)
    throw new Error(
      `no code, but ${page.status} at ${page.location ?? page.url}: ${page.body.slice(0, 1000)}`,
    );
  if (mustAsk && !seen.includes('consent')) throw new Error(`no consent page for ${id}`);
  return { ...prepared, code, returned, seen };
};

export const isLoginPage = (page: Page): boolean => hasForm(page, { login: '', password: '' });

/** Does the page ask whether this client may have access? */
export const isConsentPage = (page: Page, clientId: string): boolean =>
  hasForm(page, { decision: 'allow' }) && page.body.includes(`<code>${clientId}</code>`);

/** Redeems a code for tokens. */
export const redeem = (
  request: Pick<AuthorizationRequest, 'issuer' | 'client'>,
  { code, verifier }: Pick<SignedIn, 'code' | 'verifier'>,
  extra: Parameters = {},
): Promise<Answer> =>
  tokenRequest(request.issuer, request.client, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: request.client.redirectUri,
    code_verifier: verifier,
    ...extra,
  });

/** Sign-in and redemption in one; @throws Error unless there are tokens */
export const tokensFor = async (
  browser: Browser,
  request: SignInRequest,
  who: Credentials = alice,
): Promise<TokenBody & { readonly access_token: string }> => {
  const { body, status } = await redeem(request, await signIn(browser, request, who));
  if (status !== 200 || body.access_token === undefined)
    throw new Error(`no tokens, but ${status} ${JSON.stringify(body)}`);
  return { ...body, access_token: body.access_token };
};

export const refresh = (
  issuer: string,
  client: Pick<KnownClient, 'id' | 'secret'>,
  refreshToken: string | undefined,
  extra: Parameters = {},
): Promise<Answer> =>
  tokenRequest(issuer, client, { grant_type: 'refresh_token', refresh_token: refreshToken, ...extra });

/** A person signs out through the real pages, of the session and so of all apps. */
export const signOut = async (browser: Browser, issuer: string): Promise<Page> => {
  const question = await browser.follow(await browser.get(`${issuer}/session/end`));
  return browser.follow(await browser.submit(question, { logout: 'yes' }));
};
