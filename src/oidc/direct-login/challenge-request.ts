import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { defaultResourceFor, resourceServerFor } from '../provider/resources.ts';

/** The parameters of an authorization request that have a meaning here (section 4.1 of the draft). */
export interface ChallengeRequest {
  readonly codeChallenge: string;
  readonly scope?: string;
  readonly resources: readonly string[];
  readonly redirectUri?: string;
  readonly nonce?: string;
  readonly acrValues?: string;
  /** Thumbprint of the key to which the code is bound (RFC 9449 section 10). */
  readonly dpopJkt?: string;
  /** Did a request have a DPoP proof of this key? */
  readonly isKeyProven?: true;
}

export const challengeRequestParameters = [
  'response_type',
  'code_challenge',
  'code_challenge_method',
  'scope',
  'resource',
  'redirect_uri',
  'nonce',
  'acr_values',
  'dpop_jkt',
] as const;

type Parameter = (typeof challengeRequestParameters)[number];
type Parameters = Readonly<Partial<Record<string, unknown>>>;

/** RFC 7636 section 4.2. */
const challengeForm = /^[\w.~-]{43,128}$/;

/** @throws OIDCProviderError that says which parameter is wrong */
export const readChallengeRequest = (
  definition: TenantDefinition,
  ctx: KoaContextWithOIDC,
  client: Client,
): ChallengeRequest => {
  const params: Parameters = ctx.oidc.params ?? {};
  const { code_challenge: codeChallenge, redirect_uri: redirectUri, dpop_jkt: dpopJkt } = params;
  // earlier drafts had no response_type
  if (params.response_type !== undefined && params.response_type !== 'code')
    throw new errors.UnsupportedResponseType();
  if (typeof codeChallenge !== 'string')
    throw new errors.InvalidRequest("missing required parameter 'code_challenge' (PKCE, RFC 7636)");
  if (params.code_challenge_method !== 'S256')
    throw new errors.InvalidRequest('code_challenge_method must be S256');
  if (!challengeForm.test(codeChallenge))
    throw new errors.InvalidRequest('code_challenge is not of the form of RFC 7636 section 4.2');
  if (typeof redirectUri === 'string' && !client.redirectUriAllowed(redirectUri))
    throw new errors.InvalidRedirectUri();
  if (dpopJkt !== undefined && !/^[\w-]{43}$/.test(String(dpopJkt)))
    throw new errors.InvalidRequest('dpop_jkt is not the thumbprint of a key');
  const resources = resourcesOf(params.resource, () =>
    defaultResourceFor(definition, client.clientId, ctx.oidc.requestParamScopes),
  );
  for (const resource of resources) resourceServerFor(definition, resource, client.clientId);
  return {
    codeChallenge,
    resources,
    ...definedOnly({
      scope: textOf(params, 'scope'),
      redirectUri: textOf(params, 'redirect_uri'),
      nonce: textOf(params, 'nonce'),
      acrValues: textOf(params, 'acr_values'),
      dpopJkt: textOf(params, 'dpop_jkt'),
    }),
  };
};

const textOf = (params: Parameters, name: Parameter): string | undefined => {
  const value = params[name];
  return typeof value === 'string' ? value : undefined;
};

const resourcesOf = (asked: unknown, otherwise: () => string | undefined): readonly string[] =>
  [asked ?? otherwise() ?? []].flat().map(String);

/** A later step may repeat the parameters of the first one, and change none. @throws errors.InvalidRequest */
export const refuseChanges = (request: ChallengeRequest, params: Parameters): void => {
  const first: Readonly<Record<Parameter, unknown>> = {
    response_type: 'code',
    code_challenge: request.codeChallenge,
    code_challenge_method: 'S256',
    scope: request.scope,
    resource: request.resources,
    redirect_uri: request.redirectUri,
    nonce: request.nonce,
    acr_values: request.acrValues,
    dpop_jkt: request.dpopJkt,
  };
  for (const name of challengeRequestParameters)
    if (params[name] !== undefined && String(params[name]) !== String(first[name]))
      throw new errors.InvalidRequest(
        `'${name}' differs from that of the first request of this auth_session`,
      );
};
