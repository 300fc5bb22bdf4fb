import { authorizationCodeGrant } from 'openid-client';
import type { UpstreamSource } from '../../config/source/source-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { SourcePerson, UpstreamMemory, UpstreamOutcome } from '../connector.ts';
import { failureOrOutage, type ProtocolFailure } from './failures.ts';
import { fitsTemplate, verifiedIdToken } from './id-token.ts';
import type { PersonReader } from './person-reader.ts';
import { toUpstreamTokens } from './tokens.ts';
import { hasOwnIssuer, isTemplate, type UpstreamClient, type UpstreamParts } from './upstream-client.ts';

export interface FinishParts extends UpstreamParts {
  readonly reader: PersonReader;
}

export interface Return {
  /** The URL at which the browser returned, with its query. */
  readonly answer: URL;
  readonly memory: UpstreamMemory;
}

/**
 * Checks the answer that the browser returns with: state, issuer, code, ID token; then reads the person.
 * @throws AppError `unavailable`
 */
export const finishSignIn = async (
  client: UpstreamClient,
  parts: FinishParts,
  returned: Return,
): Promise<UpstreamOutcome<SourcePerson>> => {
  try {
    return await finish(client, parts, returned);
  } catch (error) {
    return refused(failureOrOutage(error));
  }
};

const finish = async (
  client: UpstreamClient,
  parts: FinishParts,
  { answer, memory }: Return,
): Promise<UpstreamOutcome<SourcePerson>> => {
  const { source } = client;
  const place = new URL(memory.redirectUri);
  place.search = answer.search;
  settleIssuer(source, place.searchParams);
  const response = await authorizationCodeGrant(await client.configuration(), place, {
    expectedState: memory.state,
    ...definedOnly({ pkceCodeVerifier: memory.codeVerifier }),
    ...(memory.nonce === undefined ? {} : { expectedNonce: memory.nonce, idTokenExpected: true }),
  });
  const claims =
    source.type === 'oidc' ? await verifiedIdToken(client, parts, response.id_token ?? '') : undefined;
  const read = await parts.reader.read({
    accessToken: response.access_token,
    hasIdToken: claims !== undefined,
    ...definedOnly({ claims }),
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
 * RFC 9207: openid-client compares `iss` with the issuer exactly. A source without a known issuer needs no comparison,
 * because each source has a redirect URI of its own; Entra's template matches each of its tenants.
 */
const settleIssuer = (source: UpstreamSource, query: URLSearchParams): void => {
  const { issuer = '' } = source;
  if (!hasOwnIssuer(source)) query.delete('iss');
  else if (isTemplate(issuer) && fitsTemplate(issuer, query.get('iss') ?? '')) query.set('iss', issuer);
};

/** Errors by which the person, or a rule of the upstream, refused (OpenID Connect Core section 3.1.2.6). */
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
