import type { AdapterPayload } from 'oidc-provider';
import type { SessionAuthorization } from '../../accounts/live-session.ts';
import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { ArtifactKind } from '../../storage/artifact-kind.ts';
import type { Artifact, ArtifactWrite, Phase } from '../../storage/storage.ts';
import { deviceAuthorizationKey, parseSessionUid, sessionIdOf } from './session-uid.ts';

/**
 * Between the provider's payloads and stored artifacts. A stored payload never holds the artifact's own id:
 * for codes, tokens and cookies that id is the secret, and the store knows only its hash.
 */

const linksOf = (payload: AdapterPayload): Pick<Artifact, 'grantId' | 'sessionUid' | 'accountId'> => {
  const sessionUid = payload.sessionUid ?? payload.session?.uid;
  const accountId = payload.accountId ?? payload.session?.accountId;
  return {
    ...(payload.grantId === undefined ? {} : { grantId: hashId(payload.grantId) }),
    ...(sessionUid === undefined ? {} : { sessionUid: sessionIdOf(sessionUid) }),
    ...definedOnly({ accountId }),
  };
};

/** A refresh token that ends neither with a session nor with a device is a sign-in of its own. */
const endsAlone = ({ expiresWithSession, sessionUid }: AdapterPayload): boolean =>
  expiresWithSession !== true &&
  (sessionUid === undefined || parseSessionUid(sessionUid).deviceId === undefined);

/** RFC 8628: no person has claimed it, one person is deciding, or it is decided. */
export const phaseOf = (payload: AdapterPayload): Phase => {
  if (payload.accountId !== undefined || payload.error !== undefined) return 'decided';
  return payload.inFlight === true ? 'claimed' : 'pending';
};

/** The key of an authorization has no dots, because some stores give them a meaning; client ids may contain dots. */
const authorizationKey = (clientId: string): string => Buffer.from(clientId).toString('base64url');
const clientIdOf = (key: string): string => Buffer.from(key, 'base64url').toString('utf8');

/**
 * @param id the id the provider uses; hashed here
 * @param expiresAt epoch seconds
 */
export const toArtifact = (
  kind: ArtifactKind,
  id: string,
  payload: AdapterPayload,
  expiresAt: number,
): Artifact => {
  const { jti: _id, consumed: _consumed, ...kept } = payload;
  return {
    kind,
    id: hashId(id),
    payload: JSON.stringify(kept),
    expiresAt,
    ...linksOf(payload),
    ...(kind === 'RefreshToken' && endsAlone(payload)
      ? definedOnly({ signedInAt: payload.authTime ?? payload.iat })
      : {}),
    ...(kind === 'DeviceCode' ? { phase: phaseOf(payload) } : {}),
    ...(payload.userCode === undefined ? {} : { userCode: hashId(payload.userCode) }),
  };
};

export const toPayload = (artifact: Artifact, id: string): AdapterPayload => ({
  ...(JSON.parse(artifact.payload) as AdapterPayload), // written by toArtifact
  jti: id,
  ...(artifact.consumedAt === undefined ? {} : { consumed: Math.floor(artifact.consumedAt / 1000) }),
});

/** The session itself, stored under its uid; the value of the cookie is linked to it by `toSessionCookie`. */
export const toSession = (
  payload: AdapterPayload & { readonly uid: string },
  expiresAt: number,
): Artifact => {
  const { jti: _id, authorizations = {}, iat: _iat, exp: _exp, ...kept } = payload;
  return {
    kind: 'Session',
    id: hashId(payload.uid),
    payload: JSON.stringify(kept),
    expiresAt,
    ...definedOnly({ accountId: payload.accountId, signedInAt: payload.loginTs }),
    authorizations: Object.fromEntries(
      Object.entries(authorizations).map(([clientId, { persistsLogout: _always, ...authorization }]) => [
        authorizationKey(clientId),
        JSON.stringify(authorization),
      ]),
    ),
  };
};

export const toSessionCookie = (cookieValue: string, session: Artifact): Artifact => ({
  kind: 'SessionCookie',
  id: hashId(cookieValue),
  payload: '',
  expiresAt: session.expiresAt,
  sessionUid: session.id,
  ...definedOnly({ accountId: session.accountId }),
});

export const toSessionPayload = (session: Artifact, cookieValue: string | undefined): AdapterPayload => ({
  ...(JSON.parse(session.payload) as AdapterPayload), // written by toSession
  exp: session.expiresAt,
  ...definedOnly({ jti: cookieValue }),
  ...(session.authorizations === undefined || Object.keys(session.authorizations).length === 0
    ? {}
    : {
        authorizations: Object.fromEntries(
          Object.entries(session.authorizations).map(([key, value]) => [clientIdOf(key), JSON.parse(value)]),
        ),
      }),
});

/** A device sees its own grant as the grant of its app; the provider compares that with the grant of the token. */
export const sessionOfDevice = (
  session: AdapterPayload | undefined,
  deviceId: string,
): AdapterPayload | undefined => {
  const { authorizations = {} } = session ?? {};
  const own = authorizations[deviceAuthorizationKey(deviceId)] as StoredAuthorization | undefined; // ours has more
  if (own?.clientId === undefined || own.grantId === undefined) return undefined;
  return { ...session, authorizations: { [own.clientId]: { grantId: own.grantId } } };
};

/** As `toSession` writes it. */
interface StoredAuthorization {
  /** Set for a device, which has a key of its own. */
  readonly clientId?: string;
  readonly sid?: string;
  readonly grantId?: string;
}

/** The apps and devices that a stored session serves. */
export const authorizationsOf = (session: Artifact): readonly SessionAuthorization[] =>
  Object.entries(session.authorizations ?? {}).map(([key, value]) => {
    const { clientId, sid, grantId } = JSON.parse(value) as StoredAuthorization;
    return {
      clientId: clientId ?? clientIdOf(key),
      ...definedOnly({ sid }),
      ...(grantId === undefined ? {} : { grantId: hashId(grantId) }),
    };
  });

/** Removes the app, and its devices, from a stored session. Undefined when the session does not serve it. */
export const withoutClient = (session: Artifact, clientId: string): ArtifactWrite | undefined => {
  const removed = Object.entries(session.authorizations ?? {})
    .filter(([key, value]) => {
      const { clientId: ofDevice } = JSON.parse(value) as StoredAuthorization;
      return (ofDevice ?? clientIdOf(key)) === clientId;
    })
    .map(([key]) => key);
  if (removed.length === 0) return undefined;
  return { op: 'mergeSession', artifact: { ...session, authorizations: {} }, removed, onlyIfStored: true };
};
