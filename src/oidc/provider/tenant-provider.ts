// One oidc-provider for one tenant. It is built below; each step has a file:
//   provider-request.ts        what belongs to one request: its facts, its scope of the store
//   ../adapter/                the library's models in the store, and the rules of codes and tokens
//   tenant-accounts.ts         the tenant's people: who may hold tokens, and their claims
//   provider-configuration.ts  the library's options; clients.ts, resources.ts, consent-policy.ts, ../cookies.ts,
//                              offered.ts, client-assertions.ts, mutual-tls.ts, prompt-policy.ts
//   provider-patches.ts        adjustments of the library's classes that its options do not offer
//   ../grants/                 the grants that the library does not have; ../direct-login/: sign-in on an app's own page
//   provider-pages.ts          the pages that the library shows; errors.ts: our own errors as errors of the protocol
//   provider-events.ts         one log line for each refusal, with refusal-facts.ts; refusal-records.ts keeps them;
//                              request-endings.ts: what a request ends
//   provider-middleware.ts     around each request: cross-origin.ts, withdraw-answer.ts, prepared-answers.ts,
//                              protocol-methods.ts
//   provider-handle.ts         into the library with a request; form-body.ts, empty-secret.ts
//   interactions.ts, current-session.ts  for the pages of the login and the gateway

import type { JWK } from 'jose';
import type { Context } from 'koa';
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Accounts } from '../../accounts/account-types.ts';
import type { FindKey } from '../../accounts/api-keys/find-key.ts';
import { furtherClaims } from '../../accounts/claims.ts';
import type { Devices } from '../../accounts/devices.ts';
import type { ProgramCodes } from '../../accounts/factors/program-codes.ts';
import type { FactorProof } from '../../accounts/factors/proven-factor.ts';
import type { Revocations } from '../../accounts/revocations.ts';
import type { ChargeStart } from '../../accounts/start-budget.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { MasterKey } from '../../crypto/master-key.ts';
import type { Log } from '../../log.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { LogoutDelivery } from '../../storage/storage-endings.ts';
import type { FormNotices } from '../../web/form-notice.ts';
import type { Pages } from '../../web/pages.ts';
import { createTenantAdapters } from '../adapter/tenant-adapters.ts';
import { readProviderCookie } from '../cookies.ts';
import { createAuthSessions } from '../direct-login/auth-sessions.ts';
import { createChallengeEndpoint } from '../direct-login/challenge-endpoint.ts';
import { createDirectTokens, type IssueDirectToken } from '../direct-login/direct-tokens.ts';
import type { MfaTokens } from '../grants/mfa-tokens.ts';
import { registerGrants } from '../grants/register-grants.ts';
import type { VerifyAccessTokenJwt } from '../tokens/access-token-jwt.ts';
import { createIntrospectKey } from '../tokens/key-introspection.ts';
import { createLogoutToken, type LogoutToken } from '../tokens/logout-tokens.ts';
import type { PasswordTokens } from '../upstream/password-tokens.ts';
import type { UpstreamSessions } from '../upstream/upstream-sessions.ts';
import type { UpstreamSignOut } from '../upstream/upstream-sign-out.ts';
import type { KeptUpstreamTokens } from '../upstream/upstream-tokens.ts';
import { observeAttacks } from './attack-events.ts';
import { findClient } from './clients.ts';
import { createCrossOrigin } from './cross-origin.ts';
import { type CurrentSession, findCurrentSession, strengthenSession } from './current-session.ts';
import { createInteractions, type Interactions, observeBegunSignIns } from './interactions.ts';
import type { CertificatesOfRequests } from './mutual-tls.ts';
import { offeredBy } from './offered.ts';
import { createPreparedAnswers, type PreparedAnswers } from './prepared-answers.ts';
import { createMethodsOf } from './protocol-methods.ts';
import { providerConfiguration } from './provider-configuration.ts';
import { type OnGrant, observeProvider } from './provider-events.ts';
import { createHandle, type HandleRequest } from './provider-handle.ts';
import { createProviderMiddleware } from './provider-middleware.ts';
import { createProviderPages } from './provider-pages.ts';
import { patchProvider } from './provider-patches.ts';
import { createProviderRequests } from './provider-request.ts';
import { createRefusalRecords } from './refusal-records.ts';
import { observeEndings } from './request-endings.ts';
import { createTenantAccounts } from './tenant-accounts.ts';

/** One oidc-provider for one tenant, with the few functions that other folders use. */
export interface TenantProvider {
  readonly issuer: string;
  /** The issuer's `URL.host`. */
  readonly host: string;
  /** Is the issuer https? */
  readonly isSecure: boolean;
  readonly certificateOf: CertificatesOfRequests['of'];
  /** Discovery document and JWKS as prepared bytes. */
  readonly prepared: PreparedAnswers;
  /** Answers a request to the tenant's protocol endpoints. */
  readonly handle: HandleRequest;
  /** The sign-in or consent that waits for the person. */
  readonly interactions: Interactions;
  /**
   * The person who is signed in at this tenant in this browser.
   * @throws AppError `unavailable`
   */
  findSession(ctx: Context): Promise<CurrentSession | undefined>;
  /** See `strengthenSession`. */
  strengthenSession(ctx: Context, factor: FactorProof): Promise<void>;
  /** The unchecked value that the browser sent, to bind a form to the browser; empty when there is none. */
  readCookie(ctx: Context, cookie: 'session' | 'interaction'): string;
  /** For a sign-in on an app's own page that is no authorization request. */
  readonly issueDirectToken: IssueDirectToken;
  /** The upstream's tokens of a sign-in, for the apps that may have them. */
  readonly keepUpstreamTokens: KeptUpstreamTokens['keep'];
  /** See `createLogoutToken`. */
  logoutToken(delivery: LogoutDelivery): Promise<LogoutToken | undefined>;
}

export interface TenantProviderParts {
  readonly onGrant?: OnGrant | undefined;
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
  readonly upstreamSignOut: Pick<UpstreamSignOut, 'redirect'>;
  readonly upstreamTokens: KeptUpstreamTokens;
  readonly passwordTokens: PasswordTokens;
  readonly mfaTokens: MfaTokens;
  readonly programCodes: ProgramCodes;
  readonly chargeStart: ChargeStart;
  readonly masterKey: MasterKey;
  readonly pages: Pages;
  readonly notices: FormNotices;
  readonly clock: Clock;
  readonly findKey: FindKey;
  readonly certificates: CertificatesOfRequests;
  readonly log: Log;
}

/** Builds the tenant's provider. It owns no socket and no timer, so dropping it from memory needs no clean-up. */
export const createTenantProvider = (parts: TenantProviderParts): TenantProvider => {
  const { definition, issuer, storage, masterKey, clock, log } = parts;
  const tenant = definition.id;
  const requests = createProviderRequests(storage);
  const { current, factsOf } = requests;
  const { adapter, rotation, jwtHandles, deviceSignIns, replays } = createTenantAdapters({
    ...parts,
    requests,
  });
  const tenantAccounts = createTenantAccounts({
    issuer,
    scopeOf: requests.scope,
    recheck: (account, when) => parts.accounts.recheck(account, when),
    displayEmail: (account) => parts.accounts.displayEmail(account),
    factorDemandOf: parts.accounts.factors.demandOf,
    definition,
    furtherClaims: furtherClaims(definition.sources),
  });
  const offered = offeredBy(definition);
  const methodsOf = createMethodsOf(offered);
  const authSessions = createAuthSessions({
    artifacts: storage.artifacts,
    longestSeconds: definition.lifetimes.interaction,
    clock,
  });
  const challengeEndpoint = createChallengeEndpoint({ ...offered, clientOf: authSessions.clientOf });
  const pages = createProviderPages({
    ...parts,
    factsOf,
    methodsOf,
    usernameOf: async (ctx, sub) => (await tenantAccounts.findActive(ctx, sub))?.username,
  });
  const crossOrigin = createCrossOrigin(definition);
  const provider = new Provider(
    issuer,
    providerConfiguration({
      definition,
      issuer,
      jwks: parts.keys,
      cookieKeys: [masterKey.derive(`cookies ${tenant}`).toString('base64url')],
      dpopNonceSecret: masterKey.derive(`dpop nonce ${tenant}`),
      adapter,
      accounts: tenantAccounts,
      rotation,
      pages,
      crossOrigin,
      certificates: parts.certificates,
      clock,
    }),
  );
  const refusals = createRefusalRecords({ artifacts: storage.artifacts, clock, log });
  observeProvider(provider, {
    ...parts,
    tenant,
    factsOf,
    records: refusals,
    adviceFor: crossOrigin.adviceFor,
  });
  observeAttacks(provider, replays);
  observeBegunSignIns(provider, factsOf);
  const endings = observeEndings(provider, { tenant, revocations: parts.revocations, current, log });
  const addressOf = (ctx: KoaContextWithOIDC): string => factsOf(ctx).address;
  patchProvider(provider, {
    ...{ definition, issuer, current, addressOf, rotation },
    noteLogout: endings.noteLogout,
  });
  registerGrants(provider, {
    ...parts,
    tenantAccounts,
    jwtHandles,
    factsOf,
    challengeEndpoint,
    authSessions,
  });
  const prepared = createPreparedAnswers();
  provider.use(
    createProviderMiddleware({
      ...parts,
      requests,
      endings,
      refusals,
      replays,
      deviceSignIns,
      introspectKey: createIntrospectKey({ ...parts, factsOf }),
      prepared,
      methodsOf,
      pages,
      crossOrigin,
    }),
  );

  const { host, protocol } = new URL(issuer);
  return {
    issuer,
    host,
    isSecure: protocol === 'https:',
    certificateOf: parts.certificates.of,
    prepared,
    handle: createHandle({
      requests,
      jwtHandles,
      challengeEndpoint,
      isPublicClient: (id) => findClient(definition, id)?.metadata.token_endpoint_auth_method === 'none',
      callback: provider.callback(),
    }),
    interactions: createInteractions(provider),
    findSession: (ctx) => findCurrentSession(provider, ctx),
    strengthenSession: (ctx, factor) => strengthenSession(provider, ctx, factor),
    issueDirectToken: createDirectTokens(provider, { definition, requests }),
    readCookie: (ctx, cookie) => readProviderCookie(issuer, ctx, cookie),
    keepUpstreamTokens: (sub, source, tokens) => parts.upstreamTokens.keep(sub, source, tokens),
    logoutToken: (delivery) => createLogoutToken(provider, delivery),
  };
};
