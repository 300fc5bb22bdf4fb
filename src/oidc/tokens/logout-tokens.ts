import type { Provider } from 'oidc-provider';
import { randomId } from '../../crypto/ids.ts';
import type { LogoutDelivery } from '../../storage/storage-endings.ts';

export interface LogoutToken {
  /** The app's `backchannel_logout_uri`. */
  readonly uri: string;
  readonly token: string;
}

/**
 * The logout token for one delivery (OpenID Connect Back-Channel Logout 1.0 section 2.4), made anew for each attempt:
 * it lives two minutes, and an app may refuse a `jti` that it has seen. Undefined when the client no longer exists or
 * no longer wants logout tokens.
 */
export const createLogoutToken = async (
  provider: Provider,
  { clientId, sub, sid }: Pick<LogoutDelivery, 'clientId' | 'sub' | 'sid'>,
): Promise<LogoutToken | undefined> => {
  const client = await provider.Client.find(clientId);
  if (client?.backchannelLogoutUri === undefined) return undefined;
  const token = new provider.IdToken({ sub }, { client });
  Object.assign(token, { mask: { sub: null } });
  token.set('events', { 'http://schemas.openid.net/event/backchannel-logout': {} });
  token.set('jti', randomId(16));
  token.set('sid', sid);
  return { uri: client.backchannelLogoutUri, token: await token.issue({ use: 'logout' }) };
};
