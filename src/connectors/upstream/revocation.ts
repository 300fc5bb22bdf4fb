import { tokenRevocation } from 'openid-client';
import type { Connector } from '../connector.ts';
import { reasonFor } from './failures.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';

/**
 * RFC 7009. The refresh token stands for the whole grant (section 2.1), and at many providers for the session that
 * was made with it. Never rejects: what cannot be revoked expires at the upstream.
 */
export const revokeTokens = async (
  client: UpstreamClient,
  { log }: UpstreamParts,
  { refreshToken, accessToken, logLevel = 'debug' }: Parameters<NonNullable<Connector['revoke']>>[0],
): Promise<boolean> => {
  const token = refreshToken ?? accessToken;
  if (token === undefined) return false;
  try {
    if ((await client.metadata()).revocation_endpoint === undefined) return false;
    const hint = refreshToken === undefined ? 'access_token' : 'refresh_token';
    await tokenRevocation(await client.configuration(), token, { token_type_hint: hint });
    return true;
  } catch (error) {
    log[logLevel](
      { source: client.source.id, detail: reasonFor(error) },
      'tokens of an upstream could not be revoked there',
    );
    return true;
  }
};
