import {
  buildAuthorizationUrl,
  buildAuthorizationUrlWithPAR,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
} from 'openid-client';
import type { UpstreamSource } from '../../config/source/source-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { UpstreamMemory, UpstreamRequest } from '../connector.ts';
import { failureOrOutage, refusedUs } from './failures.ts';
import type { UpstreamClient } from './upstream-client.ts';

/**
 * The authorization request: authorization code with state, nonce, PKCE and, where the upstream offers it, a pushed
 * request (RFC 9126).
 * @throws AppError `unavailable`
 */
export const beginSignIn = async (
  client: UpstreamClient,
  request: UpstreamRequest,
): Promise<{ readonly url: string; readonly memory: UpstreamMemory }> => {
  const { source } = client;
  const memory: UpstreamMemory = {
    redirectUri: request.redirectUri,
    state: request.state,
    ...(source.pkce ? { codeVerifier: randomPKCECodeVerifier() } : {}),
    ...(source.type === 'oidc' ? { nonce: randomNonce() } : {}),
    ...definedOnly({ maxAge: request.maxAge }),
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
};

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

/** Values that are not in the table of the source are dropped, as the upstream does not know them. */
const upstreamAcrValues = ({ acr }: UpstreamSource, ours: string | undefined): string | undefined => {
  const wanted = (ours ?? '').split(' ');
  const theirs = wanted.flatMap((value) =>
    Object.entries(acr).flatMap(([upstream, own]) => (own === value ? [upstream] : [])),
  );
  return theirs.length === 0 ? undefined : [...new Set(theirs)].join(' ');
};
