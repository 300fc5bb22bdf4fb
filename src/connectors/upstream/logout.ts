import { errors } from 'jose';
import { buildEndSessionUrl } from 'openid-client';
import { definedOnly } from '../../defined-only.ts';
import type { RedirectSource, UpstreamLogout } from '../connector.ts';
import { failureOrOutage, refusedUs } from './failures.ts';
import { verifyUpstreamJwt } from './id-token.ts';
import { toleranceSeconds, type UpstreamClient, type UpstreamParts } from './upstream-client.ts';

/** OpenID Connect RP-Initiated Logout 1.0 section 2. */
export const endSessionUrl = async (
  client: UpstreamClient,
  logout: Parameters<RedirectSource['endSessionUrl']>[0],
): Promise<string | undefined> => {
  const { end_session_endpoint: endpoint } = await client.metadata();
  if (endpoint === undefined) return undefined;
  try {
    return buildEndSessionUrl(await client.configuration(), {
      post_logout_redirect_uri: logout.postLogoutRedirectUri,
      state: logout.state,
      ...definedOnly({ id_token_hint: logout.idToken }),
    }).href;
  } catch (error) {
    throw refusedUs(failureOrOutage(error));
  }
};

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';
/** The upstream repeats a delivery with a new token, so an older token is refused. */
const longestSeconds = 600;

/** OpenID Connect Back-Channel Logout 1.0 section 2.6. */
export const verifyLogoutToken = async (
  client: UpstreamClient,
  parts: UpstreamParts,
  token: string,
): Promise<UpstreamLogout | undefined> => {
  try {
    const { payload, typ } = await verifyUpstreamJwt(client, parts, token, {
      audience: client.source.clientId ?? '',
      requiredClaims: ['iss', 'jti', 'events'],
    });
    const { iss: issuer = '', sub: subject, sid, jti = '', iat = 0, exp = 0, events, nonce } = payload;
    const isComplete =
      isLogoutType(typ) &&
      isLogoutEvent(events) &&
      nonce === undefined &&
      (typeof subject === 'string' || typeof sid === 'string') &&
      iat * 1000 > parts.clock.now() - (longestSeconds + toleranceSeconds) * 1000;
    if (!isComplete) return undefined;
    return {
      issuer,
      ...(typeof subject === 'string' ? { subject } : {}),
      ...(typeof sid === 'string' ? { sid } : {}),
      jti,
      expiresAt: Math.min(exp, iat + longestSeconds) + toleranceSeconds,
    };
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
};

/** Section 2.4 recommends `logout+jwt`; providers older than that recommendation use `JWT`, or no type. */
const isLogoutType = (typ: string | undefined): boolean =>
  [undefined, 'jwt', 'logout+jwt', 'application/logout+jwt'].includes(typ?.toLowerCase());

const isLogoutEvent = (events: unknown): boolean => {
  if (typeof events !== 'object' || events === null || !Object.hasOwn(events, logoutEvent)) return false;
  const event = (events as Readonly<Record<string, unknown>>)[logoutEvent]; // an object that has this member
  return typeof event === 'object' && event !== null && !Array.isArray(event);
};
