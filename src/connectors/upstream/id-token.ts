import { decodeJwt, errors, type JWTPayload } from 'jose';
import type { ServerMetadata } from 'openid-client';
import { AppError } from '../../errors.ts';
import { publicKeySignatures } from '../../protocol/signature-algorithms.ts';
import { isTemplate, toleranceSeconds, type UpstreamClient, type UpstreamParts } from './upstream-client.ts';

export interface TokenChecks {
  readonly audience: string;
  readonly requiredClaims: readonly string[];
}

/**
 * A JWT of the upstream: signature by a published key, exact issuer, audience, times, required claims.
 * @throws AppError `unavailable` when the keys cannot be had; JOSEError when the token is not valid
 */
export const verifyUpstreamJwt = async (
  client: UpstreamClient,
  { upstreams, clock }: UpstreamParts,
  token: string,
  checks: TokenChecks,
): Promise<{ readonly payload: JWTPayload; readonly typ: string | undefined }> => {
  const metadata = await client.metadata();
  if (metadata.jwks_uri === undefined)
    throw new AppError('unavailable', 'The keys of the identity provider are not known', {
      detail: 'neither the discovery document nor the source has a jwks_uri',
    });
  const { payload, protectedHeader } = await upstreams.keys.verify(
    token,
    { url: metadata.jwks_uri, peer: client.peer },
    {
      algorithms: [...publicKeySignatures],
      issuer: expectedIssuer(metadata, token),
      audience: checks.audience,
      clockTolerance: toleranceSeconds,
      requiredClaims: ['iat', 'exp', ...checks.requiredClaims],
    },
  );
  if ((payload.iat ?? 0) * 1000 > clock.now() + toleranceSeconds * 1000)
    throw invalidClaim(payload, 'iat', 'it was issued in the future');
  return { payload, typ: protectedHeader.typ };
};

/**
 * Verifies an ID token that openid-client has checked: also its signature, in every flow, and its authorized party.
 * @throws as `verifyUpstreamJwt`
 */
export const verifiedIdToken = async (
  client: UpstreamClient,
  parts: UpstreamParts,
  idToken: string,
): Promise<JWTPayload> => {
  const audience = client.source.clientId ?? '';
  const { payload } = await verifyUpstreamJwt(client, parts, idToken, { audience, requiredClaims: ['sub'] });
  checkAuthorizedParty(payload, audience);
  return payload;
};

/** OpenID Connect Core section 3.1.3.7, points 4 and 5: a token with several audiences must be issued to us. */
const checkAuthorizedParty = (payload: JWTPayload, clientId: string): void => {
  const { azp, aud } = payload;
  if (azp === undefined ? Array.isArray(aud) && aud.length > 1 : azp !== clientId)
    throw invalidClaim(payload, 'azp', 'it was issued to another client');
};

const invalidClaim = (payload: JWTPayload, claim: string, why: string): errors.JWTClaimValidationFailed =>
  new errors.JWTClaimValidationFailed(`unexpected "${claim}" claim value: ${why}`, payload, claim);

const tenantIdForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Is it the issuer of one of Entra's tenants? */
export const fitsTemplate = (template: string, issuer: string): boolean => {
  const [before = '', after = ''] = template.split('{tenantid}');
  return (
    issuer.startsWith(before) &&
    issuer.endsWith(after) &&
    tenantIdForm.test(issuer.slice(before.length, issuer.length - after.length))
  );
};

/** Entra: the issuer of a token is the template with the token's own tenant in it. */
const expectedIssuer = ({ issuer }: ServerMetadata, token: string): string => {
  if (!isTemplate(issuer)) return issuer;
  const payload = decodeJwt(token);
  const { tid } = payload;
  if (typeof tid !== 'string' || !tenantIdForm.test(tid))
    throw invalidClaim(payload, 'tid', 'it names no tenant');
  return issuer.replace('{tenantid}', tid);
};
