import {
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { AdapterPayload } from 'oidc-provider';
import { findLiveSession, servesGrant } from '../../accounts/live-session.ts';
import type { Clock } from '../../clock.ts';
import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import { signingAlgorithms } from '../../protocol/signature-algorithms.ts';
import type { Artifact, ArtifactRef } from '../../storage/storage.ts';
import { authorizationsOf } from '../adapter/artifact-payload.ts';
import { sessionIdOf } from '../adapter/session-uid.ts';
import { codeMarkOf, revokedMarkId } from './code-tokens.ts';

/** The content of a JWT access token of ours, with the provider's names. */
export interface AccessTokenJwt {
  readonly payload: AdapterPayload;
  /** Id of the artifact that records its revocation. */
  readonly revocationId: string;
  readonly session?: TokenSession;
  /** See `codeMark`. */
  readonly mark?: string;
}

/** The session in which a token was issued. */
export interface TokenSession {
  /** Id of the Session artifact. */
  readonly id: string;
  /** Does the token end when the session expires? A sign-out ends it in any case. */
  readonly isBinding: boolean;
}

/** Members of the provider's tokens of people. */
interface Bindings {
  readonly grantId?: string | undefined;
  readonly sid?: string | undefined;
  readonly sessionUid?: string | undefined;
  readonly expiresWithSession?: boolean | undefined;
}

export const sessionOf = ({ sessionUid, expiresWithSession }: Bindings): TokenSession | undefined =>
  sessionUid === undefined
    ? undefined
    : { id: sessionIdOf(sessionUid), isBinding: expiresWithSession === true };

/**
 * A token that ends with its session is valid only while the session is alive and still has this grant.
 * @param stored what was loaded, the session among it if it is there
 */
export const isTokenSessionAlive = (
  { payload: { accountId, grantId }, session }: Pick<AccessTokenJwt, 'payload' | 'session'>,
  stored: readonly Artifact[],
): boolean => {
  if (session?.isBinding !== true) return true;
  const live = findLiveSession(stored, { sessionId: session.id, sub: accountId });
  return live !== undefined && grantId !== undefined && servesGrant(authorizationsOf(live), hashId(grantId));
};

/**
 * Claims of ours by which our own endpoints refuse a JWT whose grant or session has ended. `gid`: the grant; `ses`: the session; `offline`: it outlives the session's expiry; `fam`: the mark of the code that it was given for.
 */
export const privateClaims = (token: object): Record<string, unknown> => {
  const bindings: Bindings = token; // client credentials have none
  const { grantId, sid } = bindings;
  const session = sessionOf(bindings);
  return {
    ...definedOnly({ gid: grantId, sid, fam: codeMarkOf(token) }),
    ...(session === undefined ? {} : { ses: session.id }),
    ...(session?.isBinding === false ? { offline: true } : {}),
  };
};

/** All that the store knows of it, for one trip. */
export const linksOfJwt = ({
  payload,
  revocationId,
  session,
  mark,
}: AccessTokenJwt): readonly ArtifactRef[] => [
  { kind: 'RevokedToken', id: revocationId },
  ...(mark === undefined ? [] : [{ kind: 'RevokedToken' as const, id: revokedMarkId(mark) }]),
  ...(payload.grantId === undefined ? [] : [{ kind: 'Grant' as const, id: hashId(payload.grantId) }]),
  ...(session?.isBinding === true ? [{ kind: 'Session' as const, id: session.id }] : []),
];

/** Undefined unless it is an access token that this tenant signed and that has not expired. Asks no store. */
export type VerifyAccessTokenJwt = (token: string) => Promise<AccessTokenJwt | undefined>;

export interface AccessTokenJwtParts {
  readonly issuer: string;
  readonly publicKeys: JSONWebKeySet;
  readonly clock: Clock;
}

/** Most tokens are opaque: the form is looked at before anything is decoded. */
export const looksLikeJwt = (token: string): boolean => {
  if (!/^eyJ[^.]*\.[^.]*\.[^.]*$/.test(token)) return false;
  try {
    decodeProtectedHeader(token);
    return true;
  } catch {
    return false;
  }
};

const toAccessToken = ({ iss: _, ...claims }: JWTPayload): AccessTokenJwt | undefined => {
  const {
    jti,
    client_id: clientId,
    sub,
    aud,
    scope,
    iat,
    exp,
    gid,
    sid,
    ses,
    offline,
    fam,
    cnf,
    ...extra
  } = claims;
  if (typeof jti !== 'string' || typeof clientId !== 'string' || exp === undefined) return undefined;
  const { jkt, 'x5t#S256': x5t } = (cnf ?? {}) as { jkt?: string; 'x5t#S256'?: string }; // RFC 7800, signed by us
  return {
    revocationId: hashId(`jwt ${jti}`),
    ...(typeof ses === 'string' ? { session: { id: ses, isBinding: offline !== true } } : {}),
    ...(typeof fam === 'string' ? { mark: fam } : {}),
    payload: {
      kind: typeof gid === 'string' ? 'AccessToken' : 'ClientCredentials',
      jti,
      clientId,
      exp,
      ...definedOnly({ iat, aud }),
      ...(typeof scope === 'string' ? { scope } : {}),
      ...(typeof sid === 'string' ? { sid } : {}),
      ...(typeof gid === 'string' && sub !== undefined ? { grantId: gid, accountId: sub } : {}),
      ...definedOnly({ jkt }),
      ...(x5t === undefined ? {} : { 'x5t#S256': x5t }),
      extra: { ...extra, ...(typeof gid === 'string' ? {} : { sub }) },
    },
  };
};

/**
 * Other JWTs of this tenant are no access tokens (RFC 8725 section 3.11). With `typ: JWT`, which other tokens have too,
 * the audience decides: that of an ID token is a client id, without a colon, that of an access token the URI of a
 * resource.
 */
const isAccessToken = ({ typ }: JWTHeaderParameters, { aud }: JWTPayload): boolean =>
  typ === 'at+jwt' || (typ === 'JWT' && aud !== undefined && [aud].flat().every((one) => one.includes(':')));

/** RFC 9068 section 4: signature, type, issuer and expiry; the audience is for the policy to judge. */
export const createAccessTokenJwtVerifier = (parts: AccessTokenJwtParts): VerifyAccessTokenJwt => {
  const keys = createLocalJWKSet(parts.publicKeys);
  return async (token) => {
    // decoders are lenient with other characters, and one token must not have many spellings
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        issuer: parts.issuer,
        algorithms: [...signingAlgorithms],
        currentDate: new Date(parts.clock.now()),
      });
      return isAccessToken(protectedHeader, payload) ? toAccessToken(payload) : undefined;
    } catch {
      return undefined;
    }
  };
};
