import { refreshTokenGrant, type TokenEndpointResponse } from 'openid-client';
import { type Clock, epochSeconds } from '../../clock.ts';
import { definedOnly } from '../../defined-only.ts';
import type { UpstreamTokens } from '../connector.ts';
import { failureOrOutage, isRefusalOfUs, refusedUs } from './failures.ts';
import { uncheckedIdToken } from './token-answer.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';

export const toUpstreamTokens = (response: TokenEndpointResponse, clock: Clock): UpstreamTokens => {
  const idToken = response.id_token ?? response[uncheckedIdToken];
  return {
    accessToken: response.access_token,
    ...(response.expires_in === undefined
      ? {}
      : { expiresAt: epochSeconds(clock) + Math.floor(response.expires_in) }),
    ...definedOnly({ refreshToken: response.refresh_token }),
    ...(typeof idToken === 'string' ? { idToken } : {}),
    ...definedOnly({ scope: response.scope }),
  };
};

/** RFC 6749 section 5.2, and GitHub's code. */
const grantEnded: ReadonlySet<string> = new Set(['invalid_grant', 'bad_refresh_token']);

/** RFC 6749 section 6. An upstream that sends no new refresh token still accepts the old one. */
export const refreshTokens = async (
  client: UpstreamClient,
  { clock, log }: UpstreamParts,
  refreshToken: string,
): Promise<UpstreamTokens | undefined> => {
  try {
    const response = await refreshTokenGrant(await client.configuration(), refreshToken);
    return { refreshToken, ...toUpstreamTokens(response, clock) };
  } catch (error) {
    const failure = failureOrOutage(error);
    if (failure.isAnswer && grantEnded.has(failure.code)) return undefined;
    if (isRefusalOfUs(failure))
      log.error(
        { source: client.source.id, detail: failure.detail },
        'the upstream refreshes no tokens for Drawbridge: check the client of this source there',
      );
    throw refusedUs(failure);
  }
};
