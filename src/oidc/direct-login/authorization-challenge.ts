import type { IncomingMessage } from 'node:http';
import { type Account, type Client, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Accounts, CompleteOutcome, FirstFactor } from '../../accounts/account-types.ts';
import { isPasskeyDemanded } from '../../accounts/factors/factor-demand.ts';
import type { ProgramCodes } from '../../accounts/factors/program-codes.ts';
import { withFactor } from '../../accounts/factors/proven-factor.ts';
import type { ChargeStart } from '../../accounts/start-budget.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import { refusalWords } from '../grants/refusal-words.ts';
import { asProtocolErrors, TooManyRequests } from '../provider/errors.ts';
import type { PasswordTokens } from '../upstream/password-tokens.ts';
import type { AuthSession, AuthSessions } from './auth-sessions.ts';
import { type ChallengeAnswer, InvalidSession, insufficient, redirectToWeb } from './challenge-answers.ts';
import { noRedirectUri } from './challenge-endpoint.ts';
import { challengeRequestParameters } from './challenge-request.ts';
import { beginDirectSession } from './direct-session.ts';
import type { VerifyDpopProof } from './dpop-proof.ts';
import { chargeStranger, openAuthSession } from './open-auth-session.ts';

/** Beside the parameters of the request: what the person has typed. */
export const challengeParameters = [
  ...challengeRequestParameters,
  'auth_session',
  'login_hint',
  'username',
  'password',
  'otp',
] as const;

export interface AuthorizationChallengeParts {
  readonly definition: TenantDefinition;
  readonly accounts: Accounts;
  readonly authSessions: AuthSessions;
  readonly passwordTokens: PasswordTokens;
  readonly programCodes: ProgramCodes;
  /** Charges what a public client has the store keep before a password was right. */
  readonly chargeStart: ChargeStart;
  readonly challengeEndpoint: { isChallenge(req: IncomingMessage): boolean };
  readonly verifyProof: VerifyDpopProof;
  readonly findAccount: (ctx: KoaContextWithOIDC, sub: string) => Promise<Account | undefined>;
  readonly clock: Clock;
  readonly requestOf: (ctx: KoaContextWithOIDC) => { readonly address: string; readonly requestId: string };
}

/** What the person has typed for this step. */
interface Typed {
  readonly login?: string;
  readonly password?: string;
  readonly otp?: string;
}

interface Step {
  readonly ctx: KoaContextWithOIDC;
  readonly client: Client;
  readonly session: AuthSession;
  readonly typed: Typed;
}

/**
 * One step of a sign-in on an app's own page. The provider has authenticated the client, and checked that it may use
 * the endpoint. An `auth_session` is good for one step: it is used up before anything is verified, and the answer has
 * the next one.
 */
export const createAuthorizationChallenge =
  (provider: Provider, parts: AuthorizationChallengeParts) =>
  async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { client, params = {} } = ctx.oidc;
    if (!parts.challengeEndpoint.isChallenge(ctx.req)) throw new errors.UnsupportedGrantType();
    if (client === undefined) throw new errors.InvalidClient('the client is not known');
    const session = await openAuthSession(parts, ctx, client);
    const typed = definedOnly({
      login: textOf(params.username) ?? textOf(params.login_hint) ?? session.login,
      password: textOf(params.password),
      otp: textOf(params.otp),
    });
    const step = { ctx, client, session, typed };
    const proven =
      session.firstFactor === undefined
        ? await provePassword(parts, step)
        : await proveFactor(parts, step, session.firstFactor);
    ctx.body = { authorization_code: await issueCode(provider, parts, { ...step, proven }) };
  };

/** @throws OIDCProviderError unless it is right, with the second factor of a person who needs one */
const provePassword = async (parts: AuthorizationChallengeParts, step: Step): Promise<FirstFactor> => {
  const { ctx, client, session, typed } = step;
  const { clientId } = client;
  const { login, password, otp } = typed;
  const asked = session.request.acrValues?.split(' ');
  if (isPasskeyDemanded(parts.definition.secondFactor, definedOnly({ acrValues: asked })))
    throw redirectToWeb(factorWords.passkey_required);
  const { passwords, home, redirects } = parts.accounts.choose({ clientId, ...definedOnly({ login }) });
  if (home !== undefined) throw redirectToWeb('source: this person signs in elsewhere', { idp_hint: home });
  if (!passwords) throw redirectToWeb('source: no source of this tenant checks passwords for this client');
  const again = async (words: string): Promise<ChallengeAnswer> =>
    insufficient(words, {
      auth_session: await keepStranger(parts, step),
      required: login === undefined ? ['username', 'password'] : ['password'],
      ...(redirects.length === 0
        ? {}
        : { sources: redirects.map(({ id, displayName }) => ({ id, name: displayName })) }),
    });
  if (login === undefined || password === undefined)
    throw await again('credentials_required: send username and password');

  const { address, requestId } = parts.requestOf(ctx);
  const attempt = { login, password, address, requestId, via: 'direct_login', clientId } as const;
  const outcome = await asProtocolErrors(() =>
    parts.accounts.signInAtOnce({ ...attempt, ...definedOnly({ otp, acrValues: asked }) }),
  );
  if (!outcome.ok && outcome.reason === 'credentials')
    throw await again('invalid_credentials: the name or the password is wrong');
  return firstOf(parts, step, outcome);
};

const firstOf = async (
  parts: AuthorizationChallengeParts,
  step: Step,
  outcome: Exclude<CompleteOutcome, { readonly reason: 'credentials' }>,
): Promise<FirstFactor> => {
  if (outcome.ok) {
    await asProtocolErrors(() => parts.passwordTokens.keep(outcome));
    return outcome;
  }
  switch (outcome.reason) {
    case 'throttled':
      throw new TooManyRequests(outcome.retryAfterSeconds);
    case 'mfa_required':
    case 'invalid_otp':
      if (parts.programCodes.methodsOf(outcome.firstFactor.account).length === 0) {
        parts.passwordTokens.revoke(outcome.firstFactor);
        throw redirectToWeb(factorWords.passkey_required);
      }
      await asProtocolErrors(() => parts.passwordTokens.keep(outcome.firstFactor));
      throw await askForFactor(parts, step, {
        firstFactor: outcome.firstFactor,
        reason: outcome.reason,
      });
    case 'mfa_enrolment_required':
      parts.passwordTokens.revoke(outcome.firstFactor);
      throw redirectToWeb(factorWords.mfa_enrolment_required);
    case 'password_change_required':
    case 'password_expired':
      throw redirectToWeb(refusalWords[outcome.reason]);
    default:
      throw new errors.CustomOIDCProviderError('access_denied', refusalWords[outcome.reason]);
  }
};

const proveFactor = async (
  parts: AuthorizationChallengeParts,
  step: Step,
  first: FirstFactor,
): Promise<FirstFactor> => {
  const { ctx, client, session, typed } = step;
  if (typed.otp === undefined)
    throw await askForFactor(parts, step, { firstFactor: first, reason: 'mfa_required' });
  const { address, requestId } = parts.requestOf(ctx);
  const { otp } = typed;
  const origin = { address, requestId, clientId: client.clientId };
  const answer = { place: session.codePlace ?? '', otp };
  const proven = await asProtocolErrors(() => parts.programCodes.verify(first.account, answer, origin));
  if (proven.ok) {
    const { account } = proven;
    const { signedInAt } = first;
    const kept = await asProtocolErrors(() =>
      parts.accounts.callOffDeletion({ account, signedInAt, ...origin }),
    );
    if (kept === undefined) throw new InvalidSession();
    return { ...withFactor(first, proven), account: kept };
  }
  if (proven.reason === 'throttled') throw new TooManyRequests(proven.retryAfterSeconds);
  throw await askForFactor(parts, step, { firstFactor: first, reason: 'invalid_otp' });
};

/** Each description begins with a code that programs may rely on. */
const factorWords = {
  mfa_required: 'mfa_required: send a code of the second factor in otp',
  invalid_otp: 'invalid_otp: the code is wrong, or was used already',
  passkey_required: 'passkey_required: a passkey works in a browser only',
  mfa_enrolment_required: 'mfa_enrolment_required: a second factor has to be set up first, in a browser',
} as const;

const askForFactor = async (
  { authSessions, programCodes, requestOf }: AuthorizationChallengeParts,
  { ctx, session: { clientId, request, startedAt, codePlace = randomId() } }: Step,
  {
    firstFactor,
    reason,
  }: { readonly firstFactor: FirstFactor; readonly reason: 'mfa_required' | 'invalid_otp' },
): Promise<ChallengeAnswer> => {
  const { account, amr, acr, source, signedInAt } = firstFactor;
  const methods = programCodes.methodsOf(account);
  if (methods.length === 0) return redirectToWeb(factorWords.passkey_required);
  if (reason === 'mfa_required') {
    const step = { place: codePlace, requestId: requestOf(ctx).requestId };
    const sent = await asProtocolErrors(() => programCodes.send(account, step));
    if (!sent.ok) throw new TooManyRequests(sent.retryAfterSeconds);
  }
  const kept = { account, amr, source, signedInAt, ...definedOnly({ acr }) };
  const token = await asProtocolErrors(() =>
    authSessions.keep({ clientId, request, startedAt, codePlace, firstFactor: kept }),
  );
  return insufficient(factorWords[reason], { auth_session: token, required: ['otp'], methods });
};

/** Nobody has proven anything yet. @throws TooManyRequests */
const keepStranger = async (
  parts: AuthorizationChallengeParts,
  { ctx, client, session, typed: { login } }: Step,
): Promise<string> => {
  await chargeStranger(parts, ctx, client);
  return asProtocolErrors(() => parts.authSessions.keep({ ...session, ...definedOnly({ login }) }));
};

/** The code, with the session and the grant that its tokens will hang on. */
const issueCode = async (
  provider: Provider,
  parts: AuthorizationChallengeParts,
  { ctx, client, session: { request }, proven }: Step & { readonly proven: FirstFactor },
): Promise<string> => {
  const { account, amr, acr, source, signedInAt } = proven;
  const { sub } = account;
  const { scope: asked, resources, nonce, codeChallenge, redirectUri, dpopJkt } = request;
  if (ctx.oidc.params !== undefined) ctx.oidc.params.scope = asked;
  const found = await parts.findAccount(ctx, sub);
  if (found === undefined)
    throw new errors.CustomOIDCProviderError('access_denied', 'the account may not be used now');
  ctx.oidc.entity('Account', found);
  const { session, grantId, scope } = await beginDirectSession(
    { ...parts, provider },
    {
      client,
      proof: { sub, signedInAt, amr, acr, source },
      identityScopes: ctx.oidc.requestParamOIDCScopes,
      scopes: ctx.oidc.requestParamScopes,
      resources,
      lifeSeconds: parts.definition.lifetimes.session,
    },
  );
  const [only, ...others] = resources;
  return new provider.AuthorizationCode({
    accountId: sub,
    client,
    grantId,
    gty: 'authorization_code',
    scope,
    authTime: signedInAt,
    amr: [...amr],
    codeChallenge,
    codeChallengeMethod: 'S256',
    redirectUri: redirectUri ?? noRedirectUri,
    sessionUid: session.uid,
    sid: session.sidFor(client.clientId),
    expiresWithSession: !scope.split(' ').includes('offline_access'),
    ...definedOnly({ acr, nonce, dpopJkt, resource: others.length === 0 ? only : [...resources] }),
  }).save();
};

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
