import { type Account, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Accounts, CompleteAttempt, FirstFactor } from '../../accounts/account-types.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { PasswordGrantUsage } from '../../storage/storage-records.ts';
import { findClient } from '../provider/clients.ts';
import { asProtocolErrors, TooManyRequests } from '../provider/errors.ts';
import type { CertificatesOfRequests } from '../provider/mutual-tls.ts';
import { certificateToBind, grantDirectly } from './direct-grant.ts';
import { MfaRequired } from './mfa-tokens.ts';
import {
  createProgramSignIn,
  type FactorAnswer,
  type ProgramRefusal,
  type ProgramSignInParts,
} from './program-sign-in.ts';
import { refusalWords } from './refusal-words.ts';

/** RFC 6749 section 4.3.2; `otp` and `mfa_token` for people who need a second factor. */
export const passwordGrantParameters = [
  'username',
  'password',
  'scope',
  'resource',
  'otp',
  'mfa_token',
] as const;

export interface PasswordGrantParts extends ProgramSignInParts {
  readonly definition: TenantDefinition;
  readonly certificates: CertificatesOfRequests;
  readonly accounts: ProgramSignInParts['accounts'] & Pick<Accounts, 'choose'>;
  readonly usage: PasswordGrantUsage;
  readonly findAccount: (ctx: KoaContextWithOIDC, sub: string) => Promise<Account | undefined>;
  readonly clock: Clock;
  readonly requestOf: (ctx: KoaContextWithOIDC) => { readonly address: string; readonly requestId: string };
}

/** When RFC 9700 deprecated this grant; the value of the `Deprecation` header (RFC 9745 section 2.1). */
const deprecatedSince = `@${Date.UTC(2025, 0, 31) / 1000}`;

/**
 * The resource owner password credentials grant, for back ends that migrate. RFC 9700 section 2.4 says that it
 * must not be used; so it is off unless tenant and client both have it, each use is counted, and a client may
 * carry the date of its end. The provider has authenticated the client and checked that it lists the grant.
 */
export const createPasswordGrant =
  (provider: Provider, parts: PasswordGrantParts) =>
  async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { client } = ctx.oidc;
    if (client === undefined) throw new errors.InvalidClient('the client is not known');
    refuseUnlessAllowed(parts, ctx);
    if (ctx.get('DPoP') !== '' || client.dpopBoundAccessTokens === true) {
      throw new errors.InvalidRequest('DPoP is not supported with the password grant');
    }
    // before a password is looked at
    certificateToBind(parts, ctx);
    const { account, source, signedInAt: authTime, amr, acr } = await prove(parts, ctx, client.clientId);
    const { sub } = account;
    await asProtocolErrors(() =>
      parts.usage.record({ clientId: client.clientId, sub, nowMs: parts.clock.now() }),
    );
    await issue(provider, parts, { ctx, sub, source, authTime, amr, ...definedOnly({ acr }) });
  };

/** @throws OIDCProviderError `invalid_request` */
const readProof = ({
  params = {},
}: KoaContextWithOIDC['oidc']): FactorAnswer | Pick<CompleteAttempt, 'login' | 'password' | 'otp'> => {
  if (params.mfa_token !== undefined) {
    if (params.username !== undefined || params.password !== undefined)
      throw new errors.InvalidRequest('the mfa_token stands for username and password: leave them out');
    return {
      mfaToken: requiredString(params.mfa_token, 'mfa_token'),
      otp: requiredString(params.otp, 'otp'),
    };
  }
  return {
    login: requiredString(params.username, 'username'),
    password: requiredString(params.password, 'password'),
    ...(params.otp === undefined ? {} : { otp: requiredString(params.otp, 'otp') }),
  };
};

/** @throws OIDCProviderError unless it is right, with the second factor of a person who needs one */
const prove = async (
  parts: PasswordGrantParts,
  ctx: KoaContextWithOIDC,
  clientId: string,
): Promise<FirstFactor> => {
  const proof = readProof(ctx.oidc);
  const { address, requestId } = parts.requestOf(ctx);
  const origin = { address, requestId, clientId };
  const { provePassword, proveFactor } = createProgramSignIn(parts);
  const proven = await asProtocolErrors(() =>
    'mfaToken' in proof
      ? proveFactor(proof, origin)
      : provePassword({ ...proof, ...origin, via: 'password_grant' }),
  );
  if ('reason' in proven) throw refusalFor(parts, clientId, proven);
  return proven;
};

const refusalFor = (parts: PasswordGrantParts, clientId: string, refusal: ProgramRefusal): Error => {
  switch (refusal.reason) {
    case 'throttled':
      return new TooManyRequests(refusal.retryAfterSeconds);
    case 'mfa_required':
      return new MfaRequired(refusal.mfaToken, refusal.methods);
    case 'credentials':
      return parts.accounts.choose({ clientId }).passwords
        ? new errors.InvalidGrant('credentials refused')
        : new errors.CustomOIDCProviderError('invalid_grant', noPasswords);
    default:
      return new errors.CustomOIDCProviderError('invalid_grant', words[refusal.reason]);
  }
};

/** Each description begins with a code that programs may rely on. */
const words = {
  ...refusalWords,
  invalid_otp: 'invalid_otp: the code is wrong, or was used already',
  passkey_required: 'passkey_required: a passkey works in a browser only',
  mfa_enrolment_required:
    'mfa_enrolment_required: the person must set up a second factor first, by signing in with a browser',
  mfa_token: 'mfa_token: it is not valid, or has expired; begin with the password again',
} as const;

const noPasswords =
  'no source of this tenant checks passwords for this client: set passwordSignIn: true of a source';

const refuseUnlessAllowed = (parts: PasswordGrantParts, ctx: KoaContextWithOIDC): void => {
  const clientId = ctx.oidc.client?.clientId;
  if (!parts.definition.grants.password || ctx.oidc.client?.clientAuthMethod === 'none') {
    throw new errors.UnauthorizedClient('the password grant is not allowed here');
  }
  const sunset = findClient(parts.definition, clientId)?.passwordGrant.sunset;
  if (sunset === undefined) return;
  if (parts.clock.now() >= sunset) {
    throw new errors.UnauthorizedClient(
      'the password grant has ended for this client; use the authorization code grant',
    );
  }
  ctx.set('Deprecation', deprecatedSince);
  ctx.set('Sunset', new Date(sunset).toUTCString()); // RFC 8594
};

const requiredString = (value: unknown, name: string): string => {
  if (typeof value !== 'string' || value === '')
    throw new errors.InvalidRequest(`missing required parameter '${name}'`);
  return value;
};

interface Issuing {
  readonly ctx: KoaContextWithOIDC;
  readonly sub: string;
  /** Id of the source that proved it. */
  readonly source: string;
  /** Epoch seconds. */
  readonly authTime: number;
  /** RFC 8176. */
  readonly amr: readonly string[];
  readonly acr?: string;
}

/** Scopes, resources and refresh tokens as for the other grants (RFC 6749 section 5.1). */
const issue = async (
  provider: Provider,
  parts: PasswordGrantParts,
  { ctx, sub, source: provenBy, ...proof }: Issuing,
): Promise<void> => {
  const { client } = ctx.oidc;
  if (client === undefined) return;
  const granted = await grantDirectly(
    { ...parts, provider },
    { ctx, sub, source: provenBy, gty: 'password', signIn: proof },
  );
  const { account, grantId, resource, oidcScopes, scope } = granted;
  const source = { ...proof, amr: [...proof.amr], scope, ...definedOnly({ resource }) };
  ctx.body = {
    ...granted.answer,
    ...(client.grantTypeAllowed('refresh_token')
      ? {
          refresh_token: await new provider.RefreshToken({
            ...source,
            accountId: sub,
            client,
            grantId,
            gty: 'password',
          }).save(),
        }
      : {}),
    ...(oidcScopes.includes('openid')
      ? { id_token: await idToken(provider, { ctx, account, ...source }) }
      : {}),
  };
};

interface IdTokenSource {
  readonly ctx: KoaContextWithOIDC;
  readonly account: Account;
  readonly scope: string;
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly acr?: string;
}

/** OpenID Connect Core section 2; claims of scopes beyond `openid` are at userinfo (section 5.4). */
const idToken = async (
  provider: Provider,
  { ctx, account, scope, authTime, amr, acr }: IdTokenSource,
): Promise<string> => {
  const claims = await account.claims('id_token', scope, {}, []);
  const token = new provider.IdToken({ ...claims, acr, amr, auth_time: authTime }, { ctx });
  Object.assign(token, { scope: 'openid', mask: {}, rejected: [] });
  return token.issue({ use: 'idtoken' });
};
