import { type Browser, createBrowser, type Page } from './browser.ts';
import { type AuthorizationRequest, prepareAuthorization, redeem, type TokenBody } from './oauth-client.ts';
import type { TenantContent } from './sample-tenants.ts';
import { oauth2Client, type UpstreamOauth2 } from './upstream-oauth2.ts';

type SourceContent = NonNullable<TenantContent['sources']>[number];

/** The source `plain`: an OAuth 2.0 server at which everybody is bob. */
export const plainSource = ({ url }: Pick<UpstreamOauth2, 'url'>, changes: object = {}): SourceContent =>
  ({
    id: 'plain',
    type: 'oauth2',
    clientId: oauth2Client.id,
    clientSecret: oauth2Client.secret,
    userAuthorizationUri: `${url}/authorize`,
    accessTokenUri: `${url}/token`,
    userInfoUri: `${url}/userinfo`,
    userNameExtractionPattern: '/login',
    subjectPointer: '/id',
    timeout: '1s',
    ...changes,
  }) as SourceContent; // the schema judges it

/** A sign-in there; @throws Error unless there are tokens of ours */
export const signInAtPlain = async (
  request: AuthorizationRequest,
  browser: Browser = createBrowser(),
): Promise<TokenBody & { readonly access_token: string }> => {
  const { redirectUri } = request.client;
  const prepared = prepareAuthorization({ ...request, extra: { ...request.extra, idp_hint: 'plain' } });
  const page: Page = await browser.follow(await browser.get(prepared.url), (target) =>
    target.startsWith(redirectUri),
  );
  const code = new URL(page.location ?? page.url).searchParams.get('code');
  if (code === null)
    throw new Error(`no code, but ${page.status} at ${page.url}: ${page.body.slice(0, 500)}`);
  const { status, body } = await redeem(request, { ...prepared, code });
  if (status !== 200 || body.access_token === undefined)
    throw new Error(`no tokens, but ${status} ${JSON.stringify(body)}`);
  return { ...body, access_token: body.access_token };
};
