import { type Account, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { SignIn } from './sign-in.ts';

export interface PasswordGrantParts {
  readonly signIn: SignIn;
  readonly findAccount: (sub: string) => Promise<Account | undefined>;
}

/** The password grant in the fewest lines that give the same answer: access, refresh and ID token. */
export const registerPasswordGrant = (
  provider: Provider,
  { signIn, findAccount }: PasswordGrantParts,
): void => {
  provider.registerGrantType(
    'password',
    async (ctx: KoaContextWithOIDC) => {
      const { client, params } = ctx.oidc;
      const sub = await signIn(String(params?.username), String(params?.password));
      if (client === undefined || sub === undefined) throw new errors.InvalidGrant('credentials refused');
      const account = await findAccount(sub);
      if (account === undefined) throw new errors.InvalidGrant('account not found');
      ctx.oidc.entity('Account', account);
      const scope = String(params?.scope ?? '');
      const grant = new provider.Grant({ accountId: sub, clientId: client.clientId });
      grant.addOIDCScope(scope);
      ctx.oidc.entity('Grant', grant);
      const grantId = await grant.save();
      const shared = { accountId: sub, client, grantId, gty: 'password', scope };
      const accessToken = new provider.AccessToken(shared);
      const refreshToken = new provider.RefreshToken({ ...shared, authTime: Math.floor(Date.now() / 1000) });
      const idToken = new provider.IdToken(await account.claims('id_token', scope, {}, []), { ctx });
      Object.assign(idToken, { scope: 'openid', mask: {}, rejected: [] });
      ctx.body = {
        access_token: await accessToken.save(),
        token_type: accessToken.tokenType,
        expires_in: accessToken.expiration,
        scope,
        refresh_token: await refreshToken.save(),
        id_token: await idToken.issue({ use: 'idtoken' }),
      };
    },
    ['username', 'password', 'scope'],
  );
};
