import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildAuthorizationUrlWithPAR,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
} from 'openid-client';
import type { UpstreamSource } from '../../config/source-definition.ts';
import { AppError } from '../../errors.ts';
import type {
  RedirectSource,
  SourcePerson,
  UpstreamMemory,
  UpstreamOutcome,
  UpstreamRequest,
} from '../connector.ts';
import { failureOrOutage, type ProtocolFailure, refusedUs } from './failures.ts';
import { fitsTemplate, verifiedIdToken } from './id-token.ts';
import type { PersonReader } from './person-reader.ts';
import { toUpstreamTokens } from './tokens.ts';
import { hasOwnIssuer, isTemplate, type UpstreamClient, type UpstreamParts } from './upstream-client.ts';

export interface RedirectParts extends UpstreamParts {
  readonly reader: PersonReader;
}

/** Authorization code with state, nonce, PKCE and, where the upstream offers it, a pushed request (RFC 9126). */
export const createRedirectSignIn = (
  client: UpstreamClient,
  parts: RedirectParts,
): Pick<RedirectSource<SourcePerson>, 'begin' | 'finish'> => ({
  begin: async (request) => {
    const { source } = client;
    const memory: UpstreamMemory = {
      redirectUri: request.redirectUri,
      state: request.state,
      ...(source.pkce ? { codeVerifier: randomPKCECodeVerifier() } : {}),
      ...(source.type === 'oidc' ? { nonce: randomNonce() } : {}),
      ...(request.maxAge === undefined ? {} : { maxAge: request.maxAge }),
    };
    try {
      const configuration = await client.configuration();
      const isPushed = configuration.serverMetadata().pushed_authorization_request_endpoint !== undefined;
      const parameters = await authorizationParameters(source, request, memory);
      const url = isPushed
        ? await buildAuthorizationUrlWithPAR(configuration, parameters)
        : buildAuthorizationUrl(configuration, parameters);
      return { url: url.href, memory };
    } catch (error) {
      throw refusedUs(failureOrOutage(error));
    }
  },
  finish: async (answer, memory) => {
    try {
      return await finish(client, parts, { answer, memory });
    } catch (error) {
      return refused(failureOrOutage(error));
    }
  },
});

const authorizationParameters = async (
  source: UpstreamSource,
  request: UpstreamRequest,
  { codeVerifier, nonce }: UpstreamMemory,
): Promise<Record<string, string>> => {
  const acrValues = upstreamAcrValues(source, request.acrValues);
  const asked: Record<string, string | undefined> = {
    ...source.authorizationParameters,
    redirect_uri: request.redirectUri,
    scope: source.scopes.length === 0 ? undefined : source.scopes.join(' '),
    state: request.state,
    nonce,
    login_hint: request.loginHint,
    ui_locales: request.uiLocales,
    prompt: request.prompt ?? source.authorizationParameters.prompt,
    max_age: request.maxAge?.toString(),
    acr_values: acrValues ?? source.authorizationParameters.acr_values,
    ...(codeVerifier === undefined
      ? {}
      : { code_challenge: await calculatePKCECodeChallenge(codeVerifier), code_challenge_method: 'S256' }),
  };
  return Object.fromEntries(
    Object.entries(asked).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
};

/** Values that the source's table does not have mean nothing to the upstream. */
const upstreamAcrValues = ({ acr }: UpstreamSource, ours: string | undefined): string | undefined => {
  const wanted = (ours ?? '').split(' ');
  const theirs = wanted.flatMap((value) =>
    Object.entries(acr).flatMap(([upstream, own]) => (own === value ? [upstream] : [])),
  );
  return theirs.length === 0 ? undefined : [...new Set(theirs)].join(' ');
};

const finish = async (
  client: UpstreamClient,
  parts: RedirectParts,
  { answer, memory }: { readonly answer: URL; readonly memory: UpstreamMemory },
): Promise<UpstreamOutcome<SourcePerson>> => {
  const { source } = client;
  const place = new URL(memory.redirectUri);
  place.search = answer.search;
  settleIssuer(source, place.searchParams);
  const response = await authorizationCodeGrant(await client.configuration(), place, {
    expectedState: memory.state,
    ...(memory.codeVerifier === undefined ? {} : { pkceCodeVerifier: memory.codeVerifier }),
    ...(memory.nonce === undefined ? {} : { expectedNonce: memory.nonce, idTokenExpected: true }),
  });
  const claims =
    source.type === 'oidc' ? await verifiedIdToken(client, parts, response.id_token ?? '') : undefined;
  const read = await parts.reader.read({
    accessToken: response.access_token,
    ...(claims === undefined ? {} : { claims }),
  });
  if (!read.ok) return { ok: false, reason: 'invalid', detail: read.detail };
  const sid = claims?.sid;
  return {
    ok: true,
    person: read.person,
    tokens: toUpstreamTokens(response, parts.clock),
    ...(typeof sid === 'string' ? { sid } : {}),
  };
};

/**
 * RFC 9207: openid-client compares `iss` with the issuer to the letter. Where no issuer is known there is nothing to
 * compare it with, each source having a redirect URI of its own; Entra's template fits each of its tenants.
 */
const settleIssuer = (source: UpstreamSource, query: URLSearchParams): void => {
  const { issuer = '' } = source;
  if (!hasOwnIssuer(source)) query.delete('iss');
  else if (isTemplate(issuer) && fitsTemplate(issuer, query.get('iss') ?? '')) query.set('iss', issuer);
};

/** The person, or the upstream's own rules, said no (OpenID Connect Core section 3.1.2.6). */
const cancelled: ReadonlySet<string> = new Set([
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]);

const refused = (failure: ProtocolFailure): UpstreamOutcome<SourcePerson> => {
  const { code, isAnswer, detail } = failure;
  if (isAnswer && (code === 'server_error' || code === 'temporarily_unavailable'))
    throw new AppError('unavailable', 'The identity provider cannot serve this now', { detail });
  return { ok: false, reason: isAnswer && cancelled.has(code) ? 'cancelled' : 'invalid', detail };
};
