// Grants. The library has authorization code, refresh token, client credentials and device code; the others are here:
//   password-grant.ts, token-exchange.ts  two that are registered below; direct-grant.ts: what both make
//   mfa-tokens.ts         the step between password and second factor
//   device-codes.ts       rules of device codes that the library does not enforce: polling, throttle, handles
//   device-sign-ins.ts    an approved device gets a grant of its own; device-description.ts: what it says of itself

import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Accounts } from '../../accounts/account-types.ts';
import type { FindKey } from '../../accounts/api-keys/find-key.ts';
import type { ProgramCodes } from '../../accounts/factors/program-codes.ts';
import type { ChargeStart } from '../../accounts/start-budget.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { Log } from '../../log.ts';
import { tokenExchangeGrant } from '../../protocol/grant-types.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { AuthSessions } from '../direct-login/auth-sessions.ts';
import {
  challengeParameters,
  createAuthorizationChallenge,
} from '../direct-login/authorization-challenge.ts';
import { announceChallenges } from '../direct-login/challenge-answers.ts';
import { type ChallengeEndpoint, challengeGrant, challengePath } from '../direct-login/challenge-endpoint.ts';
import { createVerifyDpopProof } from '../direct-login/dpop-proof.ts';
import type { CertificatesOfRequests } from '../provider/mutual-tls.ts';
import { offeredBy } from '../provider/offered.ts';
import type { ProviderRequest } from '../provider/provider-request.ts';
import type { TenantAccounts } from '../provider/tenant-accounts.ts';
import type { JwtHandles } from '../tokens/jwt-handles.ts';
import type { PasswordTokens } from '../upstream/password-tokens.ts';
import type { KeptUpstreamTokens } from '../upstream/upstream-tokens.ts';
import { announceMfaTokens, type MfaTokens } from './mfa-tokens.ts';
import { createPasswordGrant, passwordGrantParameters } from './password-grant.ts';
import { createTokenExchange, tokenExchangeParameters } from './token-exchange.ts';

export interface RegisterGrantsParts {
  readonly definition: TenantDefinition;
  readonly certificates: CertificatesOfRequests;
  readonly accounts: Accounts;
  readonly tenantAccounts: TenantAccounts;
  readonly connectors: readonly Connector[];
  readonly findKey: FindKey;
  readonly upstreamTokens: Pick<KeptUpstreamTokens, 'find' | 'keep'>;
  readonly passwordTokens: PasswordTokens;
  readonly mfaTokens: MfaTokens;
  readonly programCodes: ProgramCodes;
  readonly chargeStart: ChargeStart;
  readonly jwtHandles: Pick<JwtHandles, 'nameFor'>;
  readonly challengeEndpoint: Pick<ChallengeEndpoint, 'isChallenge'>;
  readonly authSessions: AuthSessions;
  readonly storage: Pick<TenantStorage, 'usage'>;
  readonly factsOf: (ctx: KoaContextWithOIDC) => ProviderRequest;
  readonly clock: Clock;
  readonly log: Log;
}

/** The grants that the library does not have, and the authorization challenge endpoint, which is one for it. */
export const registerGrants = (provider: Provider, parts: RegisterGrantsParts): void => {
  const { tenantAccounts, factsOf: requestOf } = parts;
  const { grants, hasDirectLogin } = offeredBy(parts.definition);
  if (grants.has('password')) {
    announceMfaTokens(provider);
    provider.registerGrantType(
      'password',
      createPasswordGrant(provider, {
        ...parts,
        usage: parts.storage.usage,
        findAccount: (ctx, sub) => tenantAccounts.find(ctx, sub),
        requestOf,
      }) as never, // the library types the context of a custom grant by its parameters
      passwordGrantParameters,
      ['resource'],
    );
  }
  if (hasDirectLogin) {
    announceChallenges(provider);
    provider.registerGrantType(
      challengeGrant,
      createAuthorizationChallenge(provider, {
        ...parts,
        verifyProof: createVerifyDpopProof({
          provider,
          uri: `${provider.issuer}${challengePath}`,
          clock: parts.clock,
        }),
        findAccount: (ctx, sub) => tenantAccounts.find(ctx, sub),
        requestOf,
      }) as never, // the library types the context of a custom grant by its parameters
      challengeParameters,
      ['resource'],
    );
  }
  if (grants.has(tokenExchangeGrant))
    provider.registerGrantType(
      tokenExchangeGrant,
      createTokenExchange(provider, {
        ...parts,
        findAccount: (ctx, sub, token) => tenantAccounts.find(ctx, sub, token),
        isConnected: async (ctx, sub, source) => {
          const { identities = [] } = (await tenantAccounts.findActive(ctx, sub)) ?? {};
          return identities.some((linked) => linked.source === source && linked.goneAt === undefined);
        },
        nameFor: (req, token) => parts.jwtHandles.nameFor(req, token),
        requestOf,
      }) as never, // the library types the context of a custom grant by its parameters
      tokenExchangeParameters,
      ['audience', 'resource'],
    );
};
