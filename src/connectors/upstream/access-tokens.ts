import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload } from 'jose';
import { randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { SourcePerson, TokenSource } from '../connector.ts';
import { asOutage } from './failures.ts';
import { verifyUpstreamJwt } from './id-token.ts';
import type { PersonReader } from './person-reader.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';
import type { TokenVerdict } from './verdict-cache.ts';

export interface AccessTokensParts extends UpstreamParts {
  readonly reader: PersonReader;
}

const longestToken = 16 * 1024;
const unprovenNamedEveryMs = 60_000;

/**
 * Accepts the upstream's own access tokens. A JWT of an OpenID provider is checked against issuer, audience and keys;
 * any other token is sent to the user-info resource, which does not reveal the audience of a token. A source with
 * `tokenAudience` refuses tokens whose audience cannot be read.
 */
export const createAccessTokens = (
  client: UpstreamClient,
  parts: AccessTokensParts,
): TokenSource<SourcePerson> => {
  const { source } = client;
  const scope = randomId(8);
  let isRiskNamed = false;

  const nameRisk = (): void => {
    if (isRiskNamed) return;
    isRiskNamed = true;
    parts.log.warn(
      { source: source.id },
      'upstream access tokens are accepted without a check of their audience: one that the upstream issued to any other app signs a person in here too; set tokenAudience where the upstream issues JWTs',
    );
  };

  let namedAtMs = Number.NEGATIVE_INFINITY;
  /** Nothing has proven the token yet: a stranger must not fill the log, and the operator must see the reason. */
  const levelOfUnproven = (): Refusal['level'] => {
    const nowMs = parts.clock.now();
    if (nowMs - namedAtMs < unprovenNamedEveryMs) return 'debug';
    namedAtMs = nowMs;
    return 'info';
  };

  const read = async (
    accessToken: string,
    proof: { readonly claims?: JWTPayload; readonly isForResource?: boolean },
  ): Promise<TokenVerdict> => {
    const outcome = await parts.reader.read({ accessToken, ...proof });
    if (outcome.ok) return { person: outcome.person };
    const isOfAnswer = outcome.reason === 'invalid' || outcome.reason === 'other_person';
    if (isOfAnswer) throw new Refusal(`it names no user (${outcome.detail})`, 'warn');
    throw new Refusal(outcome.detail, 'debug');
  };

  const verifyJwt = async (token: string, audience: string): Promise<TokenVerdict> => {
    const { payload, typ } = await verifyUpstreamJwt(client, parts, token, {
      audience,
      requiredClaims: ['sub'],
    });
    if (!isAccessToken(payload, typ))
      throw new Refusal('it is no access token, but another JWT of the provider', 'info');
    const verdict = await read(token, {
      claims: payload,
      isForResource: source.tokenAudience !== undefined,
    });
    return { ...verdict, ...definedOnly({ expiresAt: payload.exp }) };
  };

  /** The upstream itself accepts the token at user-info, so the claims in the token can be trusted. */
  const verifyAtUserInfo = async (token: string): Promise<TokenVerdict> => {
    const claims = readClaims(token);
    if (source.tokenAudience === undefined) nameRisk();
    else if (!audiences(claims).includes(source.tokenAudience))
      throw new Refusal(audienceFault(claims, source.tokenAudience), levelOfUnproven());
    const askAgainAt = parts.clock.now() + source.tokenCacheSeconds * 1000;
    const verdict = await read(token, {});
    return { ...verdict, askAgainAt, ...definedOnly({ expiresAt: claims?.exp }) };
  };

  const verify = async (token: string, noteRefusal: NoteRefusal): Promise<TokenVerdict | undefined> => {
    const audience = source.tokenAudience ?? source.clientId;
    const { jwks_uri: jwksUri } = await client.metadata();
    const isCheckable = source.type === 'oidc' && jwksUri !== undefined && audience !== undefined;
    try {
      return isCheckable && readClaims(token) !== undefined
        ? await verifyJwt(token, audience)
        : await verifyAtUserInfo(token);
    } catch (error) {
      const refusal = error instanceof errors.JOSEError ? refusalOf(error, audience) : error;
      if (!(refusal instanceof Refusal)) throw asOutage(error);
      parts.log[refusal.level](
        { source: source.id, detail: refusal.message },
        'an upstream access token is refused',
      );
      noteRefusal(refusal.message);
      return undefined;
    }
  };

  return {
    verify: async (token, noteRefusal = () => {}) => {
      if (!isPlausible(token)) {
        noteRefusal('it is too long, or has characters that a token cannot have (RFC 6750 section 2.1)');
        return undefined;
      }
      const verdict = await parts.upstreams.verdicts.find(scope, token, () => verify(token, noteRefusal));
      if (verdict?.askAgainAt === undefined) return verdict;
      const { askAgainAt, ...verified } = verdict;
      return { ...verified, freshForMs: Math.max(0, askAgainAt - parts.clock.now()) };
    },
  };
};

type NoteRefusal = (reason: string) => void;

/**
 * Thrown inside this file only. A token that anybody can forge is logged at `debug`, or once a minute: it must not fill
 * the log.
 */
class Refusal extends Error {
  readonly level: 'debug' | 'info' | 'warn';

  constructor(reason: string, level: Refusal['level']) {
    super(reason);
    this.level = level;
  }
}

/** jose checks the signature first: a claim that does not fit is in a token that the provider has issued. */
const refusalOf = (error: errors.JOSEError, audience: string | undefined): Refusal => {
  if (!(error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired))
    return new Refusal('it is not signed with a published key of the provider', 'debug');
  const { claim, payload } = error;
  if (claim === 'aud') return new Refusal(audienceFault(payload, audience), 'info');
  return new Refusal(`the claim "${claim}" does not fit: ${error.message}`, 'info');
};

const audienceFault = (claims: JWTPayload | undefined, audience: string | undefined): string =>
  `the claim "aud" is ${JSON.stringify(claims?.aud ?? null).slice(0, 200)}, without ${audience}. Let the provider add it, or set "tokenAudience" to the audience that it uses`;

/** RFC 6750 section 2.1: the characters that a header may contain. */
const isPlausible = (token: string): boolean => token.length <= longestToken && /^[\w\-.~+/]+=*$/.test(token);

const readClaims = (token: string): JWTPayload | undefined => {
  try {
    decodeProtectedHeader(token);
    return decodeJwt(token);
  } catch {
    return undefined;
  }
};

const audiences = (claims: JWTPayload | undefined): readonly string[] => [claims?.aud ?? []].flat();

/** RFC 9068 section 2.1. An ID token, refresh token or logout token is refused, although the same key has signed it. */
const isAccessToken = (payload: JWTPayload, typ: string | undefined): boolean =>
  [undefined, 'jwt', 'at+jwt', 'application/at+jwt'].includes(typ?.toLowerCase()) &&
  !['at_hash', 'c_hash', 'nonce', 'events'].some((claim) => payload[claim] !== undefined) &&
  [undefined, 'bearer'].includes(typeof payload.typ === 'string' ? payload.typ.toLowerCase() : undefined);
