import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import type { UpstreamSource } from '../../src/config/source/source-definition.ts';
import type {
  Connector,
  RedirectSource,
  SourcePerson,
  UpstreamOutcome,
  UpstreamRequest,
} from '../../src/connectors/connector.ts';
import { createUpstreamConnector } from '../../src/connectors/upstream/upstream-connector.ts';
import { openUpstreams, type Upstreams } from '../../src/connectors/upstream/upstreams.ts';
import { createLog } from '../../src/log.ts';
import { createBrowser } from './browser.ts';
import { oauth2Client } from './upstream-oauth2.ts';

/** Where the browser comes back; nobody listens there. */
export const redirectUri = 'http://localhost:9/oauth/acme/upstream/corp/callback';
export const upstreamClient = { id: 'drawbridge', secret: 'the-upstream-knows-this-secret' } as const;

const base: Omit<UpstreamSource, 'type' | 'discovery' | 'scopes'> = {
  id: 'corp',
  displayName: 'Corp',
  domains: [],
  trustedEmailDomains: [],
  mapping: [],
  adopt: 'off',
  recheckSeconds: 300,
  degradedSeconds: 1800,
  revealLock: false,
  clientAuthMethod: 'client_secret_basic',
  tls: {},
  authorizationParameters: {},
  pkce: true,
  usePar: 'auto',
  passwordSignIn: false,
  acceptUpstreamTokens: false,
  tokenCacheSeconds: 5,
  extraInfo: {},
  acr: {},
  requestTimeoutMs: 10_000,
};

export const oidcSource = (issuer: string, changes: Partial<UpstreamSource> = {}): UpstreamSource => ({
  ...base,
  type: 'oidc',
  issuer,
  discovery: true,
  clientId: upstreamClient.id,
  clientSecret: upstreamClient.secret,
  scopes: ['openid', 'profile', 'email'],
  ...changes,
});

/** The six properties of seed 004. */
export const oauth2Source = (url: string, changes: Partial<UpstreamSource> = {}): UpstreamSource => ({
  ...base,
  type: 'oauth2',
  discovery: false,
  scopes: [],
  clientId: oauth2Client.id,
  clientSecret: oauth2Client.secret,
  userAuthorizationUri: `${url}/authorize`,
  accessTokenUri: `${url}/token`,
  userInfoUri: `${url}/userinfo`,
  userNameExtractionPattern: { kind: 'pointer', pointer: '/login' },
  ...changes,
});

export interface ConnectorFixture {
  readonly upstreams: Upstreams;
  /** JSON lines. */
  readonly logLines: readonly string[];
  connector(source: UpstreamSource): Connector<SourcePerson>;
  close(): Promise<void>;
}

export const openConnectors = (clock: Clock = systemClock): ConnectorFixture => {
  const logLines: string[] = [];
  const log = createLog({ level: 'debug' }, { write: (line: string) => void logLines.push(line) });
  const upstreams = openUpstreams({ clock, log });
  return {
    upstreams,
    logLines,
    connector: (source) => createUpstreamConnector(source, { upstreams, clock, log }),
    close: upstreams.close,
  };
};

/** @throws Error unless the source sends browsers away */
export const redirectOf = ({ redirect }: Connector<SourcePerson>): RedirectSource<SourcePerson> => {
  if (redirect === undefined) throw new Error('this source does not redirect');
  return redirect;
};

export interface Journey {
  readonly request?: Partial<UpstreamRequest>;
  /** Changes the URL at which the browser comes back. */
  readonly onReturn?: (url: URL) => void | Promise<void>;
}

/** A person goes to the upstream and comes back. */
export const travel = async (
  connector: Connector<SourcePerson>,
  { request = {}, onReturn }: Journey = {},
): Promise<UpstreamOutcome<SourcePerson>> => {
  const redirect = redirectOf(connector);
  const { url, memory } = await redirect.begin({ redirectUri, state: 'the-state', ...request });
  const browser = createBrowser();
  const page = await browser.follow(await browser.get(url), (target) => target.startsWith(redirectUri));
  if (page.location?.startsWith(redirectUri) !== true)
    throw new Error(`no redirect back, but ${page.status} at ${page.url}: ${page.body.slice(0, 500)}`);
  const back = new URL(page.location);
  await onReturn?.(back);
  return redirect.finish(back, memory);
};

/** Travels, and expects to be let in. */
export const arrive = async (
  connector: Connector<SourcePerson>,
  journey: Journey = {},
): Promise<Extract<UpstreamOutcome<SourcePerson>, { readonly ok: true }>> => {
  const outcome = await travel(connector, journey);
  if (!outcome.ok) throw new Error(`refused: ${outcome.reason}, ${outcome.detail}`);
  return outcome;
};
