import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK } from 'jose';
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Accounts } from '../../accounts/account-types.ts';
import { furtherClaims } from '../../accounts/claims.ts';
import type { Devices } from '../../accounts/devices.ts';
import type { Revocations } from '../../accounts/revocations.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Connector } from '../../connectors/connector.ts';
import { hashId } from '../../crypto/ids.ts';
import type { MasterKey } from '../../crypto/master-key.ts';
import type { Log } from '../../log.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { LogoutDelivery } from '../../storage/storage-endings.ts';
import type { Pages } from '../../web/pages.ts';
import { createAdapter } from '../adapter/adapter.ts';
import { speakingProtocol } from '../adapter/protocol-adapter.ts';
import { type RequestScope, StoreRequestScope } from '../adapter/request-scope.ts';
import { createDeviceCodes, pollIntervalSeconds } from '../grants/device-codes.ts';
import { createDeviceSignIns } from '../grants/device-sign-ins.ts';
import { createPasswordGrant, passwordGrantParameters } from '../grants/password-grant.ts';
import {
  createTokenExchange,
  tokenExchangeGrantType,
  tokenExchangeParameters,
} from '../grants/token-exchange.ts';
import type { VerifyAccessTokenJwt } from '../tokens/access-token-jwt.ts';
import { createJwtHandles } from '../tokens/jwt-handles.ts';
import { createLogoutToken, type LogoutToken } from '../tokens/logout-tokens.ts';
import { createRefreshRotation } from '../tokens/refresh-rotation.ts';
import type { UpstreamSessions } from '../upstream/upstream-sessions.ts';
import type { UpstreamSignOut } from '../upstream/upstream-sign-out.ts';
import { createUpstreamTokens, type KeptUpstreamTokens } from '../upstream/upstream-tokens.ts';
import { lifetimesOf } from './clients.ts';
import { createOriginGuard } from './cross-origin.ts';
import { toProtocolError } from './errors.ts';
import { rewriteForm } from './form-body.ts';
import { createPreparedAnswers, type PreparedAnswers } from './prepared-answers.ts';
import { anonymousSessionTtl, providerConfiguration, sessionCookie } from './provider-configuration.ts';
import { observeProvider } from './provider-events.ts';
import { createProviderPages } from './provider-pages.ts';
import {
  acceptOnlyIdTokensAsHints,
  alwaysIncludeSid,
  deriveSuccessors,
  keepSecretsHashed,
  leaveOutUndefinedScopes,
  nameTenantInDeviceCodes,
  pinToIssuer,
  storeFirstSessions,
} from './provider-patches.ts';
import { createProviderRequests, type ProviderRequest } from './provider-request.ts';
import { observeEndings } from './request-endings.ts';
import { createTenantAccounts } from './tenant-accounts.ts';
import { withdrawAnswer } from './withdraw-answer.ts';

/** One oidc-provider for one tenant, behind the few things that other rooms need of it. */
export interface TenantProvider {
  readonly issuer: string;
  /** The issuer's `URL.host`. */
  readonly host: string;
  /** Is the issuer https? */
  readonly isSecure: boolean;
  /** Discovery document and JWKS as prepared bytes. */
  readonly prepared: PreparedAnswers;
  /**
   * Answers a request to the tenant's protocol endpoints.
   * @param path path and query below the issuer, e.g. `/token`
   */
  handle(
    req: IncomingMessage,
    res: ServerResponse,
    target: { readonly path: string; readonly facts: ProviderRequest },
  ): Promise<void>;
  /** What a sign-in brought along for the apps that may have it. */
  readonly keepUpstreamTokens: KeptUpstreamTokens['keep'];
  readonly forgetUpstreamTokens: KeptUpstreamTokens['forget'];
  /** See `createLogoutToken`. */
  logoutToken(delivery: LogoutDelivery): Promise<LogoutToken | undefined>;
  /** The library's models, for the interaction pages (`interactions.ts`). */
  readonly provider: Provider;
}

export interface TenantProviderParts {
  readonly definition: TenantDefinition;
  readonly issuer: string;
  /** Private signing keys; see `openTenantKeys`. */
  readonly keys: readonly JWK[];
  readonly verifyJwt: VerifyAccessTokenJwt;
  readonly storage: TenantStorage;
  readonly accounts: Accounts;
  readonly revocations: Revocations;
  readonly devices: Pick<Devices, 'signedIn' | 'seen'>;
  readonly connectors: readonly Connector[];
  readonly upstreamSessions: Pick<UpstreamSessions, 'note'>;
  readonly upstreamSignOut: Pick<UpstreamSignOut, 'leave'>;
  readonly masterKey: MasterKey;
  readonly pages: Pages;
  readonly clock: Clock;
  readonly log: Log;
}

/** Builds the tenant's provider. Owns no socket and no timer, so forgetting it needs no clean-up. */
export const createTenantProvider = (parts: TenantProviderParts): TenantProvider => {
  const { definition, issuer, storage, masterKey, clock, log } = parts;
  const tenant = definition.id;

  const facts = createProviderRequests();
  const scopes = new WeakMap<object, RequestScope>();
  const current = (): KoaContextWithOIDC | undefined => Provider.ctx;
  const scopeOf = (): RequestScope => {
    const ctx = current();
    const scope = ctx === undefined ? undefined : scopes.get(ctx);
    return scope ?? new StoreRequestScope(storage);
  };

  const rotation = createRefreshRotation({
    tenant,
    rotationKey: masterKey.derive('refresh token rotation'),
    clock,
    lifetimesOf: (clientId) => lifetimesOf(definition, clientId),
  });
  const jwtHandles = createJwtHandles({
    verify: parts.verifyJwt,
    request: () => current()?.req,
  });
  const deviceCodes = createDeviceCodes({
    tenant,
    storage,
    handleKey: masterKey.derive('device code handles'),
    clock,
    throttle: definition.throttle,
    request: () => {
      const ctx = current();
      const session = ctx?.oidc.session;
      return {
        route: ctx?.oidc.route,
        address: ctx === undefined ? '' : facts.get(ctx.req).address,
        session: session?.uid === undefined ? undefined : hashId(session.uid),
      };
    },
  });
  const factsOf = (ctx: KoaContextWithOIDC): ProviderRequest => facts.get(ctx.req);
  const deviceSignIns = createDeviceSignIns({
    devices: parts.devices,
    scope: scopeOf,
    current,
    factsOf,
    clock,
    log: log.child({ tenant }),
  });
  const accounts = createTenantAccounts({
    scopeOf,
    recheck: (account, when) => parts.accounts.recheck(account, when),
    definition,
    furtherClaims: furtherClaims(definition.sources),
  });
  const pages = createProviderPages({
    definition,
    issuer,
    pages: parts.pages,
    clock,
    log,
    factsOf,
    usernameOf: async (ctx, sub) => (await accounts.standing(ctx, sub))?.username,
  });

  const provider = new Provider(
    issuer,
    providerConfiguration({
      definition,
      issuer,
      jwks: parts.keys,
      cookieKeys: [masterKey.derive(`cookies ${tenant}`).toString('base64url')],
      dpopNonceSecret: masterKey.derive(`dpop nonce ${tenant}`),
      adapter: (kind) =>
        speakingProtocol(
          createAdapter(kind, {
            storage,
            clock,
            scope: scopeOf,
            isInRequest: () => current() !== undefined,
            rotation,
            deviceCodes,
            deviceSignIns,
            jwtHandles,
            sessionTouchSeconds: 600,
          }),
        ),
      accounts,
      rotation,
      pages,
    }),
  );
  pinToIssuer(provider, issuer);
  keepSecretsHashed(provider);
  alwaysIncludeSid(provider);
  acceptOnlyIdTokensAsHints(provider);
  leaveOutUndefinedScopes(provider);
  nameTenantInDeviceCodes(provider, tenant);
  storeFirstSessions(provider, {
    current,
    cookie: { ...sessionCookie(issuer), signed: true },
    ttl: anonymousSessionTtl,
  });
  deriveSuccessors(provider, {
    rotated: () => current()?.oidc.entities.RotatedRefreshToken,
    successorOf: rotation.successorOf,
  });
  provider.registerGrantType(
    'password',
    createPasswordGrant(provider, {
      definition,
      accounts: parts.accounts,
      usage: storage.usage,
      clock,
      findAccount: (ctx, sub) => accounts.find(ctx, sub),
      requestOf: (ctx) => facts.get(ctx.req),
    }) as never, // the library types the context of a custom grant by its parameters
    passwordGrantParameters,
    ['resource'],
  );
  const upstreamTokens = createUpstreamTokens({
    tenant,
    artifacts: storage.artifacts,
    connectors: parts.connectors,
    sealingKey: masterKey.derive('upstream tokens'),
    keptSeconds: definition.lifetimes.refreshTokenAbsolute,
    clock,
  });
  provider.registerGrantType(
    tokenExchangeGrantType,
    createTokenExchange(provider, {
      ...parts,
      upstreamTokens,
      findAccount: (ctx, sub, token) => accounts.find(ctx, sub, token),
      isConnected: async (ctx, sub, source) => {
        const { identities = [] } = (await accounts.standing(ctx, sub)) ?? {};
        return identities.some((linked) => linked.source === source && linked.goneAt === undefined);
      },
      nameFor: (req, token) => jwtHandles.nameFor(req, token),
      requestOf: factsOf,
    }) as never, // the library types the context of a custom grant by its parameters
    tokenExchangeParameters,
    ['audience', 'resource'],
  );
  provider.on('device_authorization.success', (_ctx: KoaContextWithOIDC, body: Record<string, unknown>) => {
    body.interval = pollIntervalSeconds;
  });
  observeProvider(provider, { tenant, log, factsOf });
  const endings = observeEndings(provider, { tenant, revocations: parts.revocations, current, log });

  const prepared = createPreparedAnswers();
  const guardOrigin = createOriginGuard(definition);
  provider.use(async (ctx, next) => {
    const oidcCtx = ctx as unknown as KoaContextWithOIDC; // the provider's own context
    const scope = new StoreRequestScope(storage);
    scopes.set(ctx, scope);
    await next();
    guardOrigin(oidcCtx);
    try {
      await endings.tellApps(oidcCtx);
      parts.upstreamSessions.note(oidcCtx, scope);
      await deviceSignIns.note(oidcCtx);
      await scope.flush();
      await endings.announce(oidcCtx);
    } catch (error) {
      withdrawAnswer({ tenant, log, pages, factsOf }, oidcCtx, toProtocolError(error));
    }
    await parts.upstreamSignOut.leave(oidcCtx);
    if (ctx.status === 404 && ctx.body == null) pages.notFound(oidcCtx);
    prepared.capture(oidcCtx);
  });

  const callback = provider.callback();
  const { host, protocol } = new URL(issuer);
  return {
    issuer,
    host,
    isSecure: protocol === 'https:',
    prepared,
    provider,
    keepUpstreamTokens: (sub, source, tokens) => upstreamTokens.keep(sub, source, tokens),
    forgetUpstreamTokens: (sub, source) => upstreamTokens.forget(sub, source),
    logoutToken: (delivery) => createLogoutToken(provider, delivery),
    handle: async (req, res, { path, facts: known }) => {
      facts.set(req, known);
      req.url = path;
      if (programsOnly.test(path)) req.headers.accept = 'application/json';
      if (isTokenQuestion(req, path)) await rewriteForm(req, (body) => jwtHandles.exchange(req, body));
      await callback(req, res);
    },
  };
};

/** Where RFC 6749 section 5.2 and its relatives want JSON, whatever the caller would like; the rest is for browsers too. */
const programsOnly = /^\/(?:token|me|device\/auth|request)(?:[/?]|$)/i;

const isTokenQuestion = (req: IncomingMessage, path: string): boolean =>
  req.method === 'POST' && /^\/token\/(introspection|revocation)\/?$/i.test(path);
