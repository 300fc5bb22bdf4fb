import {
  buildAuthorizationUrl,
  buildAuthorizationUrlWithPAR,
  type Configuration,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  type ServerMetadata,
} from 'openid-client';
import type { UpstreamSource } from '../../config/source/source-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { UpstreamMemory, UpstreamRequest } from '../connector.ts';
import { failureOrOutage, isForeignAnswer, reasonFor, refusedUs } from './failures.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';

/**
 * The authorization request: authorization code with state, nonce, PKCE and, where the upstream offers it, a pushed
 * request (RFC 9126).
 * @throws AppError `unavailable`
 */
export const beginSignIn = async (
  client: UpstreamClient,
  { log }: Pick<UpstreamParts, 'log'>,
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
    const metadata = configuration.serverMetadata();
    const parameters = await authorizationParameters({ source, metadata }, request, memory);
    const pushed = await pushRequest(configuration, { source, parameters, log });
    const url = pushed ?? buildAuthorizationUrl(configuration, parameters);
    return { url: url.href, memory };
  } catch (error) {
    throw refusedUs(failureOrOutage(error));
  }
};

/** Undefined where the request is not pushed: the source says so, or the upstream only announces it. */
const pushRequest = async (
  configuration: Configuration,
  { source, parameters, log }: PushedRequest,
): Promise<URL | undefined> => {
  const metadata = configuration.serverMetadata();
  const isAnnounced = metadata.pushed_authorization_request_endpoint !== undefined;
  if (source.usePar === 'never' || (source.usePar === 'auto' && !isAnnounced)) return undefined;
  try {
    return await buildAuthorizationUrlWithPAR(configuration, parameters);
  } catch (error) {
    const isDemanded = source.usePar === 'always' || metadata.require_pushed_authorization_requests === true;
    if (isDemanded || !isForeignAnswer(error)) throw error;
    log.warn(
      { detail: reasonFor(error) },
      'the upstream announces pushed authorization requests and takes none; the sign-in goes on without (usePar: never)',
    );
    return undefined;
  }
};

interface PushedRequest {
  readonly source: UpstreamSource;
  readonly parameters: Record<string, string>;
  readonly log: UpstreamParts['log'];
}

const authorizationParameters = async (
  { source, metadata }: { readonly source: UpstreamSource; readonly metadata: ServerMetadata },
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
    prompt: promptFor(metadata, request.prompt) ?? source.authorizationParameters.prompt,
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

/** Providers that offer a choice of accounts and do not announce it. */
const choosers = /^https:\/\/(?:accounts\.google\.com|login\.microsoftonline\.[a-z]+)(?:\/|$)/;

/** Where the upstream offers no choice of accounts, a new sign-in lets another person in; every provider knows that. */
const promptFor = (metadata: ServerMetadata, prompt: UpstreamRequest['prompt']): string | undefined => {
  if (prompt !== 'select_account') return prompt;
  const announced = metadata.prompt_values_supported;
  const isOffered = Array.isArray(announced) ? announced.includes(prompt) : choosers.test(metadata.issuer);
  return isOffered ? prompt : 'login';
};

/** Values that are not in the table of the source are dropped, as the upstream does not know them. */
const upstreamAcrValues = ({ acr }: UpstreamSource, ours: string | undefined): string | undefined => {
  const wanted = (ours ?? '').split(' ');
  const theirs = wanted.flatMap((value) =>
    Object.entries(acr).flatMap(([upstream, own]) => (own === value ? [upstream] : [])),
  );
  return theirs.length === 0 ? undefined : [...new Set(theirs)].join(' ');
};
