import { type Browser, createBrowser, formsOf, type Page } from './browser.ts';
import {
  type AuthorizationRequest,
  type Credentials,
  type Parameters,
  prepareAuthorization,
} from './oauth-client.ts';
import {
  alice,
  appRedirect,
  confidential,
  sampleClients,
  sampleTenant,
  type TenantContent,
  web,
  webClient,
} from './sample-tenants.ts';
import type { TestStore } from './stores.ts';
import { startTestServer, type TestServer, type TestServerOptions } from './test-server.ts';

/** What `acme` is to the tenants that are its upstreams. */
export const bridge = confidential('bridge');

/** Somebody whom only the upstreams know. */
export const carol = { username: 'carol', password: 'the upstream knows me' } as const;

/** A tenant that people of other tenants sign in at. */
export const upstreamTenant = (acmeIssuer: string, source: string): TenantContent =>
  sampleTenant({
    displayName: `Upstream ${source}`,
    clients: [
      ...sampleClients,
      webClient(bridge, {
        redirect_uris: [`${acmeIssuer}/upstream/${source}/callback`],
        post_logout_redirect_uris: [`${acmeIssuer}/upstream/${source}/signed-out`],
        backchannel_logout_uri: `${acmeIssuer}/upstream/${source}/backchannel-logout`,
      }),
    ],
    users: [
      {
        ...carol,
        email: 'carol@corp.example',
        emailVerified: true,
        claims: { name: 'Carol Corp' },
        groups: ['sales'],
      },
      { ...alice, email: 'alice@corp.example' },
    ],
  });

export const oidcSourceContent = (issuer: string, id: string, changes: object = {}): object => ({
  id,
  type: 'oidc',
  displayName: `The ${id} login`,
  issuer,
  clientId: bridge.id,
  clientSecret: bridge.secret,
  ...changes,
});

export const localSource = { id: 'local', type: 'local' } as const;

/** `acme` with these sources. */
export const bridgedTenant = (sources: readonly object[], changes: TenantContent = {}): TenantContent =>
  ({ ...sampleTenant(changes), sources }) as TenantContent; // the parts of a source are the schema's to judge

export interface Federation {
  readonly server: TestServer;
  /** Of the tenant that people come to. */
  readonly issuer: string;
  /** Of an upstream. */
  upstream(id: string): string;
  /** `acme` with other sources; live when it resolves. */
  setSources(sources: readonly object[], changes?: TenantContent): Promise<void>;
  close(): Promise<void>;
}

/** `acme` in front of two tenants of the same server, `corp` and `rival`. */
export const startFederation = async (
  store: TestStore,
  options: Pick<TestServerOptions, 'clock' | 'instances' | 'settings'> = {},
): Promise<Federation> => {
  const server = await startTestServer({ store, tenants: { acme: sampleTenant() }, ...options });
  const issuer = server.issuer('acme');
  for (const id of ['corp', 'rival']) await server.putTenant(id, upstreamTenant(issuer, id));
  return {
    server,
    issuer,
    upstream: server.issuer,
    setSources: (sources, changes) => server.putTenant('acme', bridgedTenant(sources, changes)),
    close: server.close,
  };
};

/** Is this the login page of that tenant? */
export const isLoginOf = (page: Page, issuer: string): boolean =>
  page.status === 200 &&
  page.url.startsWith(`${issuer}/interaction/`) &&
  page.body.includes('name="password"');

const isApp = (target: string): boolean => target.startsWith(appRedirect);

/** Opens an app of `acme`; ends at a page, or before the app. */
export const openApp = async (
  browser: Browser,
  issuer: string,
  {
    extra = {},
    client = web,
  }: { readonly extra?: Parameters } & Partial<Pick<AuthorizationRequest, 'client'>> = {},
): Promise<Page & { readonly verifier: string }> => {
  const prepared = prepareAuthorization({ issuer, client, extra });
  const page = await browser.follow(await browser.get(prepared.url), isApp);
  return { ...page, verifier: prepared.verifier };
};

/** Presses the button of a source. */
export const chooseSource = async (browser: Browser, page: Page, source: string): Promise<Page> => {
  const index = formsOf(page).findIndex(({ action }) =>
    new URL(action).pathname.endsWith(`/upstream/${source}`),
  );
  if (index < 0) throw new Error(`no button for ${source} on ${page.url} (${page.status})`);
  return browser.follow(await browser.submit(page, {}, index), isApp);
};

/** Signs in on the page of an upstream; stops before the browser comes back to `acme`, unless `stop` says else. */
export const signInThere = async (
  browser: Browser,
  page: Page,
  {
    who = carol,
    stop = isApp,
  }: { readonly who?: Credentials; readonly stop?: (target: string) => boolean } = {},
): Promise<Page> =>
  browser.follow(await browser.submit(page, { login: who.username, password: who.password }), stop);

/** The URL with which the upstream sends the browser back, not yet fetched. */
export const wayBack = async (browser: Browser, page: Page, who: Credentials = carol): Promise<string> => {
  const isCallback = (target: string): boolean => /\/upstream\/[^/]+\/callback\?/.test(target);
  const { location = '' } = await signInThere(browser, page, { who, stop: isCallback });
  if (!isCallback(location)) throw new Error(`no redirect back, but ${location}`);
  return location;
};

export const codeOf = (page: Page): string => {
  const code = new URL(page.location ?? page.url).searchParams.get('code');
  if (code === null)
    throw new Error(
      `no code, but ${page.status} at ${page.location ?? page.url}: ${page.body.slice(0, 800)}`,
    );
  return code;
};

/** The whole sign-in: app, `acme`, upstream and back to the app, whose code it resolves to. */
export const signInThrough = async (
  federation: Federation,
  source: string,
  { browser = createBrowser(), who = carol }: { readonly browser?: Browser; readonly who?: Credentials } = {},
): Promise<{ readonly browser: Browser; readonly code: string; readonly verifier: string }> => {
  const start = await openApp(browser, federation.issuer, { extra: { idp_hint: source } });
  const page = isLoginOf(start, federation.upstream(source))
    ? await signInThere(browser, start, { who })
    : start;
  return { browser, code: codeOf(page), verifier: start.verifier };
};
