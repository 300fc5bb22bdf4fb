import { createNotifyOfChange } from '../accounts/account-notices.ts';
import type { Accounts } from '../accounts/account-types.ts';
import { createAccounts } from '../accounts/accounts.ts';
import type { AfterAnswer } from '../accounts/after-answer.ts';
import { createKeysOfTenant, type KeysOfTenant } from '../accounts/api-keys/keys-of-tenant.ts';
import { type BreachedListCounts, refuseBreached } from '../accounts/breached-passwords.ts';
import { createDevices, type Devices } from '../accounts/devices.ts';
import { createProgramCodes } from '../accounts/factors/program-codes.ts';
import { hasLocalPassword } from '../accounts/password-adoption.ts';
import { createPasswordRules } from '../accounts/password-rules.ts';
import type { RewritePicture } from '../accounts/picture-file.ts';
import { createRevocations, type Revocations } from '../accounts/revocations.ts';
import { createStartBudget } from '../accounts/start-budget.ts';
import { createThrottle } from '../accounts/throttle.ts';
import type { Clock } from '../clock.ts';
import type { ServiceDefinition } from '../config/gateway/gateway-definition.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Connector } from '../connectors/connector.ts';
import type { SourceConnections } from '../connectors/open-connectors.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import { createIdentityTokens, type IdentityTokens } from '../gateway/answer/identity-tokens.ts';
import { createGatewaySessions, type GatewaySessions } from '../gateway/sign-in/gateway-sessions.ts';
import type { Log } from '../log.ts';
import type { Mail } from '../mail/open-mail.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import { authorizationsOf } from '../oidc/adapter/artifact-payload.ts';
import { createDirectSignIns, type DirectSignIns } from '../oidc/direct-login/direct-sign-ins.ts';
import { createMfaTokens } from '../oidc/grants/mfa-tokens.ts';
import { wantsLogout } from '../oidc/provider/clients.ts';
import type { Interactions } from '../oidc/provider/interactions.ts';
import type { CertificatesOfRequests } from '../oidc/provider/mutual-tls.ts';
import type { OnGrant } from '../oidc/provider/provider-events.ts';
import { createTenantProvider, type TenantProvider } from '../oidc/provider/tenant-provider.ts';
import { createAccessTokenJwtVerifier } from '../oidc/tokens/access-token-jwt.ts';
import { type AccessTokens, createAccessTokens } from '../oidc/tokens/access-tokens.ts';
import { algorithmsOf, openTenantKeys } from '../oidc/tokens/tenant-keys.ts';
import { createPasswordTokens } from '../oidc/upstream/password-tokens.ts';
import { createUpstreamTokens } from '../oidc/upstream/upstream-tokens.ts';
import type { Storage } from '../storage/storage.ts';
import type { FormNotices } from '../web/form-notice.ts';
import type { Pages } from '../web/pages.ts';
import { type Administration, createAdministration } from './administration.ts';
import { issuerOf } from './issuer.ts';
import { createMailedProofs, type MailedProofs, openVerifications } from './mailed-proofs.ts';
import { createOwnAccount, type OwnAccount } from './own-account.ts';
import { createTenantAudit, type TenantAudit } from './tenant-audit.ts';
import { createUpstreams, type Upstreams } from './upstreams.ts';

/** A built tenant. It must not own a socket or a timer: then dropping it from memory needs no clean-up. */
export interface Tenant
  extends Administration,
    DirectSignIns,
    KeysOfTenant,
    MailedProofs,
    OwnAccount,
    Upstreams,
    Omit<TenantAudit, 'audit'> {
  readonly definition: TenantDefinition;
  readonly provider: TenantProvider;
  readonly accounts: Accounts;
  readonly revocations: Revocations;
  readonly devices: Devices;
  readonly interactions: Interactions;
  readonly connectors: readonly Connector[];
  readonly accessTokens: AccessTokens;
  readonly gatewaySessions: GatewaySessions;
  readonly identityTokens: IdentityTokens;
  readonly mail: TenantMail;
}

/** The parts that all tenants of a server share. */
export interface TenantParts {
  readonly storage: Storage;
  readonly masterKey: MasterKey;
  readonly hasher: PasswordHasher;
  readonly rewritePicture: RewritePicture;
  readonly breachedListCounts: BreachedListCounts;
  readonly connections: SourceConnections;
  readonly mail: Pick<Mail, 'forTenant'>;
  readonly afterAnswer: Pick<AfterAnswer, 'forTenant'>;
  readonly pages: Pages;
  readonly notices: FormNotices;
  readonly certificates: CertificatesOfRequests;
  readonly clock: Clock;
  readonly log: Log;
  /** Public origin of the server, for tenants that have none of their own. */
  readonly publicUrl: string;
  /** The services behind the gateway. */
  readonly services: readonly ServiceDefinition[];
  /** Seconds. */
  readonly onGrant?: OnGrant | undefined;
  readonly gatewaySessionLife: { readonly idle: number; readonly absolute: number };
}

/** @throws AppError `unavailable` when the store or the tenant's keys cannot be had */
export const openTenant = async (parts: TenantParts, definition: TenantDefinition): Promise<Tenant> => {
  const { masterKey, hasher, pages, clock, log } = parts;
  const storage = parts.storage.forTenant(definition.id);
  const { audit, ...ownAudit } = createTenantAudit({ definition, storage, masterKey, clock, log });
  const revocations = createRevocations({
    storage,
    authorizationsOf,
    wantsLogout: (clientId) => wantsLogout(definition, clientId),
    clock,
  });
  const devices = createDevices({ storage, revocations, authorizationsOf, audit, clock });
  const faultOfPassword = refuseBreached(createPasswordRules(definition, clock), definition, {
    ...{ log, counts: parts.breachedListCounts },
  });
  const connectors = parts.connections.connectorsOf(definition, {
    records: storage.accounts,
    hasher,
    hasLocalPassword: (account) => hasLocalPassword(account, definition.sources),
    faultOfPassword,
  });
  const upstreamTokens = createUpstreamTokens({
    tenant: definition.id,
    artifacts: storage.artifacts,
    connectors,
    sealingKey: masterKey.derive('upstream tokens'),
    keptSeconds: definition.lifetimes.refreshTokenAbsolute,
    clock,
  });
  const issuer = issuerOf(definition, parts.publicUrl);
  const mail = parts.mail.forTenant(definition);
  const notifyOfChange = createNotifyOfChange({ mail, locale: definition.locale, clock, log });
  const accounts = createAccounts({
    notifyOfChange,
    definition,
    connectors,
    storage,
    hasher,
    audit,
    browserKey: masterKey.derive('known browsers'),
    factorKeys: {
      sealingKey: masterKey.derive('authenticator apps'),
      recoveryKey: masterKey.derive('recovery codes'),
      challengeKey: masterKey.derive('passkey challenges'),
      browserKey: masterKey.derive('browsers without a second factor'),
    },
    issuer,
    onEnded: (sub, reason) => revocations.endAccount(sub, reason),
    lookAgain: (sub, identity) => upstreamTokens.lookAgain(sub, identity),
    clock,
    log,
  });
  const { artifacts, counters } = storage;
  const allowance = definition.throttle.startAddress;
  const chargeStart = createStartBudget({ counters, clock, allowance });
  const firstFactors = {
    mfaTokens: createMfaTokens({ artifacts, clock }),
    passwordTokens: createPasswordTokens({ upstreamTokens, connectors }),
  };
  const upstreams = createUpstreams({
    ...{
      tenant: definition.id,
      issuer,
      storage,
      masterKey,
      connectors,
      revocations,
      chargeStart,
      clock,
      log,
    },
    tokens: upstreamTokens,
  });
  const { upstreamSessions, upstreamSignOut } = upstreams;
  const throttle = createThrottle(counters, clock);
  const purgeAccount = (sub: string): Promise<number> => parts.storage.purgeAccount(definition.id, sub);
  const runAfterAnswer = parts.afterAnswer.forTenant(definition.id);
  const forgetTokens = (sub: string, source: string): Promise<void> => upstreamTokens.forget(sub, source);
  const administration = createAdministration({
    ...{ definition, storage, masterKey, revocations, hasher, faultOfPassword, purgeAccount, audit, clock },
  });
  const mailedProofs = createMailedProofs({
    ...{ definition, issuer, storage, revocations, throttle, mail, masterKey, audit, clock, log },
    ...{ notifyOfChange, seed: accounts.seed, faultOfPassword, runAfterAnswer, forgetTokens },
    usersAs: administration.usersAs,
  });
  const programCodes = createProgramCodes({
    rules: definition.secondFactor,
    ...accounts,
    ...mailedProofs,
  });
  const keys = await openTenantKeys(
    { tenant: definition.id, storage, sealingKey: masterKey.derive('signing keys'), clock },
    algorithmsOf(definition, parts.services),
  );
  const verifyJwt = createAccessTokenJwtVerifier({
    issuer,
    publicKeys: { keys: [...keys.verifying] },
    clock,
  });
  const ownKeys = createKeysOfTenant({
    ...{ definition, storage, masterKey, revocations, audit, runAfterAnswer, clock },
    verifications: openVerifications(definition.id, { storage, throttle, masterKey, clock }),
    ...{ issuer, mail, throttle, recheck: accounts.recheck, notifyOfChange },
  });
  const provider = createTenantProvider({
    definition,
    issuer,
    keys: keys.signing,
    verifyJwt,
    storage,
    accounts,
    revocations,
    devices,
    connectors,
    upstreamSessions,
    upstreamSignOut,
    upstreamTokens,
    ...{ chargeStart, programCodes, findKey: ownKeys.findKey, ...firstFactors },
    masterKey,
    pages,
    notices: parts.notices,
    onGrant: parts.onGrant,
    certificates: parts.certificates,
    clock,
    log,
  });
  // in the background, because only the first sign-in waits for these hashes
  accounts
    .seed()
    .catch((error: unknown) =>
      log.warn({ tenant: definition.id, err: error }, 'demo users are not written yet'),
    );
  return {
    ...{ definition, provider, accounts, revocations, devices },
    ...createOwnAccount({
      ...{ definition, issuer, storage, revocations, devices, connectors, accounts, throttle, audit, clock },
      ...{ purgeAccount, notifyOfChange, forgetTokens, rewritePicture: parts.rewritePicture },
    }),
    ...ownKeys,
    ...administration,
    interactions: provider.interactions,
    connectors,
    ...upstreams,
    ...createDirectSignIns({
      ...{ definition, accounts, storage, runAfterAnswer, chargeStart, programCodes, ...firstFactors, clock },
      issue: provider.issueDirectToken,
      key: masterKey.derive(`e-mail sessions ${definition.id}`),
      note: (event) => audit.note(event),
      sendCode:
        mail.mode === 'none'
          ? undefined
          : (code) => mail.send({ kind: 'session_code', locale: definition.locale, ...code }),
    }),
    accessTokens: createAccessTokens({ definition, artifacts, verifyJwt, recheck: accounts.recheck }),
    gatewaySessions: createGatewaySessions({
      tenant: definition.id,
      artifacts,
      definition,
      recheck: accounts.recheck,
      revocations,
      life: parts.gatewaySessionLife,
      sealingKey: masterKey.derive('gateway tickets'),
      clock,
    }),
    mail,
    ...ownAudit,
    ...mailedProofs,
    identityTokens: createIdentityTokens({ issuer, keys: keys.signing, clock }),
  };
};
